#!/usr/bin/env bash
# gs1js 0.0.2, gs1-barcode-parser-mod 1.2.1 (npm): 1.750 kg of cheese are 3001750 of nothing.
#
# Expected: a reader of GS1 element strings that says it knows those of fixed length finds the net weight (3103) 001750 of weighed goods, and
# the price (3922) 1299.
#
# Seen: the table of the standard lists elements of fixed length by their first two digits, and gs1js takes these for the identifiers: the
# weight is 03001750 of an identifier 31, the price 221299 of an identifier 39, and the time of expiry (7003) belongs to 70. The digit that
# says where the decimal point stands comes in front of the value, as if it were the first of it. No error; identifiers of
# two digits (01, 10, 15, 17, 21, 37) are right, and so is where each element ends. gs1-barcode-parser-mod is right.
#
# Source: GS1 General Specifications, figure "Element strings with predefined length using GS1 application identifiers"
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts gs1js@0.0.2 gs1-barcode-parser-mod@1.2.1
cat > read.js <<'JS'
const assert = require("assert");
const { parseBarcode } = require("gs1-barcode-parser-mod");
const { GS1Reader } = require("gs1js/dist/GS1Reader.js");

const GS = "\x1d";
// element strings behind the GTIN, what gs1js makes of them, and what they are
const cases = [
  ["3103001750", "31=03001750", "3103=1.75"],
  ["3102001750", "31=02001750", "3102=17.5"],
  ["310300175015270228", "31=03001750 15=270228", "3103=1.75 15="],
  [`39221299${GS}10AB`, "39=221299 10=AB", "3922=12.99 10=AB"],
  [`70032612011230${GS}10AB`, "70=032612011230 10=AB", "7003=2612011230 10=AB"],
  [`10AB${GS}2112`, "10=AB 21=12", "10=AB 21=12"],
];
for (const [code, stated, right] of cases) {
  const seen = new GS1Reader(`0109520123456788${code}`).getApplicationIdentifiers().map(({ identifier, value }) => `${identifier}=${value}`);
  const other = parseBarcode(`]C10109520123456788${code}`).parsedCodeItems.map(({ ai, data }) => `${ai}=${data instanceof Date ? "" : data}`);
  console.log(`${code.replace(GS, "<GS>")}: gs1js ${seen.slice(1).join(" ")}; gs1-barcode-parser-mod ${other.slice(1).join(" ")}`);
  assert.strictEqual(seen.join(" "), `01=09520123456788 ${stated}`, "no longer as stated");
  assert.strictEqual(other.join(" "), `01=09520123456788 ${right}`, "the other is no longer right");
}
console.log("as stated");
JS
node read.js
