#!/usr/bin/env bash
# bark-js 1.2.1, gs1-barcode-parser-mod 1.2.1 (npm): a price of 19.99 euros is 97819.99.
#
# Expected: the element string (393n) is a price with the three digits of its currency in front: 3932 978 1999 is EUR 19.99. A time of
# production (8008) has eight to twelve digits, the minutes and seconds may be absent. A date whose day is 00 has no day.
#
# Seen: bark-js shifts the decimal point in the whole: 97819.99, and for a price in US dollars 840 becomes thousands in the same way. A
# code that holds an (8008) with less than twelve digits is refused as a whole, with its GTIN. A day of 00 is given as 2027-02-00, which
# is no date. gs1-barcode-parser-mod gives 19.99 and the currency, the ten digits as they are, and the last day of the month.
#
# Source: GS1 General Specifications, application identifiers (393n), (8008) and (17); https://ref.gs1.org/ai/
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts bark-js@1.2.1 gs1-barcode-parser-mod@1.2.1
cat > read.js <<'JS'
const assert = require("assert");
const bark = require("bark-js");
const { parseBarcode } = require("gs1-barcode-parser-mod");

const [GTIN, FNC1] = ["0109520123456788", "\x1d"];
const day = (date) => [date.getFullYear(), date.getMonth() + 1, date.getDate()].join("-");
const readers = {
  "bark-js": (code) => bark(code).elements.map(({ ai, value }) => `${ai}=${value}`),
  "gs1-barcode-parser-mod": (code) =>
    parseBarcode(`]C1${code}`).parsedCodeItems.map(({ ai, data, unit }) => `${ai}=${data instanceof Date ? day(data) : data}${unit && ` ${unit}`}`),
};
const seen = (read, code) => {
  try {
    return read(code)[1];
  } catch (error) {
    return `error: ${error.message}`;
  }
};
const cases = [
  ["39329781999", "3932=97819.99", "3932=19.99 978"],
  ["39328401999", "3932=84019.99", "3932=19.99 840"],
  ["3922" + "1999", "3922=19.99", "3922=19.99"],
  ["80082612011230" + FNC1 + "10A", /^error: Invalid AI/, "8008=2612011230"],
  ["8008261201123045" + FNC1 + "10A", "8008=2026-12-01 12:30:45", "8008=261201123045"],
  ["17270200", "17=2027-02-00", "17=2027-2-28"],
];
for (const [code, ...stated] of cases) {
  const found = Object.values(readers).map((read) => seen(read, GTIN + code));
  console.log(`${code.replace(FNC1, "<GS>")}: bark-js ${found[0]}; gs1-barcode-parser-mod ${found[1]}`);
  stated.forEach((as, at) => (as instanceof RegExp ? assert.match(found[at], as) : assert.strictEqual(found[at], as, "no longer as stated")));
}
console.log("as stated");
JS
node read.js
