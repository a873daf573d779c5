#!/usr/bin/env bash
# node-luhn 1.0.0, luhn 2.4.1 (npm): nine of ten right card numbers of nineteen digits are refused, and wrong ones are taken.
#
# Expected: a validator of card numbers takes every number whose last digit is the right one by the algorithm of Luhn, and refuses the
# nine others. Numbers have up to 19 digits; gift cards, UnionPay and Maestro use them.
#
# Seen: the text is turned into a JavaScript number, which keeps 15 to 16 digits, and divided by ten again and again. Up to 15 digits, and
# with 16 that begin with 4, all is right. Of 1000 right numbers with 19 digits 107 are taken, and of the 9000 wrong ones 963; of right
# numbers with 16 digits that begin with 9, as gift cards do, half are refused. luhn, with the same numbers, is right.
#
# Source: ISO/IEC 7812-1 (length and check digit of the primary account number); https://github.com/chrisbuttery/luhn
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts node-luhn@1.0.0 luhn@2.4.1
cat > cards.js <<'JS'
const assert = require("assert");
const wrong = require("node-luhn");
const right = require("luhn").validate;

const check = (digits) => {
  const sum = [...digits].reverse().reduce((all, digit, at) => {
    const value = at % 2 ? Number(digit) : 2 * Number(digit);
    return all + (value > 9 ? value - 9 : value);
  }, 0);
  return (10 - (sum % 10)) % 10;
};
let state = 1;
const digit = () => {
  state = (state * 48271) % 2147483647;
  return state % 10;
};
const count = (first, length) => {
  let [taken, passed] = [0, 0];
  for (let at = 0; at < 1000; at += 1) {
    let digits = first;
    while (digits.length < length - 1) digits += digit();
    const last = check(digits);
    for (let tried = 0; tried < 10; tried += 1) {
      assert.strictEqual(right(digits + tried), tried === last, "luhn is no longer right");
      if (tried === last) taken += Number(wrong(digits + tried));
      else passed += Number(wrong(digits + tried));
    }
  }
  console.log(`${length} digits, first ${first}: ${taken} of 1000 right ones and ${passed} of 9000 wrong ones are taken`);
  return [taken, passed];
};
assert.strictEqual(wrong("4111111111111111"), true, "the usual example is no longer right");
assert.deepStrictEqual(count("37", 15), [1000, 0], "15 digits are no longer right");
assert.deepStrictEqual(count("4", 16), [1000, 0], "no longer as stated");
assert.deepStrictEqual(count("9", 16), [505, 510], "no longer as stated");
assert.deepStrictEqual(count("6", 19), [107, 963], "no longer as stated");
console.log("as stated");
JS
node cards.js
