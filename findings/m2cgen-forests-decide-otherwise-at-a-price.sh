#!/usr/bin/env bash
# m2cgen 0.10.0 (PyPI): a forest of scikit-learn answers otherwise as code, for four prices in a hundred.
#
# Expected: the code is the forest's trees, written out: it gives the forest's answers, but for the last digits.
#
# Seen: scikit-learn rounds the asked values to 32 bits and compares them with thresholds of 64; the code compares them as they are given.
# A threshold lies halfway between two prices that the tree has seen, and where prices are whole cents that is very often a price
# itself: which side it is on is decided by the rounding. Of 3000 rows with prices from 0.01 to 49.99, on which a forest of twenty trees
# was trained, 131 get another answer, up to half a piece of about twenty away. With the values rounded to 32 bits before they are asked,
# all answers are the same, as they are for prices in whole cents (1999 in place of 19.99). No error is raised.
#
# Source: https://scikit-learn.org/stable/modules/generated/sklearn.ensemble.RandomForestRegressor.html (predict: "converted to
# dtype=np.float32"); https://github.com/BayesWitnesses/m2cgen
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check m2cgen==0.10.0 scikit-learn==1.9.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import random

import m2cgen
import numpy as np
from sklearn.ensemble import RandomForestRegressor

luck = random.Random(7)


def compare(name, per_unit):
    rows = np.array([[luck.randrange(1, 5000) / per_unit, luck.randrange(24)] for _ in range(3000)])
    sold = 20 - rows[:, 0] * per_unit * 0.003 + np.array([luck.gauss(0, 1) for _ in rows])
    forest = RandomForestRegressor(20, random_state=0, n_jobs=1).fit(rows, sold)
    code = {}
    exec(m2cgen.export_to_python(forest), code)
    asked = lambda rows: np.array([code["score"](list(map(float, row))) for row in rows])
    away = np.abs(asked(rows) - forest.predict(rows))
    rounded = np.abs(asked(rows.astype(np.float32)) - forest.predict(rows))
    counted = [int((difference > 1e-9).sum()) for difference in (away, rounded)]
    print(f"{name}: {counted[0]} of {len(rows)} differ, by up to {away.max():.2f}; with values of 32 bits {counted[1]}")
    return counted, away.max()


(other, rounded), most = compare("prices as 19.99", 100)
assert other > 60 and rounded == 0 and most > 0.1, "no longer as stated"
(other, rounded), most = compare("prices as 1999", 1)
assert other == rounded == 0, "whole cents are no longer right"
print("as stated")
PY
