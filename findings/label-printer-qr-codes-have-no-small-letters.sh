#!/usr/bin/env bash
# label-printer 0.13.10 (npm): an address in a QR code is sent as text of capital letters, which has no small ones.
#
# Expected: a QR code on a label holds what it was given, as one of the library's page does (https://example.com); the printer chooses how
# to encode it, or is told an encoding that has all of its letters.
#
# Seen: each QR code is sent in manual mode (M) with an A in front: alphanumeric, which has the digits, A to Z and nine signs. Small
# letters, umlauts and commas are not among them. "!N" in the text changes to digits in such a code, and a quotation mark ends the text; in
# a text field the first one is escaped, the second one ends it. The width 6 of the page's example gives cells of 0 dots, where a printer
# takes 1 to 10. The command of the same library below it (TSPLQRCommand) has the automatic mode as its default and would be right.
#
# Source: TSC, TSPL/TSPL2 Programming Manual, QRCODE (manual mode: "A" alphanumeric data, "!" followed by N, A, B or K; cell width);
# https://www.npmjs.com/package/label-printer (QRCode)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts label-printer@0.13.10
cat > codes.js <<'JS'
const assert = require("assert");
const { commands, labels } = require("label-printer");

const ALPHANUMERIC = /^[0-9A-Z $%*+\-./:]*$/;
const sent = async (field) => {
  const label = new labels.Label(50, 25);
  label.add(field);
  return (await label.commandForLanguage("tspl", { dpi: 203 })).commandString;
};
(async () => {
  const texts = ["https://example.com/117", "HTTPS://EXAMPLE.COM/117", "4006381333931", "Äpfel", "1,99", "SALE!NEW", 'a "b"'];
  for (const text of texts) {
    const command = await sent(new labels.QRCode(text, 20, 20, 200));
    const [, mode, data] = command.match(/^QRCODE 20, 20, H, \d+, (\w), 0, M2, "(.*)"$/);
    const fits = ALPHANUMERIC.test(text);
    console.log(`${command} ${fits ? "" : "- not in the alphanumeric set"}`);
    assert.deepStrictEqual([mode, data], ["M", `A${text}`], "no longer as stated");
    assert.strictEqual(fits, text === "HTTPS://EXAMPLE.COM/117" || text === "4006381333931", "the set is no longer as stated");
  }
  const example = await sent(new labels.QRCode("https://example.com", 20, 220, 6));
  assert.strictEqual(example, 'QRCODE 20, 220, H, 0, M, 0, M2, "Ahttps://example.com"', "the page's example is no longer as stated");
  const plain = new commands.tspl.TSPLQRCommand("https://example.com", 20, 220, 6).commandString;
  assert.strictEqual(plain, 'QRCODE 20, 220, H, 6, A, 0, M2, "https://example.com"', "the command below it is no longer as stated");
  assert.match(await sent(new labels.Text('a "b"', 20, 20, false)), /,"a \\"b""$/, "text is no longer as stated");
  console.log("as stated");
  process.exit();
})();
JS
node codes.js
