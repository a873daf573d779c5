#!/usr/bin/env bash
# bai2 0.15.0 (PyPI): a statement that is read and written back has each reference in the next field.
#
# Expected: a file of account balances that is read and written without a change says the same again: the bank's reference, the
# customer's reference and the text of a transaction stay where they are, as the number of fields is fixed by the type of funds.
#
# Seen: an availability that was not given is written as an empty field: 16,165,1500,1,DD1620,C9,TEXT becomes 16,165,1500,1,,DD1620,C9,TEXT,
# and the next reader finds no bank's reference, DD1620 for the customer's and the text "C9,TEXT"; each pass moves them on by one more. A
# text that is longer than the line is cut within a word, and a space is put in when it is read again: TERMINAL becomes T ERMINAL. The
# totals agree, and no error is raised. With a value date (type V) nothing is moved.
#
# Source: Cash Management Balance Reporting Specifications Version 2 (BAI2), record 16; https://github.com/ministryofjustice/bai2
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check bai2==0.15.0
"$folder/venv/bin/python" - <<'PY'
from bai2 import bai2

LINES = """01,122099999,123456789,261130,0200,1,,,2/
02,031001234,122099999,1,261130,2359,USD,2/
03,0123456789,USD,010,500000,,/
16,165,1500,%s,DD1620,C9,%s
49,501500,3/
98,501500,1,5/
99,501500,1,7/"""
LONG = "REFERENCE 20261130-0004-000123456789 OF A CARD TERMINAL AT CORNER SHOP"


def details(text):
    [detail] = bai2.parse_from_string(text).children[0].children[0].children
    return detail.bank_reference, detail.customer_reference, detail.text


def again(text):
    return bai2.write(bai2.parse_from_string(text))


for funds, text, stated in [
    ("1", "TEXT", (None, "DD1620", "C9,TEXT")),
    ("", "TEXT", (None, "DD1620", "C9,TEXT")),
    ("V,261201,", "TEXT", ("DD1620", "C9", "TEXT")),
    ("V,261201,", LONG, ("DD1620", "C9", LONG.replace("TERMINAL", "T ERMINAL"))),
]:
    first = LINES % (funds, text)
    assert details(first) == ("DD1620", "C9", text)
    second = again(first)
    print(second.splitlines()[3])
    print(f"  {details(first)} is read again as {details(second)}")
    assert details(second) == stated, "no longer as stated"
assert details(again(again(LINES % ("1", "TEXT")))) == (None, None, "DD1620,C9,TEXT"), "a second pass is no longer as stated"
print("as stated")
PY
