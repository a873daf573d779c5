#!/usr/bin/env bash
# PyUPC-EAN 2.20.10 (PyPI): the label of meat for 123.45 says 12.34, and its EAN-13 cannot be read.
#
# Expected: a bar code with a price in it has four digits for the price and a check digit for them, in UPC-A as in EAN-13; a price that
# does not fit raises an error or gives False, as other wrong parts do, and the library reads the codes that it makes.
#
# Seen: a price of five digits loses the last one: 12345 and 1234 give the same label, with right check digits, in UPC-A and EAN-13, and an
# item number of six digits loses one as well. get_ean13_vw_barcode_info gives False for every EAN-13 that make_ean13_vw_barcode makes, as
# it looks for twelve digits, and get_ean13_vw_from_ean13_barcode_info raises a ValueError for all that have the price in five digits.
# UPC-A with up to 99.99 are made and read right, and the check digit of the price is that of GS1.
#
# Source: GS1 General Specifications (restricted circulation numbers, price check digit); https://github.com/GameMaker2k/PyUPC-EAN
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check PyUPC-EAN==2.20.10
"$folder/venv/bin/python" - <<'PY'
import upcean.convert
import upcean.getprefix
import upcean.validate
from upcean.convert import convert
from upcean.getprefix import getprefix

for item, price, upca, ean in [
    ("12345", "0599", "212345105993", "2012345105997"),
    ("12345", "1234", "212345912348", "2012345912342"),
    ("12345", "12345", "212345912348", "2012345912342"),
    ("12345", "99999", "212345699997", "2012345699991"),
    ("123456", "0599", "212345105993", "2012345105997"),
]:
    seen = convert.make_upca_vw_to_upca_barcode(item, price), convert.make_ean13_vw_barcode("20", item, price)
    read = getprefix.get_upca_vw_barcode_info(seen[0])
    print(f"item {item}, price {price}: {seen[0]}, read as item {read['code']}, price {read['price']}; {seen[1]}, read as", end=" ")
    print(getprefix.get_ean13_vw_barcode_info(seen[1]))
    assert seen == (upca, ean), "labels are no longer as stated"
    assert (read["code"], read["price"]) == (item[:5], price[:4]), "reading is no longer as stated"
    assert getprefix.get_ean13_vw_barcode_info(seen[1]) is False, "EAN-13 are read now"
five = convert.make_ean13_vw_to_ean13_barcode("1", "12345", "12345")
try:
    getprefix.get_ean13_vw_from_ean13_barcode_info(five)
except ValueError as error:
    print(f"{five}: {error}")
else:
    raise SystemExit("prices of five digits are read now")

DOUBLE, THRICE, MINUS = [0, 2, 4, 6, 8, 9, 1, 3, 5, 7], [0, 3, 6, 9, 2, 5, 8, 1, 4, 7], [0, 5, 9, 4, 8, 3, 7, 2, 6, 1]
for price in range(10000):
    a, b, c, d = map(int, f"{price:04d}")
    right = 3 * (DOUBLE[a] + DOUBLE[b] + THRICE[c] + MINUS[d]) % 10
    assert int(upcean.validate.validate.get_vw_price_checksum(f"{price:04d}")) == right, "the check digit is no longer right"
print("as stated")
PY
