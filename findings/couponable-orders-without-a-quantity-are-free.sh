#!/usr/bin/env bash
# couponable 7.0.0 (npm): an order without a quantity is free today, and costs 20.00 from the next month on.
#
# Expected: an order item without a quantity is one piece, as in the library's own sum of what recurs. A coupon with an amount takes that
# amount off the order, as one with a rate takes the rate.
#
# Seen: what is due now is the price times the quantity, and the quantity is 0 where there is none: "Free", while totalRecurring of the
# same item counts one. A coupon of 5.00 on three pieces at 20.00 takes off 15.00, and on three at 4.00 all of it; only for a "bundle" it
# is 5.00. Rates are right.
#
# Source: https://www.npmjs.com/package/couponable (totalDueNow, totalRecurring)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts couponable@7.0.0
cat > sums.js <<'JS'
const assert = require("assert");
const { totalDueNow, totalLineOne, totalRecurring } = require("couponable");

const [bundle, five] = ["bundle", { amountOffInCents: 500, duration: "once" }];
const monthly = { priceInCents: 2000, purchasableType: bundle, interval: "month" };
console.log(`due now ${totalLineOne(monthly, "$")}, each month ${totalRecurring(monthly)}`);
assert.deepStrictEqual([totalDueNow(monthly), totalLineOne(monthly, "$"), totalRecurring(monthly)], [0, "Free", 2000], "no longer as stated");
const cases = [
  [{ priceInCents: 2000 }, 0],
  [{ priceInCents: 2000, quantity: 1 }, 2000],
  [{ priceInCents: 2000, quantity: 3, coupon: five }, 4500],
  [{ priceInCents: 400, quantity: 3, coupon: five }, 0],
  [{ priceInCents: 2000, quantity: 3, coupon: five, purchasableType: bundle }, 5500],
  [{ priceInCents: 2000, quantity: 3, coupon: { percentOff: 10 } }, 5400],
];
for (const [item, stated] of cases) {
  console.log(JSON.stringify(item), totalDueNow(item));
  assert.strictEqual(totalDueNow(item), stated, "no longer as stated");
}
console.log("as stated");
JS
node sums.js
