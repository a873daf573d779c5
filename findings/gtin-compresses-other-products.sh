#!/usr/bin/env bash
# gtin 1.0.2 (npm): a UPC-A that has no short form is given one, and it is that of another product.
#
# Expected: upcE.compress makes the UPC-E of a UPC-A that has the zeros for it, and null of every other one; upcE.expand leads back. A
# manufacturer's number of five digits without a zero at its end has short forms for the items 00005 to 00009 alone, and only number
# systems 0 and 1 have any.
#
# Seen: any item from 00000 to 00009 is compressed: 012345000010 becomes 01234510, and that is read as 012100003450, another manufacturer's
# item with a check digit that does not fit. Of the ten items of a manufacturer five come back as another one. 212345000052 becomes
# 21234552, which no bar code can hold. Items 00005 to 00009 and 012345678905, the example for null, are right.
#
# Source: GS1 General Specifications (UPC-E, suppression of zeros); https://github.com/xbpf/gtin (upcE.compress)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts gtin@1.0.2
cat > short.js <<'JS'
const assert = require("assert");
const { isValid, upcE } = require("gtin");

const check = (digits) => {
  const sum = [...digits].reduce((all, digit, at) => all + Number(digit) * (at % 2 ? 1 : 3), 0);
  return String((10 - (sum % 10)) % 10);
};
const whole = (digits) => digits + check(digits);
assert.strictEqual(upcE.compress("012345678905"), null, "null is no longer right");
const back = [];
for (let item = 0; item < 10; item += 1) {
  const code = whole(`0123450000${item}`);
  assert.ok(isValid(code));
  const short = upcE.compress(code);
  const long = upcE.expand(short);
  console.log(`${code}: ${short}, which is ${long}${isValid(long) ? "" : " (check digit does not fit)"}`);
  back.push(long === code);
}
assert.deepStrictEqual(back, [...Array(10).keys()].map((item) => item >= 5), "no longer as stated");
assert.strictEqual(upcE.expand(upcE.compress(whole("01234500001"))), "012100003450", "no longer as stated");
assert.strictEqual(upcE.compress(whole("21234500005")), "21234552", "number system 2 is no longer as stated");
console.log("as stated");
JS
node short.js
