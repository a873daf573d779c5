#!/usr/bin/env bash
# tlvdict 1.2.0 (PyPI): behind a value of 256 bytes and more the rest of a card message is lost.
#
# Expected: a length of two bytes (82 01 2C) is 300, the value has 300 bytes, and the next data object begins behind it. A data object of
# length zero is a data object, too.
#
# Seen: each byte of the length is moved by eight bits, whatever its place, and the length is their sum: 300 is 11520. The value begins with
# its own length and is as long as the message goes: the transaction date and the currency behind it are a part of it. No error is raised.
# What tlvdict writes itself, with right lengths, it reads back wrong. Empty data objects are left out when it writes.
#
# Source: EMV Book 3, Annex B2 (Length); ISO/IEC 8825-1, 8.1.3.5; https://pypi.org/project/tlvdict/
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tlvdict==1.2.0 objict==0.1
"$folder/venv/bin/python" - <<'PY'
import tlvdict

DATE, CURRENCY = "9A03261202", "5F2A020978"


def message(size):
    length = f"{size:02X}" if size < 128 else f"81{size:02X}" if size < 256 else f"82{size:04X}"
    return "9F46" + length + "AB" * size + DATE + CURRENCY


def read(text):
    return {tag: value if tag in ("9A", "5F2A") else len(value) // 2 for tag, value in tlvdict.parse(text).items()}


for size in (100, 200, 255, 257, 300, 512):
    seen = read(message(size))
    print(f"a value of {size} bytes: {seen}")
    right = {"9F46": size, "9A": "261202", "5F2A": "0978"}
    assert (seen == right) == (size < 256), "no longer as stated"
    assert size < 256 or ("9A" not in seen and "5F2A" not in seen), "no longer as stated"
written = tlvdict.TLVDict.FromDict({"9F46": "AB" * 300, "9A": "261202", "5F2A": "0978"}).toHex()
assert written == message(300), "what it writes is no longer right"
assert "9A" not in tlvdict.parse(written), "what it writes is read back"
empty = tlvdict.TLVDict.FromDict({"9F02": "", "9A": "261202"}).toHex()
print("with an empty 9F02:", empty)
assert empty == "9A03261202", "empty values are no longer as stated"
print("as stated")
PY
