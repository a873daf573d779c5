#!/usr/bin/env bash
# foodbot-cart-calculations 1.2.9 (npm): a tip of 12.5 percent is one of 12.
#
# Expected: the sum of an order is calculated as the order says; a tip in percent may have a half.
#
# Seen: the part of the rate behind the decimal point is cut off, for a number and for a text: 12.5 is 12, and 0.5 is no tip. A tip as an
# amount keeps its cents.
#
# Source: https://www.npmjs.com/package/foodbot-cart-calculations (calculateTax; the order is the sample of the package)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts foodbot-cart-calculations@1.2.9
cat > tips.js <<'JS'
const assert = require("assert");
const { calculateTax } = require("foodbot-cart-calculations");
const sample = require("foodbot-cart-calculations/sample.json");

const sum = async (tip) => {
  const order = { ...structuredClone(sample), ...tip };
  delete order.promotion_applied;
  const { log } = console;
  console.log = () => {};
  const { data } = await calculateTax(order);
  console.log = log;
  return [Number(data.tip_amount), data.final_amount];
};
(async () => {
  const [none, plain] = await sum({ tip_type: "", tip_value: "" });
  console.log(`without a tip: ${plain}`);
  for (const [rate, whole] of [[10, 10], [12, 12], [12.5, 12], ["12.5", 12], [0.5, 0], [17.9, 17]]) {
    const [tip, total] = await sum({ tip_type: "percentage", tip_value: rate });
    console.log(`${rate} percent: ${tip}, that is ${((tip / plain) * 100).toFixed(2)} percent; in all ${total}`);
    assert.strictEqual(tip, Number(((plain * whole) / 100).toFixed(2)), "no longer as stated");
  }
  assert.strictEqual((await sum({ tip_type: "absolute", tip_value: "12.5" }))[0], 12.5, "amounts are no longer right");
  console.log("as stated");
})();
JS
node tips.js
