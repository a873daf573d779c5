#!/usr/bin/env bash
# py-epc-qr 0.1.3 (PyPI): no payment code for H. Meier, for Smith + Co., or for the invoice 2026-117.
#
# Expected: a code for a SEPA credit transfer holds the payee's name of up to 70 characters and a text of up to 140, or none, as they are
# given; the characters of SEPA include the point, the comma, the hyphen, the slash, the plus, brackets and the apostrophe.
#
# Seen: name and text must consist of letters, digits and spaces: "H. Meier", "Smith + Co.", "Müller-Lüdenscheidt" and "O'Neill (Shop)"
# raise a ValueError, and so do the texts "Invoice 2026-117", "19.99" and the empty one, which the standard leaves open. Müller GmbH and
# Invoice 117, as in the documentation, are right.
#
# Source: European Payments Council, EPC069-12 (AT-21, name of the beneficiary; AT-05, remittance information), EPC217-08 (character set)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check py-epc-qr==0.1.3
"$folder/venv/bin/python" - <<'PY'
from py_epc_qr.transaction import consumer_epc_qr

IBAN = "BE71096123456769"
NAME, TEXT = "beneficiary is not alphanumeric", "unstructered remittance is non alphanumeric"
for name, text, stated in [
    ("Müller GmbH", "Invoice 117", None),
    ("H. Meier", "Invoice 117", NAME),
    ("Smith + Co.", "Invoice 117", NAME),
    ("Müller-Lüdenscheidt", "Invoice 117", NAME),
    ("O'Neill (Shop)", "Invoice 117", NAME),
    ("Corner Shop", "Invoice 2026-117", TEXT),
    ("Corner Shop", "19.99", TEXT),
    ("Corner Shop", "", TEXT),
]:
    try:
        lines = consumer_epc_qr(name, IBAN, 19.99, text).to_str().split("\n")
    except ValueError as error:
        seen = str(error)
    else:
        seen = None
        assert lines[5] == name and lines[7] == "EUR19.99" and lines[10] == text, "it is no longer right"
    print(f"{name!r}, {text!r}: {seen or 'a code'}")
    assert seen == stated, "no longer as stated"
print("as stated")
PY
