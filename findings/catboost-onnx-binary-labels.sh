#!/usr/bin/env bash
# catboost 1.2.10, onnxruntime 1.32.0 (PyPI): the label of an exported binary classifier is not one of its classes.
#
# Expected: a CatBoostClassifier that was trained on the classes 3 and 8 and saved as ONNX answers 3 or 8 in its output `label`, as its
# own predict does and as the keys of its output `probabilities` are.
#
# Seen: `label` is 0 or 1, the positions of the classes, on every row; the keys of `probabilities` are 3 and 8. Whoever reads `label`
# alone never meets a class of the model; with the classes 1 and 2 an answer of 1 means the class 2.
#
# Source: https://catboost.ai/docs/en/concepts/apply-onnx-ml
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check catboost==1.2.10 onnxruntime==1.32.0 numpy==2.3.5
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import catboost
import numpy as np
import onnxruntime as ort

print("catboost", catboost.__version__, "onnxruntime", ort.__version__)
rng = np.random.default_rng(1)
rows = rng.normal(size=(400, 4)).astype(np.float32)
positive = rows[:, 0] + rows[:, 1] > 0


def answers(first, second):
    model = catboost.CatBoostClassifier(iterations=20, depth=3, verbose=False, random_seed=1, allow_writing_files=False)
    model.fit(rows, np.where(positive, second, first))
    model.save_model("model.onnx", format="onnx")
    session = ort.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])
    label, probabilities = session.run(["label", "probabilities"], {"features": rows})
    best = np.array([max(row, key=row.get) for row in probabilities])
    return model.predict(rows).ravel(), label, best


for classes in ((3, 8), (1, 2)):
    own, label, best = answers(*classes)
    print(f"classes {classes}: predict {sorted(set(own.tolist()))}, label {sorted(set(label.tolist()))}, ", end="")
    print(f"best of the probabilities {sorted(set(best.tolist()))}; label right on {int((label == own).sum())} of {len(own)} rows")
    assert (best == own).all(), "the probabilities are no longer as stated"
    assert (label == np.where(own == classes[0], 0, 1)).all(), "the label is no longer as stated"
print("as stated")
PY
