#!/usr/bin/env bash
# @point-of-sale/barcode-parser 1.0.4 (npm): a case has no GTIN as soon as the scanner says what it has read, and a magazine neither.
#
# Expected: Aim.decode names the symbology of a scan by the prefix that the scanner sends, and GS1.decode or parse finds the GTIN in it, as
# the introduction says of ITF-14, EAN and UPC.
#
# Seen: of the prefix ]I1 the symbology is "interleaved-2-of-5", in which GS1 looks for nothing; only "itf", which its Detector guesses
# from the same digits without the prefix, has a GTIN: a scanner that says more is read less. ]E3, an EAN-13 with its add-on of
# two or five digits, has no symbology, nor has its GTIN. A UPC-E as scanners send it that leave out the number system or the check digit,
# seven or six digits, is the GTIN of another product: 123456 is 00012345600000 in place of 00012345000065. The method is parse; the
# introduction calls it decode.
#
# Source: ISO/IEC 15424 (symbology identifiers: ]I1, ]E3); GS1 General Specifications, 5.2 (EAN/UPC symbology: UPC-E);
# https://www.npmjs.com/package/@point-of-sale/barcode-parser
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @point-of-sale/barcode-parser@1.0.4
cat > scans.mjs <<'JS'
import assert from "assert";
import { Aim, Detector, GS1 } from "@point-of-sale/barcode-parser";

const gtin = (scan) => GS1.parse(scan)?.gtin;
for (const [prefix, value, stated] of [
  ["]E0", "4006381333931", "04006381333931"],
  ["]C1", "0104006381333931", "04006381333931"],
  ["]I1", "10012345678902", undefined],
  ["]E3", "977147396801210", undefined],
  ["]E3", "419871920550052250", undefined],
]) {
  const { symbology } = Aim.decode(prefix, value);
  console.log(`${prefix}${value}: ${symbology}, GTIN ${gtin({ ...Aim.decode(prefix, value), value })}`);
  assert.strictEqual(gtin({ ...Aim.decode(prefix, value), value }), stated, "no longer as stated");
}
const guessed = Detector.detect("10012345678902").symbology;
console.log(`without the prefix: ${guessed}, GTIN ${gtin({ symbology: guessed, value: "10012345678902" })}`);
assert.strictEqual(gtin({ symbology: guessed, value: "10012345678902" }), "10012345678902", "no longer as stated");

for (const [value, stated] of [["01234565", "00012345000065"], ["1234565", "00012345600005"], ["123456", "00012345600000"]]) {
  console.log(`UPC-E ${value}: ${gtin({ symbology: "upce", value })}`);
  assert.strictEqual(gtin({ symbology: "upce", value }), stated, "no longer as stated");
}
assert.strictEqual(GS1.decode, undefined, "there is a method decode now");
console.log("as stated");
JS
node scans.mjs
