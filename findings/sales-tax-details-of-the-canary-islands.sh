#!/usr/bin/env bash
# sales-tax 2.23.0 (npm): on the Canary Islands 7 is charged and 21 is written below; Thailand and Bahrain have rates of other years.
#
# Expected: what getAmountWithSalesTax answers adds up: the price and the amounts in its details are the total, as they are for Quebec with
# its two taxes; the rates are those in force.
#
# Seen: for the provinces of the Canary Islands (TF, GC) 100 euros have a total of 107, and the details name one tax, VAT of 21 %, amount
# 21; a receipt with the details as its lines says 121, or shows a tax that the islands do not have. Thailand has 10 % (7 % by decree
# since 1999), Bahrain 5 % (10 % since 2022), Sri Lanka 12 % (18 % since 2024). Rates that changed in 2025 (Estonia, Slovakia, Romania) are
# right.
#
# Source: https://github.com/valeriansaliou/node-sales-tax/pull/73; https://taxation-customs.ec.europa.eu/turnover-taxes-canary-islands_en
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts sales-tax@2.23.0
cat > taxes.js <<'JS'
const assert = require("assert");
const tax = require("sales-tax");

// country, part of it, total and sum of the details for 100
const cases = [
  ["ES", null, 121, 21],
  ["CA", "QC", 114.975, 14.975],
  ["ES", "TF", 107, 21],
  ["ES", "GC", 107, 21],
];
const rates = { TH: 0.1, BH: 0.05, LK: 0.12, EE: 0.24, SK: 0.23, RO: 0.21 };
const near = (one, other) => Math.abs(one - other) < 1e-6;
(async () => {
  for (const [country, part, stated, below] of cases) {
    const { type, total, details } = await tax.getAmountWithSalesTax(country, part, 100);
    console.log(`${country} ${part ?? ""}: ${type}, total ${total}, details ${JSON.stringify(details)}`);
    const sum = details.reduce((sum, { amount }) => sum + amount, 0);
    assert.ok(near(total, stated) && near(sum, below), "no longer as stated");
  }
  for (const [country, stated] of Object.entries(rates)) {
    const { rate } = await tax.getSalesTax(country);
    console.log(`${country}: ${rate}`);
    assert.strictEqual(rate, stated, "a rate is no longer as stated");
  }
  console.log("as stated");
})();
JS
node taxes.js
