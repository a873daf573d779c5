#!/usr/bin/env bash
# pixqrcodegen 0.9.1, pypix 0.2.0 (PyPI): what becomes of the amount and of the identifier in a Pix code.
#
# Expected: a static Pix code for 10 or 10.5 reais and the identifier SALE42 holds the amount 10.00 or 10.50 and, in field 62-05,
# SALE42, by which the till finds the payment in the bank's list.
#
# Seen: pixqrcodegen writes the amount with two decimals and counts the characters it was given: after "5402" stands 10.00, so a reader
# finds the amount 10 and cannot go on behind it; only an amount given with two decimals makes a code that can be read. pypix puts the
# word Identificador in front, as one bank is said to want it: the code holds IdentificadorSALE42, so no payment carries the till's own
# identifier, and one of more than 12 characters makes the field longer than the 25 that are allowed. No error in any of these.
#
# Source: Banco Central do Brasil, Manual de Padrões para Iniciação do Pix, 1.5; https://www.bcb.gov.br/estabilidadefinanceira/pix
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pixqrcodegen==0.9.1 pypix==0.2.0
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import contextlib
import io

from pixqrcodegen import Payload
from pypix import Pix

KEY = "123e4567-e12b-12d1-a456-426655440000"


def fields(code):
    """The data objects, as far as their identifiers and lengths hold."""
    found = {}
    while code:
        tag, length = code[:2], code[2:4]
        if not (tag + length).isdigit() or len(code) < 4 + int(length):
            return found, False
        found[tag] = code[4 : 4 + int(length)]
        code = code[4 + int(length) :]
    return found, True


for amount, stated, whole in (("10.00", "10.00", True), ("10", "10", False), ("10.5", "10.5", False), ("1234.5", "1234.5", False)):
    payload = Payload("Padaria", KEY, amount, "SAO PAULO", "SALE42")
    with contextlib.redirect_stdout(io.StringIO()):
        payload.gerarPayload()
    code = payload.payload_completa
    found, read = fields(code)
    read = read and "63" in found
    print(f"pixqrcodegen, {amount}: ...{code[code.index('5303986') + 7 :]}: amount {found.get('54')}, read to its end: {read}")
    assert found.get("54") == stated and read == whole, "no longer as stated"

for identifier in ("SALE42", "STORE7TILL3N00042"):
    pix = Pix()
    pix.set_pixkey(KEY)
    pix.set_merchant_name("Padaria")
    pix.set_merchant_city("SAO PAULO")
    pix.set_amount(10)
    pix.set_txid(identifier)
    found, read = fields(str(pix))
    inner, _ = fields(found["62"])
    print(f"pypix, {identifier}: amount {found['54']}, identifier {inner['05']} ({len(inner['05'])} characters)")
    assert read and found["54"] == "10.00", "pypix is no longer as stated"
    assert inner["05"] == "Identificador" + identifier, "pypix is no longer as stated"
print("as stated")
PY
