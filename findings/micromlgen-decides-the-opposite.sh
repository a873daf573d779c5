#!/usr/bin/env bash
# micromlgen 1.1.28, scikit-learn 1.9.1 (PyPI): the C++ code of a logistic regression decides the opposite of the model.
#
# Expected: code that is made of a classifier for a small device gives the classes that the classifier gives.
#
# Seen: for two classes scikit-learn keeps one row of coefficients, the sum of which is positive for the second class; the code takes it for
# the votes of the first class, and 0 for the other one, so that each answer is the opposite: 2 of 200 agree at most. With three classes it
# is right; and in all cases the code gives the place of the class where the classes are 3 and 8. No warning.
#
# Source: https://scikit-learn.org/stable/modules/generated/sklearn.linear_model.LogisticRegression.html (coef_)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check micromlgen==1.1.28 scikit-learn==1.9.1 numpy==2.3.5
venv/bin/python - <<'PY'
import subprocess

import numpy as np
from micromlgen import port
from sklearn.linear_model import LogisticRegression

rng = np.random.default_rng(1)
rows = rng.normal(size=(1000, 2))
ASKED = rows[:200]
MAIN = """#include <cstdio>
#include <cstdint>
%s
int main() {
    Eloquent::ML::Port::LogisticRegression model;
    float row[2];
    while (scanf("%%f %%f", &row[0], &row[1]) == 2) printf("%%d\\n", model.predict(row));
}
"""


def answers(classes):
    model = LogisticRegression().fit(rows, classes)
    with open("main.cpp", "w") as file:
        file.write(MAIN % port(model).replace("#pragma once", ""))
    subprocess.run(["c++", "-w", "-o", "decide", "main.cpp"], check=True)
    given = "\n".join(f"{a!r} {b!r}" for a, b in ASKED.tolist())
    said = subprocess.run(["./decide"], input=given, capture_output=True, text=True, check=True).stdout
    return model.predict(ASKED), np.array(said.split(), dtype=int)


score = rows[:, 0] + rows[:, 1]
CASES = (
    ("0 and 1", (score > 0.5).astype(int)), ("0, 1 and 2", np.digitize(score, [-0.5, 0.5])), ("3 and 8", np.where(score > 0.5, 8, 3)))
for name, classes in CASES:
    own, code = answers(classes)
    says = [sorted(set(answer.tolist())) for answer in (own, code)]
    print(f"classes {name}: {(own == code).sum()} of 200 agree; the model says {says[0]}, the code {says[1]}")
    if name == "0 and 1":
        assert (code == 1 - own).sum() >= 198, "no longer as stated"
    elif name == "0, 1 and 2":
        assert (code == own).sum() >= 198, "three classes are no longer as stated"
    else:
        assert set(code.tolist()) == {0, 1}, "the labels are no longer as stated"
print("as stated")
PY
