#!/usr/bin/env bash
# @half0wl/money 1.0.2 (npm): ten dollars, read from "10.00", are ten cents.
#
# Expected: Money.fromString("USD", "10.00") is 1000 cents and Money.fromFloat("USD", 15.00) is 1500, as its own introduction shows them:
# the kind of the text, with a point or without, tells dollars from cents.
#
# Seen: of all prices with two decimals that end in .00 the text is taken for cents: "10.00" is 10, while "10.01" is 1001. No error is
# raised, and every hundredth price is a hundredth of what it was. fromFloat refuses such an amount, since 15.00 and 15 are one number in
# JavaScript, with the example of the introduction.
#
# Source: https://github.com/half0wl/money.ts (README, Usage)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @half0wl/money@1.0.2
cat > prices.js <<'JS'
const assert = require("assert");
const { Money } = require("@half0wl/money");

const cents = (text) => Money.fromString("USD", text).getAmount();
for (const [text, stated] of [["9.99", 999], ["10.00", 10], ["10.01", 1001], ["10.50", 1050], ["10.5", 1050], ["-20.00", -20]]) {
  console.log(`"${text}": ${cents(text)} cents`);
  assert.strictEqual(cents(text), stated, "no longer as stated");
}
const wrong = [...Array(100_000).keys()].filter((price) => cents((price / 100).toFixed(2)) !== price);
console.log(`of 100000 prices ${wrong.length} are wrong, the last ${wrong.at(-1) / 100}`);
assert.strictEqual(wrong.length, 999, "no longer as stated");
assert.ok(wrong.every((price) => price % 100 === 0), "other prices are wrong, too");

assert.strictEqual(Money.fromFloat("USD", 15.01).getAmount(), 1501);
assert.throws(() => Money.fromFloat("USD", 15.0), /cannot be an integer/, "fromFloat takes 15.00 now");
console.log("as stated");
JS
node prices.js
