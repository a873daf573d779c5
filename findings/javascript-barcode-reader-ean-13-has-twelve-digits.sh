#!/usr/bin/env bash
# javascript-barcode-reader 1.0.0, bwip-js 4.11.4 (npm): an EAN-13 comes back without its first digit.
#
# Expected: a reader whose list of codes begins with EAN-13 returns the thirteen digits, 4006381333931; of a UPC-E the eight; of a Codabar
# with the stop letter B that letter.
#
# Seen: 006381333931: the first digit, which has no bars of its own and stands in the pattern of the six behind it, is left out, of each
# EAN-13. What is left looks like a UPC-A with a wrong check digit, and is found in no catalogue. A UPC-E ends in "?0000015" and has lost its
# number system, and a stop letter B or C is another letter. No error in any of them. EAN-8, UPC-A, Code 128, Code 39 and
# ITF are right.
#
# Source: https://github.com/mubaidr/Javascript-Barcode-Reader/issues/72
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts javascript-barcode-reader@1.0.0 bwip-js@4.11.4 pngjs@7.0.0
cat > read.js <<'JS'
const assert = require("assert");
const bwip = require("bwip-js");
const { PNG } = require("pngjs");
const reader = require("javascript-barcode-reader");

// how it is drawn, how it is read, what is in it, what comes back
const cases = [
  ["ean13", "ean-13", "4006381333931", "006381333931"],
  ["ean13", "ean-13", "5901234123457", "901234123457"],
  ["ean8", "ean-8", "96385074", "96385074"],
  ["upca", "upc-a", "036000291452", "036000291452"],
  ["upce", "upc-e", "01234565", "12345?0000015"],
  ["code128", "code-128", "ABC123", "ABC123"],
  ["code39", "code-39", "ABC123", "ABC123"],
  ["interleaved2of5", "code-2of5", "15901234123454", "15901234123454"],
  ["rationalizedCodabar", "codabar", "A1234A", "A1234A"],
  ["rationalizedCodabar", "codabar", "A1234B", "A1234C"],
  ["rationalizedCodabar", "codabar", "A1234C", "A1234B"],
];
(async () => {
  for (const [bcid, barcode, text, stated] of cases) {
    const png = PNG.sync.read(await bwip.toBuffer({ bcid, text, scale: 4, height: 20, padding: 20, backgroundcolor: "FFFFFF" }));
    const image = { data: new Uint8ClampedArray(png.data), width: png.width, height: png.height };
    const more = bcid === "interleaved2of5" ? { barcodeType: "interleaved" } : {};
    const seen = await (reader.default ?? reader)({ image, barcode, ...more, options: { singlePass: true } });
    console.log(`${bcid} ${text}: ${seen}`);
    assert.strictEqual(seen, stated, "no longer as stated");
  }
  console.log("as stated");
})();
JS
node read.js
