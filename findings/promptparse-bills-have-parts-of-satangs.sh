#!/usr/bin/env bash
# promptparse 1.6.0 (npm): the bar code of a Thai bill for 19.99 baht says 1998.9999999999998 satangs, and is read as 19.98.
#
# Expected: the bar code of a bill (the format of the Bank of Thailand) has the amount in satangs, without a decimal
# point; 19.99 is 1999, and what is written is read back.
#
# Seen: the amount is multiplied by a hundred in floating point and written as it comes, so that 135 of the 1000 amounts from 0.01 to 10.00
# have a decimal point and up to nineteen characters. The library's own reader cuts them off and gives a satang less for 69 of them:
# 0.29 is read as 0.28. The payment code (EMVCo) of the same library is right for all of them.
#
# Source: Bank of Thailand, Thai QR and Barcode Payment Standard (cross-bank bill payment); https://github.com/maythiwat/promptparse
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts promptparse@1.6.0
cat > bills.js <<'JS'
const assert = require("assert");
const { generate, parse, parseBarcode } = require("promptparse");

const bill = (amount) => String(generate.botBarcode({ billerId: "099999999999990", ref1: "117", ref2: "0", amount }));
const satangs = (amount) => bill(amount).split("\r").pop();
const amounts = Array.from({ length: 1000 }, (_, at) => Number(((at + 1) / 100).toFixed(2)));
const broken = amounts.filter((amount) => satangs(amount).includes("."));
const less = amounts.filter((amount) => parseBarcode(bill(amount)).amount !== amount);
for (const amount of [19.99, 0.29, 4.35, 35.41]) console.log(`${amount}: ${satangs(amount)}, read as ${parseBarcode(bill(amount)).amount}`);
console.log(`with a decimal point ${broken.length}, read as another amount ${less.length}, of ${amounts.length}`);
assert.deepStrictEqual([satangs(19.99), parseBarcode(bill(19.99)).amount], ["1998.9999999999998", 19.98], "no longer as stated");
assert.deepStrictEqual([satangs(12.5), parseBarcode(bill(12.5)).amount], ["1250", 12.5], "even amounts are no longer right");
const codes = amounts.map((amount) => parse(generate.billPayment({ billerId: "099999999999990", ref1: "117", amount })).getTagValue("54"));
assert.deepStrictEqual(codes, amounts.map((amount) => amount.toFixed(2)), "payment codes are no longer right");
assert.deepStrictEqual([broken.length, less.length], [135, 69], "no longer as stated");
console.log("as stated");
JS
node bills.js
