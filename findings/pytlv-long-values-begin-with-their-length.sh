#!/usr/bin/env bash
# pytlv 0.71, ber-tlv 0.0.6 (PyPI): a certificate of 128 bytes has 129 in a row, and its first one is its length.
#
# Expected: a length above 127 is written in EMV data with a byte in front of it, 81, and read so: 90 81 80 and 128 bytes are the issuer's
# certificate (tag 90) of 128 bytes, of the kind that cards send; build writes the same.
#
# Seen: pytlv takes the byte 81 for a length of 129, so that the certificate of 128 bytes has 129, the first of them 80, and what is behind
# it is read right; of 144 bytes, or of 256 (82 0100), it raises a ValueError for a tag that is none. build writes 80 alone for 128 bytes
# and C8 for 200, which ber-tlv cannot read, and 0100 for 256, which is a length of one byte. Values of up to 127 bytes are right.
#
# Source: EMV Book 3, Annex B (coding of the length field); https://github.com/timgabets/pytlv
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pytlv==0.71 ber-tlv==0.0.6
"$folder/venv/bin/python" - <<'PY'
from ber_tlv.tlv import Tlv
from pytlv.TLV import TLV

reader = TLV(["90", "9F32", "5F34"])


def run(action):
    try:
        return action()
    except Exception as error:
        return type(error).__name__


for length, head, stated in [(127, "7F", (127, "4141")), (128, "8180", (129, "8041")), (144, "8190", None), (256, "820100", None)]:
    value = "41" * length
    text = f"90{head}{value}9F320103"
    assert dict(Tlv.parse(bytes.fromhex(text))) == {0x90: bytes.fromhex(value), 0x9F32: b"\x03"}, "ber-tlv is no longer right"
    seen = run(lambda: reader.parse(text))
    print(f"{length} bytes: {seen if isinstance(seen, str) else [(tag, len(each) // 2, each[:4]) for tag, each in seen.items()]}")
    if stated is None:
        assert seen == "ValueError", "no longer as stated"
    else:
        assert (len(seen["90"]) // 2, seen["90"][:4]) == stated and seen["9F32"] == "03", "no longer as stated"

for length, head, right in [(127, "7F", True), (128, "80", False), (200, "C8", False), (256, "0100", False)]:
    written = reader.build({"90": "41" * length, "9F32": "03"})
    read = run(lambda: dict(Tlv.parse(bytes.fromhex(written))).get(0x90))
    print(f"{length} bytes are written as {written[:8]}; ber-tlv: {read if isinstance(read, str) else read[:4]}")
    assert written.startswith("90" + head + "41") and (read == b"A" * length) == right, "build is no longer as stated"
print("as stated")
PY
