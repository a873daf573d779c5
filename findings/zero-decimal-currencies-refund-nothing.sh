#!/usr/bin/env bash
# zero-decimal-currencies 1.6.0 (npm): a refund of 19.99 is one of 0, and five shillings of Uganda are a twentieth of one.
#
# Expected: an amount is turned into the smallest unit that payment providers take, as 10.50 dollars are 1050, and back; an amount below
# zero keeps its sign, as it does on the way back, or raises an error; half a cent is rounded up, as 100.51 yen are 101; toStripeUnit
# follows Stripe, which takes 500 for five shillings of Uganda, as for five crowns of Iceland.
#
# Seen: every amount below zero is "0" where the currency has decimals, without an error; yen keep it. Below one euro zeros are in front:
# 0.05 is "005" and 0.5 "050". Of the amounts from 0.015 to 99.995 with half a cent 4800 of 9999 are rounded down, 0.015 to "001" and 1.005
# to "100". toStripeUnit gives 5 for five shillings, and 500 for five crowns. Amounts of two decimals above zero are right.
#
# Source: https://docs.stripe.com/currencies (special cases: ISK, UGX); https://github.com/KelvinCampelo/zero-decimal-currencies
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts zero-decimal-currencies@1.6.0
cat > units.mjs <<'JS'
import assert from "assert";
import toSmallestUnit, { fromSmallestUnit, toStripeUnit } from "zero-decimal-currencies";

for (const [amount, currency, stated] of [
  [10.5, "USD", "1050"], [100.51, "JPY", "101"], [15.778, "KWD", "15780"], [19.99, "EUR", "1999"],
  [-19.99, "EUR", "0"], [-1000, "JPY", "-1000"], [-1.5, "KWD", "0"], [0.05, "EUR", "005"], [0.5, "EUR", "050"], [0.015, "EUR", "001"], [1.005, "EUR", "100"],
  [5, "ISK", "500"], [5, "UGX", "5"],
]) {
  const units = toStripeUnit(amount, currency);
  console.log(`${amount} ${currency}: ${JSON.stringify(units)}`);
  assert.strictEqual(units, stated, "no longer as stated");
  assert.strictEqual(toSmallestUnit(amount, currency), stated, "the two functions differ now");
}
assert.strictEqual(fromSmallestUnit(-1999, "EUR"), -19.99, "the way back is no longer right");
let down = 0;
for (let cents = 1; cents <= 9999; cents += 1) {
  assert.strictEqual(Number(toSmallestUnit(cents / 100, "EUR")), cents, "two decimals are no longer right");
  down += Number(Number(toSmallestUnit((cents * 10 + 5) / 1000, "EUR")) !== cents + 1);
}
console.log(`${down} of 9999 amounts with half a cent are rounded down`);
assert.strictEqual(down, 4800, "rounding is no longer as stated");
console.log("as stated");
JS
node units.mjs
