#!/usr/bin/env bash
# sscc18 0.1.0 (PyPI): the label of a pallet says (00) and its bars do not, so that a scanner reads a lot.
#
# Expected: the GS1-128 of an SSCC holds FNC1, the application identifier 00 and the eighteen digits, as the text below the bars says it.
#
# Seen: barcode_svg draws FNC1 and the eighteen digits. What a reader takes for the identifier are the first two of them: an SSCC that
# begins with 10 is a lot, with 21 a serial number, and with 91 a text of the company's own. The package's own decode finds no SSCC in
# what its own label says. The number itself, its check digit and the text below the bars are right, so that nobody sees it.
#
# Source: GS1 General Specifications, 3.2 and 5.4 (AI (00) is encoded in front of the SSCC); https://pypi.org/project/sscc18/ (barcode_svg)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sscc18==0.1.0 zxing-cpp==3.1.1 numpy==2.3.5
"$folder/venv/bin/python" - <<'PY'
import re

import numpy as np
import sscc
import zxingcpp


def read(svg):
    """What a scanner makes of the bars of a drawing."""
    width = int(re.search(r'viewBox="0 0 (\d+)', svg).group(1))
    picture = np.full((90, width), 255, np.uint8)
    for x, bar in re.findall(r'<rect x="(\d+)" y="0" width="(\d+)" height="\d+"/>', svg):
        picture[:, int(x) : int(x) + int(bar)] = 0
    [result] = zxingcpp.read_barcodes(picture)
    return result.bytes.decode(), result.symbology_identifier, result.text


for prefix, extension, shown in (("0614141", "1", "(10)"), ("1234567", "2", "(21)"), ("1234567", "9", "(91)")):
    [number] = sscc.generate(prefix, extension, 234567890, 1)["list"]
    drawn = sscc.barcode_svg(number)["svg"]
    assert sscc.validate(number)["valid"] and f">(00) {number}<" in drawn
    data, symbology, text = read(drawn)
    found = sscc.decode(symbology + data)
    print(f"(00) {number} is read as {symbology} {text}; the package itself: {found['error']}")
    assert (data, symbology) == (number, "]C1") and text == shown + number[2:], "no longer as stated"
    assert found["sscc"] is None, "decode is no longer as stated"
print("as stated")
PY
