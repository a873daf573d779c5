#!/usr/bin/env bash
# skl2onnx 1.20.0, scikit-learn 1.9.1, onnxruntime 1.32.0 (PyPI): rare values are put together in the first column, and wrongly in the next.
#
# Expected: OrdinalEncoder(max_categories=3) keeps the two most frequent values of each column and gives one number to all rare ones; the
# converted model gives the same numbers, or the converter refuses, as it does for the OneHotEncoder with such a setting.
#
# Seen: the first column is right; in the second one a rare brand gets the number of the frequent one, and the frequent one that of the rare
# ones: b3 and b5 are 1 and 2 in place of 2 and 1. Each of the two columns alone is converted right. No warning.
#
# Source: https://scikit-learn.org/stable/modules/preprocessing.html (infrequent categories); https://onnx.ai/sklearn-onnx/supported.html
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
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

SOLD = [("milk", "b1", 50), ("bread", "b1", 30), ("eggs", "b2", 3), ("salt", "b3", 2), ("tea", "b4", 1), ("milk", "b5", 20)]
rows = np.array([[article, brand] for article, brand, count in SOLD for _ in range(count)], dtype=object)
asked = np.array([[article, brand] for article, brand, _ in SOLD], dtype=object)


def answers(columns):
    encoder = OrdinalEncoder(max_categories=3).fit(rows[:, columns])
    session = ort.InferenceSession(to_onnx(encoder, rows[:1, columns]).SerializeToString(), providers=["CPUExecutionProvider"])
    return encoder.transform(asked[:, columns]).T.tolist(), session.run(None, {"X": asked[:, columns]})[0].T.tolist()


ARTICLES, BRANDS = [1, 0, 2, 2, 2, 1], [0, 0, 2, 2, 2, 1]
for columns, stated in [
    ([0], [ARTICLES]), ([1], [BRANDS]), ([0, 1], [ARTICLES, [0, 0, 2, 1, 2, 2]]),
]:
    own, converted = answers(columns)
    print(f"columns {columns}: scikit-learn {own}, converted {converted}")
    assert own == [[ARTICLES, BRANDS][column] for column in columns]
    assert converted == stated, "no longer as stated"
try:
    to_onnx(OneHotEncoder(max_categories=3, handle_unknown="infrequent_if_exist").fit(rows), rows[:1])
except NotImplementedError as error:
    print("OneHotEncoder:", str(error).split(".")[0][:60])
else:
    raise SystemExit("a OneHotEncoder with rare values is converted now")
print("as stated")
PY
