#!/usr/bin/env bash
# parse-money 1.0.12 (npm): two articles for 1.99 each are 21.99.
#
# Expected: parse-money extracts one price from a text; its documentation has a price with words before and after it. Other numbers of
# the line, such as a count, a weight, a rate or a date, are not the price, and a minus in front of the price is kept.
#
# Seen: all digits, points and commas around the currency sign are joined to one number: "2 x 1.99 €" is 21.99, "Till 4: 19.99 €" is
# 419.99, "EUR 12.50 (incl. 19% VAT)" is 125019 and "0.5 kg for 1.99 €" is 5199. "-12.50 €" is 12.5. No error is raised; texts with one
# number, as in the documentation, are right.
#
# Source: https://github.com/mindtricksdev/parse-money ("Extract money from text")
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts parse-money@1.0.12
cat > lines.js <<'JS'
const assert = require("assert");
const parseMoney = require("parse-money").default;

const stated = [
  ["Total 12.50 €", 12.5],
  ["Summe 1.234,56 € fällig", 1234.56],
  ["2 x 1.99 €", 21.99],
  ["Till 4: 19.99 €", 419.99],
  ["EUR 12.50 (incl. 19% VAT)", 125019],
  ["0.5 kg for 1.99 €", 5199],
  ["19.99 € on 2026-12-01", 19.9920261201],
  ["Refund -12.50 €", 12.5],
];
for (const [line, amount] of stated) {
  const seen = parseMoney(line);
  console.log(`${line}: ${seen.amount} ${seen.currency}`);
  assert.deepStrictEqual(seen, { amount, currency: "EUR" }, "no longer as stated");
}
console.log("as stated");
JS
node lines.js
