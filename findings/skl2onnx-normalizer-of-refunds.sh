#!/usr/bin/env bash
# skl2onnx 1.20.0, scikit-learn 1.9.1, onnxruntime 1.32.0 (PyPI): a row in which the refund is the largest amount is scaled by another one.
#
# Expected: Normalizer(norm="max") divides each row by its largest absolute value, so that all numbers lie between -1 and 1; the converted
# model does the same.
#
# Seen: ONNX divides by the largest value (its operator says so: X / max(X)), and the converter maps the one to the other without a word. A
# row of 5 and -20 is 1 and -4 in place of 0.25 and -1; a row of refunds alone turns positive: -5 and -20 are 1 and 4. The l1 and l2 norms
# are right. onnx's own reference evaluator divides by the absolute value, as scikit-learn does, and so differs from the runtime as well.
#
# Source: https://onnx.ai/onnx/operators/onnx_aionnxml_Normalizer.html; scikit-learn, sklearn.preprocessing.Normalizer (norm)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check skl2onnx==1.20.0 scikit-learn==1.9.1 onnxruntime==1.32.0 onnx==1.23.2 \
  numpy==2.3.5
"$folder/venv/bin/python" -W error::UserWarning - <<'PY'
import numpy as np
import onnxruntime as ort
from onnx.reference import ReferenceEvaluator
from skl2onnx import to_onnx
from sklearn.preprocessing import Normalizer

ROWS = np.array([[20, -3], [5, -20], [-5, -20]], dtype=np.float32)


def answers(norm):
    scaler = Normalizer(norm=norm).fit(ROWS)
    model = to_onnx(scaler, ROWS[:1])
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return scaler.transform(ROWS), session.run(None, {"X": ROWS})[0], ReferenceEvaluator(model).run(None, {"X": ROWS})[0]


for norm in ("l1", "l2"):
    own, converted, reference = answers(norm)
    assert np.allclose(own, converted) and np.allclose(own, reference), f"{norm} differs"
own, converted, reference = answers("max")
for row, here, there, third in zip(ROWS.tolist(), own.tolist(), converted.tolist(), reference.tolist()):
    print(f"{row}: scikit-learn {np.round(here, 3)}, ONNX Runtime {np.round(there, 3)}, onnx reference {np.round(third, 3)}")
assert np.allclose(own, [[1, -0.15], [0.25, -1], [-0.25, -1]])
assert np.allclose(converted, [[1, -0.15], [1, -4], [1, 4]]), "no longer as stated"
assert np.allclose(reference, own), "the reference is no longer as stated"
print("as stated")
PY
