#!/usr/bin/env bash
# python-stdnum 2.2, biip 5.2.0 (PyPI): a price of 5.99 with a date behind it is 599 millions.
#
# Expected: stdnum.gs1_128 takes element strings with brackets around their identifiers, as its documentation shows them, and as they stand
# below a bar code; with brackets it is plain where a value ends: (3922)599(15)270228 is a price of 5.99 and a best-before date.
#
# Seen: the brackets are taken out before anything is read, and the rest is read as if it came from a scanner without separators: the price
# is 599152702.28 and there is no date; the lot of (10)AB(21)12 is AB2112 and there is no serial number, for info as for validate, and with
# a separator given it is the same. Elements of fixed length and the last one are right, as in the examples of the documentation. The way
# back is no better: encode fills the lot AB up with 18 spaces, which its own info takes off again; the space is not among the characters
# that a lot can have, and biip reads none of it. With a separator the lot is written as it is.
#
# Source: https://arthurdejong.org/python-stdnum/doc/2.2/stdnum.gs1_128; GS1 General Specifications (character set 82)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check python-stdnum==2.2 biip==5.2.0
"$folder/venv/bin/python" - <<'PY'
import datetime
from decimal import Decimal

import biip
from stdnum import gs1_128

GTIN = "09520123456788"
CASES = [
    ("(3922)599(15)270228", {"3922": Decimal("599152702.28")}),
    ("(10)AB(21)12", {"10": "AB2112"}),
    ("(37)12(10)AB", "ValueError"),
    ("(3103)001750(3922)599", {"3103": Decimal("1.750"), "3922": Decimal("5.99")}),
    ("(15)270228(10)AB", {"15": datetime.date(2027, 2, 28), "10": "AB"}),
]
for text, stated in CASES:
    for separator in ("", "\x1d"):
        try:
            seen = gs1_128.info(f"(01){GTIN}{text}", separator)
        except Exception as error:
            seen = type(error).__name__
        else:
            seen.pop("01")
        print(text, seen)
        assert seen == stated, "no longer as stated"
assert gs1_128.is_valid(f"(01){GTIN}(10)AB(21)12")

written = gs1_128.encode({"01": GTIN, "10": "AB", "21": "12"})
read = biip.parse("]C1" + written)
print(f"{written!r}: lot {gs1_128.info(written)['10']!r}; biip: {read.gs1_message_error}")
assert written == f"01{GTIN}10AB{18 * ' '}2112" and gs1_128.info(written)["10"] == "AB", "no longer as stated"
assert read.gs1_message is None, "biip reads it now"
right = gs1_128.encode({"01": GTIN, "10": "AB", "21": "12"}, "\x1d")
assert biip.parse("]C1" + right).gs1_message.element_strings.get(ai="10").value == "AB", "with a separator it is not right"
print("as stated")
PY
