#!/usr/bin/env bash
# jsbarcode 3.12.3 (npm), python-barcode 0.16.1, zxing-cpp 3.1.1 (PyPI): a GS1-128 with its brackets inside looks right to who tests it.
#
# Expected: the brackets around application identifiers are for people; (01)09521234567890(17)270200(10)A1 is drawn without them, behind
# FNC1, as BWIPP and others do, and a code that has them inside is found as soon as it is read.
#
# Seen: jsbarcode with ean128 and python-barcode's gs1_128 draw FNC1 and then the text as it is, with brackets: no till finds the GTIN, as
# the first identifier is "(0". zxing-cpp shows the same text, to the letter, for this code and for the right one, as it puts brackets
# into what has none; only its bytes differ, so that a test that reads the code and compares the text passes. Without brackets both
# libraries draw what is right, as far as no field of variable length is followed by another.
#
# Source: GS1 General Specifications, 4.14 and 5.4 (brackets are not encoded); https://github.com/lindell/JsBarcode/wiki/CODE128;
# https://python-barcode.readthedocs.io/; https://github.com/zxing-cpp/zxing-cpp (TextMode HRI)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts jsbarcode@3.12.3
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check python-barcode==0.16.1 zxing-cpp==3.1.1 numpy==2.3.5
cat > draw.js <<'JS'
const draw = require("jsbarcode");
const modules = (text) => {
  const drawn = {};
  draw(drawn, text, { format: "CODE128", ean128: true });
  return drawn.encodings.map(({ data }) => data).join("");
};
console.log(JSON.stringify(process.argv.slice(2).map(modules)));
JS
cat > read.py <<'PY'
import json
import subprocess

import barcode
import numpy as np
import zxingcpp

BRACKETS, PLAIN = "(01)09521234567890(17)270200(10)A1", "01095212345678901727020010A1"


def read(modules):
    row = np.array([[0 if module == "1" else 255 for module in modules]], np.uint8)
    [result] = zxingcpp.read_barcodes(np.pad(np.kron(row, np.ones((80, 3), np.uint8)), 60, constant_values=255))
    return result.text, result.bytes.decode(), result.symbology_identifier


js = json.loads(subprocess.run(["node", "draw.js", BRACKETS, PLAIN], check=True, capture_output=True).stdout)
python = ["".join(barcode.get("gs1_128", text).build()) for text in (BRACKETS, PLAIN)]
for library, drawn in (("jsbarcode", js), ("python-barcode", python)):
    for text, modules in zip((BRACKETS, PLAIN), drawn):
        seen = read(modules)
        print(f"{library}, {text}: shown as {seen[0]}, in it {seen[1]}, {seen[2]}")
        assert seen == (BRACKETS, text, "]C1"), "no longer as stated"
print("as stated")
PY
venv/bin/python read.py
