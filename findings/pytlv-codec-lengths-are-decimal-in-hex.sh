#!/usr/bin/env bash
# pytlv-codec 0.3.1 (PyPI): with hexadecimal lengths a value of 38 bytes has the length 38, which is 56, and each one above nine is wrong.
#
# Expected: the encoding of the length is ASCII, BCD, HEX or BINARY; of a value of 38 bytes it is "38" in the first two and 26, the number
# in hexadecimal, in the last two, as the text stands for the bytes on the wire.
#
# Seen: all four write the decimal digits, so that HEX and BINARY are BCD. Values up to nine bytes are right. A message of another side with
# the length 0C raises an error; one with 10, sixteen bytes, is read as ten bytes, and what follows is read from the middle of the value:
# here the amount of 19.99 is gone and another tag is there, without an error. What the package has written it reads back. Where tags may
# come twice (allow_duplicate_tags), the last value takes the place of the others.
#
# Source: https://github.com/jacobdarrossi/pytlv-codec (README, Tag/length encoding; Real-world example, Length)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pytlv-codec==0.3.1
"$folder/venv/bin/python" - <<'PY'
from pytlv_codec import Codec, CodecConfig, Encoding, PytlvError, ValueType


def codec(encoding, **more):
    return Codec(CodecConfig(tag_encoding=encoding, length_encoding=encoding, length_size=2, value_type=ValueType.HEX, **more))


written = {encoding.name: codec(encoding).encode({"33": "AB" * 38})[2:4] for encoding in Encoding}
print("the length of 38 bytes:", written)
assert set(written.values()) == {"38"}, "no longer as stated"
hexadecimal = codec(Encoding.HEX)
assert hexadecimal.encode({"33": "AB" * 9})[2:4] == "09" and hexadecimal.encode({"33": "AB" * 10})[2:4] == "10"
try:
    hexadecimal.decode("330C" + "AB" * 12)
    raise SystemExit("the length 0C is read")
except PytlvError as error:
    print("0C:", error)
reference = "00112233445566778899" + "340900001234"
sent = "33" + "10" + reference + "35" + "03" + "001999"
seen = hexadecimal.decode(sent)
print("a reference of sixteen bytes and the amount of 19.99:", seen)
assert seen == {"33": reference[:20], "34": "00001234" + "3503001999"}, "no longer as stated"
twice = codec(Encoding.ASCII, allow_duplicate_tags=True).decode("3301AA3301BB")
print("a tag that comes twice:", twice)
assert twice == {"33": "BB"}, "no longer as stated"
print("as stated")
PY
