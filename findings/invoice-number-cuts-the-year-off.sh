#!/usr/bin/env bash
# invoice-number 2.0.1 (npm): the invoice after R-2026-2 is R-3, and the one after R-9 is R-0.
#
# Expected: the number after the last one is another one, of the same series: what stands in front of the last part stays, and a number of
# nines gets a digit more, or an error says that the series is at its end.
#
# Seen: the part in front ends where the text of the last part is found first, wherever that is: 2 and 20 are found in 2026, so that the
# year is cut off, and 2026/26 is followed by 2027, 117-117 by 118. A number of nines starts again: 2026-999 is followed by 2026-000, ZZZ by
# AAA, and the invoices that were written first have their numbers twice. A series that begins with R-2026-1 has twelve numbers. Small
# letters become capitals. None of it raises an error.
#
# Source: https://www.npmjs.com/package/invoice-number (Usage); Council Directive 2006/112/EC, Article 226 (2) (a sequential number which
# uniquely identifies the invoice)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts invoice-number@2.0.1
cat > numbers.js <<'JS'
const assert = require("assert");
const { InvoiceNumber } = require("invoice-number");

const cases = [
  ["INV-2026-19", "INV-2026-20"],
  ["R-2026-1", "R-2026-2"],
  ["R-2026-2", "R-3"],
  ["INV-2026-20", "INV-21"],
  ["2026/26", "2027"],
  ["117-117", "118"],
  ["2026-999", "2026-000"],
  ["99", "00"],
  ["ZZZ", "AAA"],
  ["inv-a9", "inv-B0"],
];
for (const [last, stated] of cases) {
  console.log(`${last} is followed by ${InvoiceNumber.next(last)}`);
  assert.strictEqual(InvoiceNumber.next(last), stated, "no longer as stated");
}
const seen = new Set();
let number = "R-2026-1";
while (!seen.has(number)) {
  seen.add(number);
  number = InvoiceNumber.next(number);
}
console.log(`the series from R-2026-1 has ${seen.size} numbers, then ${number} comes again`);
assert.strictEqual(seen.size, 12, "the series is no longer as stated");
console.log("as stated");
JS
node numbers.js
