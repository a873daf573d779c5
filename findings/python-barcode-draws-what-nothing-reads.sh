#!/usr/bin/env bash
# python-barcode 0.16.1 (PyPI): the bar code of a magazine has eight digits and cannot be read, and a medicine has the number of another one.
#
# Expected: the library offers issn, isbn10, ean14 (gtin) and pzn by name and draws them: an ISSN and an ISBN as the EAN-13 that stands for
# it (977..., 978...), a number of fourteen digits as ITF-14, as only that or GS1-128 can hold one, and a German medicine as Code 39 with
# a hyphen and eight digits.
#
# Seen: issn makes 97703174 of 0317-8471 and isbn10 9783161489 of 3-16-148410-0: the first digits of the right number, drawn as bars of a
# length that does not exist. ean14 draws an EAN-13 with one digit more; given thirteen digits of a GTIN it takes them as the first
# thirteen of another number. pzn keeps six digits and adds a check digit, so that 12345678 and 12345603 are one medicine, and encodes the
# letters PZN, which belong below the bars only. zxing-cpp 3.1.1 reads none of the first three; EAN-13, EAN-8, UPC-A and isbn13 are right.
# No error in any of them.
#
# Source: ISO 15420 (EAN-13 has 95 modules); ISO 3297, annex A; IFA, Technical information on PZN coding; https://python-barcode.readthedocs.io/
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check python-barcode==0.16.1 zxing-cpp==3.1.1 numpy==2.3.5
"$folder/venv/bin/python" - <<'PY'
import barcode
import numpy as np
import zxingcpp


def drawn(kind, text):
    """What the library says that it draws, how many modules wide it is, and what is read from it."""
    code = barcode.get(kind, text)
    modules = "".join(code.build())
    row = np.array([[0 if module == "1" else 255 for module in modules]], np.uint8)
    picture = np.pad(np.kron(row, np.ones((80, 3), np.uint8)), 60, constant_values=255)
    return code.get_fullcode(), len(modules), [result.text for result in zxingcpp.read_barcodes(picture)]


for kind, text, stated in [
    ("issn", "0317-8471", ("97703174", 60, [])),
    ("isbn10", "3-16-148410-0", ("9783161489", 74, [])),
    ("ean14", "15400141288763", ("15400141288763", 102, [])),
    ("gtin", "4006381333931", ("40063813339314", 102, [])),
    ("pzn", "12345678", ("PZN-1234562", 207, ["PZN-1234562"])),
    ("pzn", "12345603", ("PZN-1234562", 207, ["PZN-1234562"])),
    ("ean13", "4006381333931", ("4006381333931", 95, ["4006381333931"])),
    ("ean8", "96385074", ("96385074", 67, ["96385074"])),
    ("isbn13", "978-3-16-148410-0", ("9783161484100", 95, ["9783161484100"])),
]:
    seen = drawn(kind, text)
    print(f"{kind} {text}: {seen[0]}, {seen[1]} modules, read as {seen[2]}")
    assert seen == stated, "no longer as stated"
print("as stated")
PY
