#!/usr/bin/env bash
# js-money 0.6.3 (npm): there is no price of 19.99.
#
# Expected: Money.fromDecimal takes any price with the decimals that the currency has, 19.99 or "19.99", and refuses what has more of them.
#
# Seen: it multiplies and asks whether the product is a whole number, which 1998.9999999999998 is not: of all prices from 0.01 to 100.00
# 1146 raise "Amount must be an integer", given as a number or as a text, 19.99, 8.20 and 0.29 among them; 9.99, 12.50 and 100 pass. A third
# argument, Math.round, avoids it; with it 1.005, which the currency cannot hold, is taken as well.
#
# Source: https://github.com/davidkalosi/js-money/issues/35
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts js-money@0.6.3
cat > prices.js <<'JS'
const assert = require("assert");
const Money = require("js-money");

const REFUSED = "Amount must be an integer";
const taken = (...given) => {
  try {
    return Money.fromDecimal(...given).amount;
  } catch (error) {
    return error.message;
  }
};
for (const [price, stated] of [[9.99, 999], [12.5, 1250], [100, 10000], [19.99, REFUSED], ["19.99", REFUSED], [8.2, REFUSED], [0.29, REFUSED]]) {
  console.log(JSON.stringify(price), taken(price, "EUR"));
  assert.strictEqual(taken(price, "EUR"), stated, "no longer as stated");
}
const all = [...Array(10_000).keys()].map((at) => at + 1);
const refused = all.filter((price) => taken(price / 100, "EUR") !== price);
const texts = all.filter((price) => taken((price / 100).toFixed(2), "EUR") !== price);
console.log(`of ${all.length} prices ${refused.length} are refused as numbers, ${texts.length} as texts`);
assert.deepStrictEqual(refused, texts, "texts are treated in another way now");
assert.strictEqual(refused.length, 1146, "no longer as stated");
assert.ok(all.every((price) => taken(price / 100, "EUR", Math.round) === price), "rounding does not avoid it");
assert.strictEqual(taken(1.005, "EUR"), "The currency EUR supports only 2 decimal digits");
assert.strictEqual(typeof taken(1.005, "EUR", Math.round), "number", "no longer as stated");
console.log("as stated");
JS
node prices.js
