#!/usr/bin/env bash
# money-math 2.6.3 (npm): the tax of a refund is a cent short, and a refund of three rappen becomes a payment of five.
#
# Expected: amounts may be below zero, as the documentation shows with -42.10, and a refund is its sale with a minus in front: 19 % of
# -10.49 is -1.99, as of 10.49 it is 1.99, and -1.03 to the nearest five cents is -1.05.
#
# Seen: below zero half a cent is added before the digits are cut off, as it is above: 19 % of -10.49 is -1.98, and of all amounts up to
# 99.99 the tax of 9900 refunds is not that of the sale. roundTo5Cents moves the last digit in the wrong direction: -1.03 is -0.95, -1.08
# is -1.00 and -0.03 is 0.05, ten cents from the sale in two amounts of five; roundUpTo5Cents makes -1.03 to -1.01, which no coins can
# pay. All sales are right, and so are refunds where nothing is to be rounded.
#
# Source: https://github.com/ikr/money-math (the type of amounts; "bills in CHF that are required by law to be 0 (mod 5)")
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts money-math@2.6.3
cat > refunds.js <<'JS'
const assert = require("assert");
const money = require("money-math");

const stated = [
  ["percent 19", (amount) => money.percent(amount, "19.00"), { "10.49": "-1.98", "1.13": "-0.20", "100.00": "-19.00" }, 9900],
  ["roundTo5Cents", money.roundTo5Cents, { "1.02": "-1.00", "1.03": "-0.95", "1.08": "-1.00", "0.03": "0.05" }, 4000],
];
const right = {
  "percent 19": (cents) => Math.floor((cents * 19 + 50) / 100),
  roundTo5Cents: (cents) => Math.floor((cents + 2) / 5) * 5,
};
for (const [name, round, examples, stays] of stated) {
  for (const [amount, refund] of Object.entries(examples)) {
    console.log(`${name}: ${amount} gives ${round(amount)}, -${amount} gives ${round(`-${amount}`)}`);
    assert.strictEqual(round(`-${amount}`), refund, "no longer as stated");
  }
  let differ = 0;
  for (let cents = 1; cents <= 9999; cents += 1) {
    const amount = (cents / 100).toFixed(2);
    const sale = round(amount);
    assert.strictEqual(sale, (right[name](cents) / 100).toFixed(2), "sales are no longer right");
    differ += Number(round(`-${amount}`) !== (sale === "0.00" ? sale : `-${sale}`));
  }
  console.log(`${name}: ${differ} of 9999 refunds are not their sale`);
  assert.strictEqual(differ, stays, "no longer as stated");
}
console.log(`roundUpTo5Cents: -1.03 gives ${money.roundUpTo5Cents("-1.03")}`);
assert.strictEqual(money.roundUpTo5Cents("-1.03"), "-1.01", "rounding up is no longer as stated");
console.log("as stated");
JS
node refunds.js
