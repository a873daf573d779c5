#!/usr/bin/env bash
# node-thermal-printer 4.6.1, @point-of-sale/receipt-printer-encoder 4.0.1 (npm): on a Star printer a QR code is the text in it.
#
# Expected: a QR code on a printer in Star line mode takes three kinds of commands: how it is drawn (ESC GS y S), what is in it (ESC GS y D,
# with a count of bytes), and print it (ESC GS y P).
#
# Seen: node-thermal-printer sends the count and the content without the command in front (ESC GS y D 1 0), though its source describes it:
# the printer prints the address as a line of text, behind two bytes of count, and the command to print finds no
# content. No error. As an Epson printer the same program prints the code. receipt-printer-encoder sends the command.
#
# Source: Star, Line Mode Command Specifications (QR code: ESC GS y D 1); https://github.com/Klemen1337/node-thermal-printer/pull/200
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts node-thermal-printer@4.6.1 @point-of-sale/receipt-printer-encoder@4.0.1
cat > print.mjs <<'JS'
import assert from "assert";
import { createRequire } from "module";
import EncoderOfReceipts from "@point-of-sale/receipt-printer-encoder";

const require = createRequire(import.meta.url);
const { ThermalPrinter, PrinterTypes } = require("node-thermal-printer");

const ADDRESS = "https://example.com/r/42";
const thermal = (type) => {
  const printer = new ThermalPrinter({ type, interface: "tcp://127.0.0.1" });
  printer.printQR(ADDRESS);
  return printer.getBuffer();
};
const star = (bytes) => {
  // what a printer makes of the bytes: commands for QR codes, and the rest as text
  const seen = { commands: [], content: null, text: "" };
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] === 0x1b && bytes[at + 1] === 0x1d && bytes[at + 2] === 0x79) {
      const kind = String.fromCharCode(bytes[at + 3]);
      seen.commands.push(kind);
      const count = kind === "D" ? bytes[at + 6] + 256 * bytes[at + 7] : 0;
      if (kind === "D") seen.content = bytes.subarray(at + 8, at + 8 + count).toString();
      at += kind === "S" ? 6 : kind === "D" ? 8 + count : 4;
    } else seen.text += String.fromCharCode(bytes[at++]);
  }
  return seen;
};
const wrong = star(thermal(PrinterTypes.STAR));
console.log("node-thermal-printer:", JSON.stringify(wrong));
assert.deepStrictEqual([wrong.commands.join(""), wrong.content], ["SSSP", null], "the commands are no longer as stated");
assert.strictEqual(wrong.text, `${String.fromCharCode(ADDRESS.length)}\0${ADDRESS}\n`, "the text is no longer as stated");

const right = star(Buffer.from(new EncoderOfReceipts({ language: "star-line" }).qrcode(ADDRESS).encode()));
console.log("receipt-printer-encoder:", JSON.stringify(right));
assert.deepStrictEqual([right.commands.join(""), right.content], ["SSSDP", ADDRESS], "receipt-printer-encoder is not right");

const epson = thermal(PrinterTypes.EPSON).toString("latin1");
assert.ok(epson.includes(`\x1d(k${String.fromCharCode(ADDRESS.length + 3)}\x001P0${ADDRESS}`), "as an Epson printer it is not right");
console.log("as stated");
process.exit(0);
JS
node print.mjs
