#!/usr/bin/env bash
# barcodenumber 0.5.0, python-stdnum 2.2 (PyPI): every UPC-A is right, "hello" too, and an EAN-13 is no EAN.
#
# Expected: check_code(kind, number), for a kind that barcodes() lists, looks at the check digit: of ten numbers that differ in the last
# digit alone, one is right.
#
# Seen: UPCA, JAN, PZN, ISSN and GS1 are listed, and each takes all ten and any text; a mistyped UPC-A gets into the catalogue though it was
# checked, and UPC, which looks at the digit, is another kind. EAN takes numbers of twelve digits alone, so all EAN-13 and EAN-8 are wrong
# there, and GTIN those of thirteen alone. EAN13, EAN8 and GTIN14 are right, and so is python-stdnum, on which all of it is built.
#
# Source: https://pypi.org/project/barcodenumber/; GS1 General Specifications (check digits)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check barcodenumber==0.5.0 python-stdnum==2.2
"$folder/venv/bin/python" - <<'PY'
import barcodenumber
from stdnum import ean

# kind, what stands before the check digit, how many of the ten are taken
CASES = [
    ("EAN13", "400638133393", 1), ("EAN8", "9638507", 1), ("GTIN14", "1400638133393", 1), ("UPC", "03600029145", 1),
    ("UPCA", "03600029145", 10), ("JAN", "490123456789", 10), ("PZN", "1234567", 10), ("ISSN", "0317847", 10), ("GS1", "01400638133393", 10),
    ("EAN", "400638133393", 0), ("EAN", "9638507", 0), ("GTIN", "1400638133393", 0), ("GTIN", "9638507", 0), ("GTIN", "03600029145", 0),
]
for kind, front, stated in CASES:
    assert kind in barcodenumber.barcodes()
    taken = [digit for digit in "0123456789" if barcodenumber.check_code(kind, front + digit)]
    print(f"{kind} {front}?: {len(taken)} of ten taken, {barcodenumber.check_code(kind, 'hello')} for hello")
    assert len(taken) == stated, "no longer as stated"
    assert barcodenumber.check_code(kind, "hello") == (stated == 10), "no longer as stated"
    if kind.startswith(("EAN", "GTIN", "UPC", "JAN")):
        right = [digit for digit in "0123456789" if ean.is_valid(front + digit)]
        assert len(right) == 1, "python-stdnum is no longer right"
print("as stated")
PY
