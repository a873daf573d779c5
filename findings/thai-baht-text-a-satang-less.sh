#!/usr/bin/env bash
# thai-baht-text 2.0.5, bahttext 2.4.0 (npm): three articles for 19.90 are 59.69 baht in words, and a refund of 5 is fifteen.
#
# Expected: the amount in words on a Thai receipt says what its digits say: of 19.90 + 19.90 + 19.90, which toFixed(2) prints as 59.70,
# fifty-nine baht and seventy satang; an amount below zero has "minus" in front or raises an error.
#
# Seen: thai-baht-text cuts the JavaScript number off behind two decimals, and says sixty-nine satang; of all prices up to 99.95 in steps
# of five satang, taken three times, 573 of 1999 have words that are a satang less than their digits. Of -5 it makes the text "undefined" and
# fifteen baht, of -12.50 "undefined" hundred and twelve baht and a half. bahttext, with the same numbers, is right.
#
# Source: https://github.com/antronic/thai-baht-text-js; https://github.com/jojoee/bahttext
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts thai-baht-text@2.0.5 bahttext@2.4.0
cat > words.js <<'JS'
const assert = require("assert");
const { bahttext: right } = require("bahttext");
const words = require("thai-baht-text");

const sum = 19.9 + 19.9 + 19.9;
console.log(`${sum.toFixed(2)}: ${words(sum)}; bahttext ${right(sum)}`);
assert.strictEqual(right(sum), right(59.7), "bahttext is no longer right");
assert.strictEqual(words(sum), words(59.69), "a sum is no longer as stated");
assert.strictEqual(words(59.7), right(59.7), "a price is no longer right");

const prices = [...Array(1999).keys()].map((at) => (at + 1) * 5);
const wrong = prices.filter((price) => {
  const thrice = price / 100 + price / 100 + price / 100;
  assert.strictEqual(thrice.toFixed(2), ((3 * price) / 100).toFixed(2));
  assert.strictEqual(right(thrice), right((3 * price) / 100), "bahttext is no longer right");
  return words(thrice) !== words((3 * price) / 100);
});
console.log(`three times the same price: ${wrong.length} of ${prices.length} are wrong`);
assert.strictEqual(wrong.length, 573, "no longer as stated");

for (const [amount, stated] of [[-5, "undefinedสิบห้าบาทถ้วน"], [-12.5, "undefinedร้อยสิบสองบาทห้าสิบสตางค์"]]) {
  console.log(`${amount}: ${words(amount)}; bahttext ${right(amount)}`);
  assert.strictEqual(words(amount), stated, "a refund is no longer as stated");
  assert.strictEqual(right(amount), `ลบ${right(-amount)}`, "bahttext is no longer right");
}
assert.ok(words(-5).endsWith(words(15)), "fifteen is no longer in it");
console.log("as stated");
JS
node words.js
