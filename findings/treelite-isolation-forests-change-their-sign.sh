#!/usr/bin/env bash
# treelite 4.8.1, scikit-learn 1.9.1 (PyPI): of an isolation forest the strangest sale has the highest number, and not the lowest.
#
# Expected: a forest that is brought over to another library, which does it for all other models of scikit-learn to the last digit, gives
# what score_samples or decision_function of the original gives: the lower, the stranger, and below the offset of -0.5 an alarm.
#
# Seen: treelite gives the same number with the other sign, between 0 and 1, as the paper has it: an alarm below -0.5 is never raised, and
# one below 0, as for decision_function, neither; the stranger of two sales is the one with the higher number. No warning is given.
#
# Source: https://scikit-learn.org/stable/modules/generated/sklearn.ensemble.IsolationForest.html (score_samples, offset_); treelite.sklearn
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check treelite==4.8.1 scikit-learn==1.9.1 numpy==2.3.5
"$folder/venv/bin/python" -W error::UserWarning - <<'PY'
import numpy as np
import treelite
from sklearn.ensemble import IsolationForest, RandomForestRegressor

rng = np.random.default_rng(1)
sales = rng.normal(size=(500, 3))
asked = np.array([[0.0, 0.0, 0.0], [9.0, 9.0, 9.0]])


def brought(model):
    return np.ravel(treelite.gtil.predict(treelite.sklearn.import_model(model), asked))


forest = IsolationForest(n_estimators=100, random_state=1).fit(sales)
own, there = forest.score_samples(asked), brought(forest)
print(f"a usual and a strange sale: scikit-learn {own.round(3)}, alarm below {forest.offset_}; treelite {there.round(3)}")
assert own[1] < forest.offset_ < own[0], "the forest finds nothing"
assert np.allclose(there, -own, atol=1e-6), "no longer as stated"
regressor = RandomForestRegressor(10, random_state=1).fit(sales, sales[:, 0])
assert np.allclose(regressor.predict(asked), brought(regressor)), "other forests differ as well"
print("as stated")
PY
