#!/usr/bin/env bash
# mt-940 5.1.1 (PyPI), mt940-js 1.0.0, mt940js 1.3.5 (npm): a payment that the bank takes back is counted as received again.
#
# Expected: in a statement of account the mark RC is the reversal of a credit, so money that leaves, and RD that of a debit, money that
# comes back: a credit of 20.50 and its RC, a debit of 10.00 and its RD add up to nothing, as the bank's two balances say.
#
# Seen: mt-940 gives RC as plus 20.50, and the sum is 41.00; it is right only with the option reversal_sign, which came in 2026 and is
# off. mt940-js calls RC a credit and RD a debit. mt940js gives the signs as they are meant. No error is raised, and neither of the two
# compares its sum with the balances.
#
# Source: SWIFT, MT 940, field 61, subfield 3; https://github.com/wolph/mt940/issues/130
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts mt940-js@1.0.0 mt940js@1.3.5 tslib@2.8.1
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check mt-940==5.1.1
cat > statement.sta <<'STA'
:20:START
:25:12345678/0000123456
:28C:00001/001
:60F:C261130EUR1000,00
:61:2612011201C20,50N051NONREF
:86:166?00CREDIT
:61:2612021202RC20,50N051NONREF
:86:159?00REVERSAL
:61:2612031203D10,00N005NONREF
:86:106?00DEBIT
:61:2612041204RD10,00N005NONREF
:86:159?00REVERSAL
:62F:C261204EUR1000,00
-
STA
venv/bin/python - <<'PY'
from decimal import Decimal

import mt940
from mt940.options import Options

text = open("statement.sta").read()
for name, more, stated in (
    ("as it is", {}, ["20.50", "20.50", "-10.00", "10.00"]),
    ("with reversal_sign", {"options": Options(reversal_sign=True)}, ["20.50", "-20.50", "-10.00", "10.00"]),
):
    seen = [entry.data["amount"].amount for entry in mt940.parse(text, **more)]
    print(f"mt-940 {name}: {', '.join(map(str, seen))}, together {sum(seen)}")
    assert seen == [Decimal(amount) for amount in stated], "mt-940 is no longer as stated"
PY
cat > read.js <<'JS'
const assert = require("assert");
const fs = require("fs");

const [wrong, right] = [require("mt940-js"), require("mt940js")];
(async () => {
  const [statement] = await wrong.read(fs.readFileSync("statement.sta"));
  const marks = statement.transactions.map(({ amount, isCredit }) => (isCredit ? amount : -amount));
  console.log("mt940-js:", marks.join(", "));
  assert.deepStrictEqual(marks, [20.5, 20.5, -10, -10], "mt940-js is no longer as stated");
  const text = fs.readFileSync("statement.sta", "utf8").replace(/\n/g, "\r\n");
  const amounts = new right.Parser().parse(text)[0].transactions.map(({ amount }) => amount);
  console.log("mt940js:", amounts.join(", "));
  assert.deepStrictEqual(amounts, [20.5, -20.5, -10, 10], "mt940js is no longer as stated");
  console.log("as stated");
})();
JS
node read.js
