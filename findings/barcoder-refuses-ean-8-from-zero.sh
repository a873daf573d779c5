#!/usr/bin/env bash
# barcoder 2.0.1, ean13-lib 0.0.5 (npm): the shop's own EAN-8 are refused, and the code of a UPC is printed without its zero.
#
# Expected: barcoder validates EAN-8, UPC-A, EAN-13 and GTIN-14 by their check digit, and nothing of another length. Codes are texts of
# digits, and leading zeros are part of them: 02345673 is an EAN-8 from the range for use within a shop. ean13-lib's generate gives the
# thirteen digits of an EAN-13 for the first twelve.
#
# Seen: barcoder turns the text into a number, and asks that of 8 to 14 digits: every EAN-8 that begins with 0 is refused, and numbers of 9,
# 10 and 11 digits are right codes. ean13-lib's generate("003600029145") is 36000291452, a number of eleven digits, which its own
# validate refuses. EAN-8 that begin with 2 or 9, and EAN-13 that begin with another digit than 0, are right.
#
# Source: GS1 General Specifications (RCN-8, prefixes 0 and 2; GTIN-12 in thirteen digits); https://github.com/dominiklessel/barcoder
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts barcoder@2.0.1 ean13-lib@0.0.5
cat > codes.js <<'JS'
const assert = require("assert");
const barcoder = require("barcoder");
const { Ean13Utils } = require("ean13-lib");

const stated = {
  "96385074": true, "20000004": true, "02345673": false, "00000017": false,
  "036000291452": true, "0036000291452": true, "4006381333931": true, "10614141000415": true,
  "123456784": true, "1234567895": true, "12345678905": true, "12345678901": false,
};
for (const [code, taken] of Object.entries(stated)) {
  const sum = [...code].reverse().reduce((all, digit, at) => all + Number(digit) * (at % 2 ? 3 : 1), 0);
  console.log(`${code}, ${code.length} digits, check digit ${sum % 10 ? "wrong" : "right"}: ${barcoder.validate(code)}`);
  assert.strictEqual(barcoder.validate(code), taken, "no longer as stated");
}
for (const [digits, seen] of [["400638133393", 4006381333931], ["003600029145", 36000291452]]) {
  const code = Ean13Utils.generate(digits);
  console.log(`${digits} gives ${code}, valid: ${Ean13Utils.validate(String(code))}`);
  assert.strictEqual(code, seen, "ean13-lib is no longer as stated");
  assert.strictEqual(Ean13Utils.validate(String(code)), digits[0] !== "0", "ean13-lib is no longer as stated");
}
console.log("as stated");
JS
node codes.js
