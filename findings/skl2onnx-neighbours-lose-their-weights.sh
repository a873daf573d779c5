#!/usr/bin/env bash
# skl2onnx 1.20.0, scikit-learn 1.9.1, onnxruntime 1.32.0 (PyPI): nearest neighbours that are weighted by distance are not in the file.
#
# Expected: KNeighborsRegressor(weights="distance") gives the value of a training row to that very row, and of two neighbours the nearer one
# counts more, in scikit-learn and in the converted model; where a converter knows only weights="uniform", it refuses.
#
# Seen: the converted model gives the plain average of the neighbours: for rows that it was trained on 15 in place of 10, and 35 in place of
# 40. The classifier differs in the same way. No warning; weights="uniform" converts right.
#
# Source: https://scikit-learn.org/stable/modules/neighbors.html (weights); https://onnx.ai/sklearn-onnx/supported.html
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check skl2onnx==1.20.0 scikit-learn==1.9.1 onnxruntime==1.32.0 onnx==1.23.2 \
  numpy==2.3.5
"$folder/venv/bin/python" -W error::UserWarning - <<'PY'
import numpy as np
import onnxruntime as ort
from skl2onnx import to_onnx
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

ROWS = np.array([[1, 0], [3, 0], [5, 0], [9, 9]], dtype=np.float32)
VALUES = np.array([10, 20, 30, 40], dtype=np.float32)
ASKED = np.array([[1, 0], [2, 0], [1.5, 0], [9, 9]], dtype=np.float32)


def answers(model, targets, rows, asked):
    model.fit(rows, targets)
    session = ort.InferenceSession(to_onnx(model, rows[:1]).SerializeToString(), providers=["CPUExecutionProvider"])
    return model.predict(asked).tolist(), session.run(None, {"X": asked})[0].ravel().tolist()


for weights, stated in (("uniform", ([15, 15, 15, 35], [15, 15, 15, 35])), ("distance", ([10, 15, 12.5, 40], [15, 15, 15, 35]))):
    own, converted = answers(KNeighborsRegressor(2, weights=weights), VALUES, ROWS, ASKED)
    print(f"{weights}: scikit-learn {own}, converted {converted}")
    assert np.allclose(own, stated[0]) and np.allclose(converted, stated[1]), "no longer as stated"

rng = np.random.default_rng(1)
rows = rng.normal(size=(300, 3)).astype(np.float32)
classes = np.digitize(rows[:, 0], [-0.5, 0.5])
for weights in ("uniform", "distance"):
    own, converted = answers(KNeighborsClassifier(3, weights=weights), classes, rows, rows)
    differ = sum(a != b for a, b in zip(own, converted))
    right = [sum(a == b for a, b in zip(answer, classes.tolist())) for answer in (own, converted)]
    print(f"{weights}: {differ} of 300 answers differ; right on training rows: scikit-learn {right[0]}, converted {right[1]}")
    assert (differ > 0) == (weights == "distance"), "no longer as stated"
assert right[0] == 300 > right[1], "no longer as stated"
print("as stated")
PY
