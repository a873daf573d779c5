#!/usr/bin/env bash
# iso8583sim 1.6.0, pyiso8583 4.0.1 (PyPI): a message with a fee cannot be read, and private data lose their spaces.
#
# Expected: the amount of a transaction fee (field 28) is a letter, C for credit or D for debit, and eight digits: D00000050. A simulator
# of hosts builds and reads it, and gives private data (field 48) back as they were put in.
#
# Seen: iso8583sim refuses D00000050 while it builds, and the whole message, with an error, where pyiso8583 has written it; given 50 or
# 00000050 it fills up with zeros to nine digits, which pyiso8583 reads without an error as a fee without a sign. From fields 48 and 63
# it takes the spaces at both ends before it counts: of " 07TILL " six characters are sent, so that the positions in it move by one.
#
# Source: ISO 8583:1987 (x+n: an amount with its sign); https://en.wikipedia.org/wiki/ISO_8583
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check iso8583sim==1.6.0 pyiso8583==4.0.1
"$folder/venv/bin/python" - <<'PY'
import logging

import iso8583
from iso8583.specs import default_ascii
from iso8583sim.core.builder import ISO8583Builder
from iso8583sim.core.parser import ISO8583Parser
from iso8583sim.core.types import BuildError, ISO8583Message, ParseError

logging.disable(logging.CRITICAL)
FIELDS = {3: "000000", 4: "000000005000", 7: "1201131411", 11: "000123"}


def built(more):
    return ISO8583Builder().build(ISO8583Message(mti="0200", fields={**FIELDS, **more}))


def by_pyiso8583(message):
    return iso8583.decode(message.encode(), default_ascii)[0]


try:
    built({28: "D00000050"})
except BuildError as error:
    print("building:", error)
else:
    raise SystemExit("a fee with its sign can be built now")

document = {"t": "0200", **{str(field): value for field, value in FIELDS.items()}, "28": "D00000050"}
message = bytes(iso8583.encode(document, default_ascii)[0]).decode()
assert by_pyiso8583(message)["28"] == "D00000050"
try:
    ISO8583Parser().parse(message)
except ParseError as error:
    print("reading:", error)
else:
    raise SystemExit("a fee with its sign can be read now")

for fee in ("50", "00000050"):
    seen = by_pyiso8583(built({28: fee}))["28"]
    print(f"given {fee}, sent {seen}")
    assert seen == "000000050", "the fee is no longer as stated"

for field in (48, 63):
    seen = by_pyiso8583(built({field: " 07TILL "}))[str(field)]
    print(f"field {field}: sent {seen!r}")
    assert seen == "07TILL", "the spaces are no longer as stated"
print("as stated")
PY
