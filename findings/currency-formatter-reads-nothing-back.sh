#!/usr/bin/env bash
# currency-formatter 1.5.9 (npm): 5 soles are read back as half a sol, and any amount of dinars as nothing.
#
# Expected: unformat, called with the currency's code, reads what format wrote with the same code; it removes the symbol and the separators
# of thousands that it put in itself. S/. 5.00 is 5, and 1.235 ₫ are 1235 dong.
#
# Seen: the points of a symbol stay, and the first one is taken for the decimal point: S/. 1,234.50 (PEN) is 0.1234 and S/. 5.00 is 0.5; so
# it is for PAB, HNL and BTN. Where the symbol has two points and more (AED, BHD, DZD, EGP, IQD, JOD, KWD, LBP, LYD, MAD, TND), every amount
# is 0. The dong has the same sign for thousands and decimals: 1.235 ₫ is 1.235. Euros, francs, kroner and yen are right, and no error is
# raised.
#
# Source: https://github.com/smirzaei/currency-formatter (unformat)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts currency-formatter@1.5.9
cat > back.js <<'JS'
const assert = require("assert");
const { format, unformat } = require("currency-formatter");

const back = (amount, code) => unformat(format(amount, { code }), { code });
for (const code of ["EUR", "CHF", "GBP", "USD", "SEK", "DKK", "PLN", "INR", "BRL"]) {
  for (const amount of [5, 1234.5, -1234.5]) assert.strictEqual(back(amount, code), amount, `${code} is no longer right`);
}
assert.strictEqual(back(1235, "JPY"), 1235, "JPY is no longer right");
for (const code of ["PEN", "PAB", "HNL", "BTN"]) {
  console.log(`${format(1234.5, { code })} (${code}) is read as ${back(1234.5, code)}, and 5 as ${back(5, code)}`);
  assert.deepStrictEqual([back(1234.5, code), back(5, code)], [0.1234, 0.5], "no longer as stated");
}
for (const code of ["AED", "BHD", "DZD", "EGP", "IQD", "JOD", "KWD", "LBP", "LYD", "MAD", "TND"]) {
  console.log(`${code}: 1234.5 is read as ${back(1234.5, code)}, and 5 as ${back(5, code)}`);
  assert.deepStrictEqual([back(1234.5, code), back(5, code)], [0, 0], "no longer as stated");
}
console.log(`${format(1235, { code: "VND" })} is read as ${back(1235, "VND")}`);
assert.strictEqual(back(1235, "VND"), 1.235, "the dong is no longer as stated");
console.log("as stated");
JS
node back.js
