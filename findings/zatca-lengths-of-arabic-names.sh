#!/usr/bin/env bash
# @axenda/zatca 1.0.4 (npm), qrzatca 0.1.3 (PyPI): a seller's name in Arabic breaks the QR code of a Saudi receipt.
#
# Expected: each field of the code is a byte of tag, a byte that counts the bytes of the value in UTF-8, and the value; a name of 80
# Arabic letters has the length A0 (160) before it, and a reader of bytes finds all five fields.
#
# Seen: qrzatca counts letters: the length of any Arabic name is half of what it has to be, and the next tag is looked for inside the
# name. @axenda/zatca counts bytes and is right up to 127; a length from 128 on is written as the three bytes EF BF BD, the sign for
# what is no text, so 64 letters are enough to break it. Neither raises an error, and names in Latin letters come out right.
#
# Source: ZATCA, Electronic Invoice Security Features Implementation Standards (the length is stored in one byte);
# https://zatca.gov.sa/ar/E-Invoicing/SystemsDevelopers/Documents/20210528_ZATCA_Electronic_Invoice_Security_Features_Implementation_Standards_vShared.pdf
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @axenda/zatca@1.0.4
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check qrzatca==0.1.3
cat > codes.js <<'JS'
const { Invoice } = require("@axenda/zatca");

const code = (sellerName) =>
  new Invoice({
    sellerName,
    vatRegistrationNumber: "300000000000003",
    invoiceTimestamp: "2026-12-01T10:00:00Z",
    invoiceTotal: "115.00",
    invoiceVatTotal: "15.00",
  }).toBase64();
console.log(JSON.stringify(JSON.parse(process.argv[2]).map(code)));
JS
venv/bin/python - <<'PY'
import base64
import json
import subprocess

from qrzatca import generate_zatca_qr

REST = ("300000000000003", "2026-12-01T10:00:00Z", "115.00", "15.00")
NAMES = ["Corner Shop", "متجر" * 15, "متجر" * 16, "متجر" * 20]


def fields(data):
    """Tag, length, value; the tags and values as far as they hold."""
    found = []
    while data:
        tag, length, value = data[0], data[1] if len(data) > 1 else 0, data[2 : 2 + data[1]] if len(data) > 1 else b""
        if len(value) != length or not 1 <= tag <= 9:
            return found, False
        found.append((tag, value.decode("utf-8", "replace")))
        data = data[2 + length :]
    return found, True


def right(data, name):
    return fields(data) == (list(enumerate((name, *REST), 1)), True)


npm = json.loads(subprocess.check_output(["node", "codes.js", json.dumps(NAMES)]))
for name, one in zip(NAMES, npm):
    size = len(name.encode())
    one, other = base64.b64decode(one), base64.b64decode(generate_zatca_qr(name, *REST))
    print(f"{len(name)} letters, {size} bytes: @axenda/zatca {one[:5].hex(' ')}, right: {right(one, name)}; ", end="")
    print(f"qrzatca {other[:5].hex(' ')}, right: {right(other, name)}")
    assert right(one, name) == (size < 128), "@axenda/zatca is no longer as stated"
    assert one[1:4].hex() == "efbfbd" or size < 128, "@axenda/zatca is no longer as stated"
    assert right(other, name) == (size == len(name)), "qrzatca is no longer as stated"
    assert other[1] == len(name), "qrzatca is no longer as stated"
print("as stated")
PY
