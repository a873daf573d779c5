#!/usr/bin/env bash
# gsone 0.1.0 (PyPI): the number of a shipping unit has nineteen digits, and its check digit does not know the first one.
#
# Expected: an SSCC has eighteen digits: an extension digit, the company's prefix, a serial number and a check digit over all seventeen
# digits before it. A GTIN stands behind the identifier 01.
#
# Seen: get_barcode_sscc fills prefix and serial number up to seventeen digits, computes the check digit of these, and puts the extension
# digit in front, which is nineteen behind (00); no length is checked, and 0 to 9 as extension have one and the same check digit. Without
# extension (ext="") the number is right, and its first digit is a zero or belongs to the prefix. The functions for GTIN-8 to GTIN-14 put
# (00)0 in front as well: a GTIN-13 is (00)04006381333931, and a GTIN-14 with the indicator 1 has fifteen digits.
#
# Source: GS1 General Specifications, 3.2 (SSCC, format N2+N18) and 7.9 (check digit); https://github.com/versada/gsone
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check gsone==0.1.0 python-stdnum==2.2
"$folder/venv/bin/python" - <<'PY'
from gsone import gsone
from stdnum import ean

numbers = [gsone.get_barcode_sscc("4006381", "117", ext=str(digit)) for digit in range(10)]
for number in numbers[:4]:
    print(number, f"has {len(number) - 4} digits behind the identifier")
assert gsone.get_barcode_sscc("4006381", "117") == numbers[0] == "(00)0400638100000001177", "no longer as stated"
assert all(len(number) == 4 + 19 for number in numbers), "the length is no longer as stated"
assert {number[-1] for number in numbers} == {"7"}, "the check digit is no longer as stated"
units = [f"{digit}4006381000000117" for digit in range(10)]
right = {gsone.calculate_check_digit(unit) for unit in units}
print("the right check digits of these units:", sorted(right))
assert len(right) == 10, "the check digits of the standard differ"
plain = gsone.get_barcode_sscc("4006381", "117", app_id="", ext="")
assert plain == "400638100000001177" and len(plain) == 18, "without an extension it is no longer right"
article = gsone.get_barcode_gtin13("4006381", "33393")
print("GTIN-13:", article)
assert article == "(00)04006381333931", "no longer as stated"
assert ean.is_valid(gsone.get_barcode_gtin13("4006381", "33393", app_id="", ext="")), "a plain GTIN is no longer right"
case = gsone.get_barcode_gtin14("4006381", "33393", app_id="", ext="1")
print("GTIN-14 with indicator 1:", case)
assert case == "140063810333933" and len(case) == 15, "no longer as stated"
print("as stated")
PY
