#!/usr/bin/env bash
# @ecomplus/shopping-cart 2.6.0 (npm): an article that is reduced to 8.00 is charged at 10.00, and 0.345 kg as one kilogram.
#
# Expected: an item of a cart has a price and a final price, the one that is charged; a quantity of 0.345 stays, as 1.345 does; taking off
# the last piece takes the item out of the cart.
#
# Seen: addItem replaces the final price that it is given by the price (plus customizations), also where it is 0 for a gift; nothing tells
# it. A quantity below 1 is raised to 1 unless the item has a lower min_quantity. increaseItemQnt with -2, which its documentation allows,
# leaves one of two pieces in the cart, and charges it. Sums are added in floating point and not rounded: 1.345 kg at 19.99 and three at
# 0.10 are 27.18655.
#
# Source: https://developers.e-com.plus/docs/api/#/store/carts/carts (final_price); https://github.com/ecomplus/shopping-cart (increaseItemQnt)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts --legacy-peer-deps @ecomplus/shopping-cart@2.6.0 @ecomplus/utils@1.4.1
cat > carts.js <<'JS'
const assert = require("assert");
const { Constructor } = require("@ecomplus/shopping-cart");

const ids = (at) => ({ _id: `12300000000000000000000${at}`, product_id: `123a5432109876543210cde${at}` });
const cart = (...items) => {
  const filled = new Constructor(1011, null, null);
  items.forEach((item, at) => filled.addItem({ ...ids(at + 1), sku: `sku-${at}`, name: "Article", quantity: 1, price: 10, ...item }));
  return filled;
};
for (const [item, stated] of [
  [{}, 10],
  [{ final_price: 8 }, 10],
  [{ final_price: 0 }, 10],
  [{ price: 8 }, 8],
  [{ quantity: 0.345 }, 10],
  [{ quantity: 1.345 }, 13.45],
]) {
  const { subtotal } = cart(item).data;
  console.log(`${JSON.stringify(item)}: ${subtotal}`);
  assert.strictEqual(subtotal, stated, "no longer as stated");
}
const two = cart({ quantity: 2 });
two.increaseItemQnt(ids(1)._id, -2);
console.log(`two less of two: ${two.data.items.length} item, ${two.data.subtotal}`);
assert.deepStrictEqual([two.data.items.length, two.data.items[0].quantity, two.data.subtotal], [1, 1, 10], "no longer as stated");
const { subtotal } = cart({ quantity: 1.345, price: 19.99 }, { quantity: 3, price: 0.1 }).data;
console.log(`1.345 kg at 19.99 and three at 0.10: ${subtotal}`);
assert.ok(Math.abs(subtotal - 27.18655) < 1e-9, "sums are rounded now");
console.log("as stated");
JS
node carts.js
