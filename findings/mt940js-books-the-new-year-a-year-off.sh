#!/usr/bin/env bash
# mt940js 1.3.5, swiftmessageparser 1.2.1 (npm): what a bank books on 2 January, valued on 31 December, is booked a year before.
#
# Expected: the date of entry in a line of a statement has month and day alone, and the year is the one that is nearest to the value date:
# 2612310102 is valued on 31 December 2026 and booked on 2 January 2027, and 2701021231 the other way around.
#
# Seen: both libraries take the year of the value date. The first is booked on 2 January 2026, before the account's opening balance, and the
# second on 31 December 2027, behind its closing balance. Each turn of the year has such lines, as card payments of the last days are valued
# and booked on different days. A close of the day that goes by the date of entry leaves them out, and one of the year before or after
# takes them in. The amounts, the balances and their own check of them are right.
#
# Source: SWIFT Standards MT Category 9, MT940, field 61, subfield 2 (Entry Date, MMDD); https://github.com/a-fas/mt940js;
# https://www.npmjs.com/package/swiftmessageparser
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts mt940js@1.3.5 swiftmessageparser@1.2.1
cat > years.js <<'JS'
const assert = require("assert");
const { Parser } = require("mt940js");
const swift = require("swiftmessageparser");

const statement = `:20:REF1
:25:12345678/0123456789
:28C:1/1
:60F:C261230EUR100,00
:61:2612310102C19,99NTRFNONREF
:86:CARDS
:61:2701021231D5,00NTRFNONREF
:86:FEE
:61:2701020103C1,00NTRFNONREF
:86:CASH
:62F:C270104EUR115,99
-`;
const day = (date) => date.toISOString().slice(0, 10);
const stated = [["2026-12-31", "2026-01-02", 19.99], ["2027-01-02", "2027-12-31", -5], ["2027-01-02", "2027-01-03", 1]];
const read = { mt940js: new Parser().parse(statement), swiftmessageparser: swift.parse({ type: "mt940", data: statement, validate: true }) };
for (const [name, [{ transactions }]] of Object.entries(read)) {
  const seen = transactions.map(({ date, entryDate, amount }) => [day(date), day(entryDate), Number(amount)]);
  for (const [valued, booked, amount] of seen) console.log(`${name}: ${amount} valued ${valued}, booked ${booked}`);
  assert.deepStrictEqual(seen, stated, "no longer as stated");
}
console.log("as stated");
JS
node years.js
