#!/usr/bin/env bash
# amount-in-words 1.0.1 (npm): 12.50 dollars are twelve dollars and five cents, and a hundred thousand of them are one hundred.
#
# Expected: an amount, given as a number or as a text, is put into the words that stand on a cheque or an invoice: 12.5 is twelve dollars and
# fifty cents, as "12.50" is; 100000 is one hundred thousand; a refund is below zero, or an error.
#
# Seen: of a number what stands behind the point is read as cents, so that 12.50, which JavaScript writes as 12.5, has five of them: 900 of the
# prices from 0.01 to 100.00 differ from their own text. The sum of three times 19.90 has millions of trillions of cents. In dollars and pounds
# a full number of hundred thousands, or millions, loses its word: 100000 is one hundred dollars, 1100000 one million one hundred, and
# 300000000 three hundred; 250000 is right. In rupees they are right. Of -5.00 the minus is gone. No error in any of them.
#
# Source: https://github.com/cod-e-ash/amount-in-words (README: amount is a number or a string)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts amount-in-words@1.0.1
cat > words.js <<'JS'
const assert = require("assert");
const { AmountToWords, CountryCodes } = require("amount-in-words");

const words = (amount, country = "USA") => new AmountToWords().toWords(amount, CountryCodes[country]);
const cases = [
  ["12.50", "Twelve Dollars And Fifty Cents"],
  [12.5, "Twelve Dollars And Five Cents"],
  [12.05, "Twelve Dollars And Five Cents"],
  [100_000, "One Hundred Dollars"],
  [100, "One Hundred Dollars"],
  [1_100_000, "One Million One Hundred Dollars"],
  [300_000_000, "Three Hundred Dollars"],
  [250_000, "Two Hundred Fifty Thousand Dollars"],
  ["-5.00", "Five Dollars"],
];
for (const [amount, stated] of cases) {
  console.log(JSON.stringify(amount), words(amount));
  assert.strictEqual(words(amount), stated, "no longer as stated");
}
const sum = 19.9 + 19.9 + 19.9;
console.log(sum, words(sum));
assert.match(words(sum), /^Fifty Nine Dollars And Six Million .* Cents$/, "a sum is no longer as stated");
assert.strictEqual(words(100_000, "GBR"), "One Hundred Pounds", "no longer as stated");
assert.strictEqual(words(100_000, "IND"), "One Lakh Rupees", "rupees are no longer right");

const prices = [...Array(10_000).keys()].map((at) => at + 1);
const wrong = prices.filter((price) => words(price / 100) !== words((price / 100).toFixed(2)));
console.log(`${wrong.length} of ${prices.length} prices differ from their text`);
assert.strictEqual(wrong.length, 900, "no longer as stated");
console.log("as stated");
JS
node words.js
