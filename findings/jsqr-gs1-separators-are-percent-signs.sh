#!/usr/bin/env bash
# jsqr 1.4.0, @zxing/library 0.23.0 (npm): the separator of a GS1 QR code is a percent sign, and a percent sign is two.
#
# Expected: a QR code with GS1 element strings (FNC1 in first position) that holds the lot ABC123 and behind it the serial number 12345
# reads with the separator between them, the character GS (29); a lot 50%OFF reads as it is.
#
# Seen: jsQR returns "ABC123%2112345" and "50%%OFF%21A1": in alphanumeric segments of such a code % stands for the separator and %% for
# a percent sign, and it leaves both as they are. Nothing says that the code is a GS1 one, so the lot swallows the serial number.
# @zxing/library reads the same pictures with GS and one percent sign.
#
# Source: ISO/IEC 18004:2015, 7.4.8.2; https://github.com/cozmo/jsQR
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts jsqr@1.4.0 @zxing/library@0.23.0 bwip-js@4.11.4 pngjs@7.0.0
cat > read.js <<'JS'
const assert = require("assert");
const bwip = require("bwip-js");
const jsQR = require("jsqr");
const { PNG } = require("pngjs");
const { BinaryBitmap, HybridBinarizer, QRCodeReader, RGBLuminanceSource } = require("@zxing/library");

const cases = [
  ["(01)09520123456788(10)ABC123(21)12345", "010952012345678810ABC123%2112345", "010952012345678810ABC123\x1d2112345"],
  ["(01)09520123456788(10)50%OFF(21)A1", "01095201234567881050%%OFF%21A1", "01095201234567881050%OFF\x1d21A1"],
];
(async () => {
  for (const [text, byJsQR, byZxing] of cases) {
    const { data, width, height } = PNG.sync.read(
      await bwip.toBuffer({ bcid: "gs1qrcode", text, scale: 6, padding: 20, backgroundcolor: "FFFFFF" }),
    );
    const one = jsQR(new Uint8ClampedArray(data), width, height).data;
    const grey = Uint8ClampedArray.from({ length: width * height }, (_, at) => data[4 * at]);
    const source = new RGBLuminanceSource(grey, width, height);
    const other = new QRCodeReader().decode(new BinaryBitmap(new HybridBinarizer(source))).getText();
    console.log("%s", `${text}: jsQR ${JSON.stringify(one)}, @zxing/library ${JSON.stringify(other)}`);
    assert.strictEqual(one, byJsQR, "jsQR is no longer as stated");
    assert.strictEqual(other, byZxing, "@zxing/library is no longer as stated");
  }
  console.log("as stated");
})();
JS
node read.js
