#!/usr/bin/env bash
# tlv-for-everyone 0.1.0 (PyPI): of the applications of a card the last one is left, or none can be read.
#
# Expected: a card with two payment applications, as each co-branded debit card has them, answers with a template 61 for each, side by side
# in one record; a reader returns both, in their order, for the terminal to choose from.
#
# Seen: side by side at the top the second 61 takes the place of the first: one application is left, and the message that is written again
# has half the length. Within a template, as cards send them (70, or 6F with BF0C), the second one raises an error, "Tag duplication". With
# one application everything is right, so that a test with a card of one scheme shows nothing. (The package needs bitops and does not say so.)
#
# Source: EMV Book 1, 12.2.3 (Coding of a Payment System Directory: one or more entries 61); https://pypi.org/project/tlv-for-everyone/
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tlv-for-everyone==0.1.0 bitops==0.0.5
"$folder/venv/bin/python" - <<'PY'
from TlvParser import BerTlv


def tlv(tag, value):
    return f"{tag}{len(value) // 2:02X}{value}"


ONE, TWO = [tlv("61", tlv("4F", aid)) for aid in ("A0000000031010", "A0000000041010")]
for name, entries in [("one application", ONE), ("two applications", ONE + TWO)]:
    read = BerTlv(entries)
    kept = [child.get_value().hex() for item in read.tlv_elements.values() for child in item.get_children().values()]
    print(f"{name}: {kept}")
    assert kept == ["a0000000031010" if entries == ONE else "a0000000041010"], "no longer as stated"
for record in (tlv("70", ONE + TWO), tlv("6F", tlv("A5", tlv("BF0C", ONE + TWO)))):
    try:
        BerTlv(record)
        raise SystemExit("a record with two applications is read")
    except LookupError as error:
        print(record[:2], "with two applications:", error)
        assert "duplication" in str(error), "the error is no longer as stated"
assert BerTlv(tlv("70", ONE)).tlv_elements["70"].get_children(), "a record with one application is no longer read"
print("as stated")
PY
