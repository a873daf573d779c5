#!/usr/bin/env bash
# camt053-loader-mt940 0.0.23, camt053 0.0.23 (PyPI): a statement that was converted no longer adds up, by twice what was reversed.
#
# Expected: MT940 marks an entry by what it reverses, RC (a credit is taken back, so money leaves), and camt.053 by what it is: DBIT, with
# the reversal indicator on top. A converter turns RC into DBIT and RD into CRDT, and the entries still lead from one balance to the other.
#
# Seen: RC becomes CRDT and RD DBIT, each with the reversal indicator, which in camt.053 means a debit that came back and a credit that was
# taken back. A payment of 20.50 and its reversal are together 41.00 received; the two balances say that nothing changed, and nothing
# compares them. Who reads the indicator and changes the sign is right here and wrong with every statement that a bank wrote.
#
# Source: ISO 20022, BankToCustomerStatement (camt.053), ReversalIndicator: with CRDT the original entry was a debit; SWIFT, MT 940, field 61
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check camt053-loader-mt940==0.0.23 camt053==0.0.23
cd "$folder"
cat > statement.sta <<'STA'
:20:START
:25:12345678/0000123456
:28C:00001/001
:60F:C261130EUR1000,00
:61:2612011201C20,50N051NONREF
:86:CREDIT
:61:2612021202RC20,50N051NONREF
:86:REVERSAL OF THE CREDIT
:61:2612031203D10,00N005NONREF
:86:DEBIT
:61:2612041204RD10,00N005NONREF
:86:REVERSAL OF THE DEBIT
:62F:C261204EUR1000,00
STA
"$folder/venv/bin/python" - <<'PY'
from decimal import Decimal

from camt053_loader_mt940 import parse_mt940

statement = parse_mt940(open("statement.sta").read()).statements[0]
seen = [(Decimal(str(entry.amount)), entry.credit_debit_indicator, entry.reversal_indicator) for entry in statement.entries]
for entry in seen:
    print(*entry)
assert [entry[1:] for entry in seen] == [("CRDT", False), ("CRDT", True), ("DBIT", False), ("DBIT", True)], "no longer as stated"
moved = sum(amount if kind == "CRDT" else -amount for amount, kind, _ in seen)
opening, closing = (Decimal(str(balance.amount)) for balance in statement.balances)
print(f"entries {moved}, balances {closing - opening}")
assert (moved, closing - opening) == (Decimal("21.00"), 0), "no longer as stated"
print("as stated")
PY
