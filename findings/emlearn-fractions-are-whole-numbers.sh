#!/usr/bin/env bash
# emlearn 0.23.2, scikit-learn 1.9.1 (PyPI): a tree that asks whether a weight is above 0.4 asks in C whether it is 0 or more.
#
# Expected: the C code of a tree that was trained on fractions compares with the fractions, as scikit-learn does; the documentation says of
# dtype that it "can be used to enable quantization".
#
# Seen: without a dtype features and thresholds are int16_t, and 0.4 becomes 0: 211 of 500 answers differ, all on one side. With
# dtype="float" none does. Where the classes are 3 and 8, all answers are 0 and 1, the places of the classes, with either. predict of the
# converted model, which runs the C code, shows it; no warning is given.
#
# Source: https://emlearn.readthedocs.io/en/latest/python_api.html (emlearn.convert)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check emlearn==0.23.2 scikit-learn==1.9.1 numpy==2.3.5
venv/bin/python - <<'PY'
import emlearn
import numpy as np
from sklearn.tree import DecisionTreeClassifier

weights = np.random.default_rng(1).uniform(0, 1, (500, 2))
heavy = weights[:, 0] > 0.4


def differ(classes, **options):
    tree = DecisionTreeClassifier(max_depth=2, random_state=1).fit(weights, classes)
    code = emlearn.convert(tree, **options)
    said = np.array(code.predict(weights))
    count = int((said != tree.predict(weights)).sum())
    says = [sorted(set(answer.tolist())) for answer in (classes, said)]
    print(f"{options or 'as it is'}: the model says {says[0]}, the code {says[1]}; {count} of 500 differ")
    return count, said


count, said = differ(heavy.astype(int))
assert count == int((~heavy).sum()) and set(said.tolist()) == {1}, "no longer as stated"
assert differ(heavy.astype(int), dtype="float")[0] == 0, "floats are no longer as stated"
count, said = differ(np.where(heavy, 8, 3), dtype="float")
assert (said == heavy).all(), "the labels are no longer as stated"
print("as stated")
PY
