#!/usr/bin/env bash
# bic-from-iban 1.0.0 (npm): the bank of most accounts is another bank, or none.
#
# Expected: of the BIC of an account the package knows the right one or none: the code of the bank inside the IBAN, whose place and length
# differ by country, is looked up, and where it is unknown the answer is empty.
#
# Seen: the four characters behind the check digits are taken for the code in each country, without their zeros, and are looked up among
# numbers that are no codes at all: each country's banks have been numbered in the order of the alphabet. So the example of the IBAN registry
# for Germany (Commerzbank, 37040044) belongs to a branch of SEB (number 3704), that of Switzerland (clearing number 00762) to a bank with
# the number 76, that of Luxembourg to the 19th. Where the list is shorter than the number, or the code has letters, the answer is empty:
# Austria, the Netherlands, Belgium, Italy, Poland. No error, and every answer looks like a BIC.
#
# Source: SWIFT, IBAN Registry (bank identifier position and example of each country); https://www.npmjs.com/package/bic-from-iban
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts bic-from-iban@1.0.0
cat > bank.js <<'JS'
const assert = require("assert");
const { getBIC } = require("bic-from-iban");

// the examples of the registry, the place of the bank's code in them, what the library answers, and that entry's number in its list
const cases = [
  ["DE89370400440532013000", [4, 12], "ESSEDE5F362", "3704"],
  ["CH9300762011623852957", [4, 9], "RBABCH22588", "76"],
  ["LU280019400644750000", [4, 7], "LUMILULLXXX", "19"],
  ["AT611904300234573201", [4, 9], "", null],
  ["NL91ABNA0417164300", [4, 8], "", null],
  ["BE68539007547034", [4, 7], "", null],
  ["IT60X0542811101000000123456", [5, 10], "", null],
  ["PL61109010140000071219812874", [4, 12], "", null],
];
for (const [iban, place, stated, number] of cases) {
  const seen = getBIC(iban);
  console.log(`${iban}, bank ${iban.slice(...place)}: ${JSON.stringify(seen)}`);
  assert.strictEqual(seen, stated, "no longer as stated");
  if (number === null) continue;
  const { list } = require(`bic-from-iban/AllCountries/${iban.slice(0, 2)}.json`);
  assert.strictEqual(list[Number(number) - 1].id, number, "the numbers are no longer those of the list");
  assert.ok(seen.startsWith(list[Number(number) - 1].swift_code), "it is no longer the bank of that number");
}
const { list } = require("bic-from-iban/AllCountries/DE.json");
assert.ok(list.some(({ swift_code }) => swift_code.startsWith("COBADEFF")), "the right bank is no longer in the list");
assert.ok(list.every(({ id }, at) => id === String(at + 1)), "the banks are no longer numbered");
console.log("as stated");
JS
node bank.js
