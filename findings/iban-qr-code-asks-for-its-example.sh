#!/usr/bin/env bash
# iban-qr-code 1.0.0 (npm): a payment code without an amount asks for 19.05 euros.
#
# Expected: what is left out of a code for a SEPA credit transfer is empty, as the introduction shows the fields: an amount that the customer
# types in, no BIC (which a bank finds by the IBAN), no text. "1.250" is no amount of money or 1250, as "1.250,00" is.
#
# Seen: girocode takes the example of its source for what is left out: the amount 19.05, the bank DEZZZYYYXXX and the text Testsubject; left
# out is the name, and the transfer is to "Max Mustermann". Given the name, the IBAN and an amount, as in the shop's own trial, the code names
# a bank that does not exist. "1.250" and "1,250" are written with three decimals. bezahlcode, of the same package, leaves out what is left out.
#
# Source: European Payments Council, EPC069-12 (AT-04, AT-23); https://www.npmjs.com/package/iban-qr-code
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts iban-qr-code@1.0.0
cat > codes.js <<'JS'
const assert = require("assert");
const { girocode, bezahlcode } = require("iban-qr-code");

const shop = { name: "Corner Shop", iban: "BE71096123456769" };
const fields = (data) => {
  const [, , , , bic, name, , amount, , , text] = girocode(data).split("\n");
  return { bic, name, amount, text };
};
const cases = [
  [shop, { bic: "DEZZZYYYXXX", name: "Corner Shop", amount: "EUR19.05", text: "Testsubject" }],
  [{ ...shop, amount: "12.50", reason: "SALE42" }, { bic: "DEZZZYYYXXX", name: "Corner Shop", amount: "EUR12.50", text: "SALE42" }],
  [{ iban: shop.iban, amount: "12.50", bic: "", reason: "SALE42" }, { bic: "", name: "Max Mustermann", amount: "EUR12.50", text: "SALE42" }],
  [{ ...shop, amount: "1.250,00", bic: "", reason: "" }, { bic: "", name: "Corner Shop", amount: "EUR1250.00", text: "" }],
  [{ ...shop, amount: "1.250", bic: "", reason: "" }, { bic: "", name: "Corner Shop", amount: "EUR1.250", text: "" }],
  [{ ...shop, amount: "1,250", bic: "", reason: "" }, { bic: "", name: "Corner Shop", amount: "EUR1.250", text: "" }],
];
for (const [given, stated] of cases) {
  console.log(JSON.stringify(given), "->", JSON.stringify(fields(given)));
  assert.deepStrictEqual(fields(given), stated, "no longer as stated");
}
const link = new URL(bezahlcode(shop));
console.log("bezahlcode:", link.search);
assert.deepStrictEqual([link.searchParams.get("bic"), link.searchParams.get("reason")], ["", ""], "bezahlcode is no longer as stated");
console.log("as stated");
JS
node codes.js
