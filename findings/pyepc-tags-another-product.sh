#!/usr/bin/env bash
# pyepc 0.5.0, epcpy 0.1.8 (PyPI): the RFID tag of an outer case is that of a single article with another number.
#
# Expected: an SGTIN is made of company prefix, indicator and item reference; a short item reference is filled up with zeros behind the
# indicator, and the tag that is written is read as the same GTIN. A serial number of digits that does not fit 96 bits (leading zeros, more
# than 274877906943) is written with 198 bits: the library chooses the scheme by itself, and takes 198 bits for letters.
#
# Seen: SGTIN("0614141", "8", "123") has the gtin 80614141001237, but the URI and the tag have the zeros in front of the indicator: read back
# they are 00614141081233, a right GTIN of indicator 0 and item 08123; epcpy reads the same from the tag. With item references of full
# length, as in the documentation, it is right. The serial number 0012 is written as 12 without an error, and 999999999999 raises one, as
# any digits are guessed to fit 96 bits; with 198 bits asked for, both are right.
#
# Source: GS1 EPC Tag Data Standard, 7.2 (SGTIN) and 14.6.1 (SGTIN-96, SGTIN-198); https://github.com/fulfilio/pyepc
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyepc==0.5.0 epcpy==0.1.8
"$folder/venv/bin/python" - <<'PY'
import epcpy
from pyepc import SGTIN
from pyepc.exceptions import EncodingError

for item, gtin, tagged in [
    ("00123", "80614141001237", "80614141001237"),
    ("12345", "80614141123458", "80614141123458"),
    ("123", "80614141001237", "00614141081233"),
    ("9", "80614141000094", "00614141000890"),
]:
    epc = SGTIN("0614141", "8", item, "1")
    tag = epc.encode()
    read, other = SGTIN.decode(tag), epcpy.hex_to_tag_encodable(tag)
    print(f"item {item}: gtin {epc.gtin}, {epc.pure_identity_uri}, tag {tag} is read as {read.gtin}")
    assert epc.gtin == gtin and read.gtin == tagged, "no longer as stated"
    assert other.epc_uri == epc.pure_identity_uri and tagged in other.gs1_element_string(), "epcpy is no longer as stated"

for serial, stated in [("12", "12"), ("A12", "A12"), ("0012", "12"), ("999999999999", None)]:
    epc = SGTIN("0614141", "8", "12345", serial)
    try:
        seen = SGTIN.decode(epc.encode()).serial_number
    except EncodingError as error:
        seen = None
        print(f"serial {serial}: {error}")
    else:
        print(f"serial {serial} is read as {seen}")
    assert seen == stated, "serial numbers are no longer as stated"
    whole = epc.encode(SGTIN.BinarySchemes.SGTIN_198)
    assert SGTIN.decode(whole).serial_number == serial, "198 bits are no longer right"
print("as stated")
PY
