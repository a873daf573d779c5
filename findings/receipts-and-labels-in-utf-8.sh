#!/usr/bin/env bash
# @tillpos/xml-escpos-helper 0.3.1, jszpl 2.0.1 (npm): 5 € is printed as 5 Γé¼ on the receipt and as 5 Ôé¼ on the label.
#
# Expected: a library that makes the commands of a printer sends text in the page of letters that the printer has, or tells it which one the
# text is in: ESC t on a receipt printer, ^CI28 (UTF-8) on a label printer.
#
# Seen: both send UTF-8 without any such command, and both kinds of printer start with an old page (437 and 850) and print each byte as a
# letter: Müsli is M├╝sli. In a template nothing can be said about it; jszpl has no element for it but Raw. In QR codes
# @tillpos/xml-escpos-helper sends the last byte of each letter: € is ¬ there, so that a payment code or address is another one. Its Code
# 128 is sent as written, though the printer wants a code set ({A, {B or {C) in front and else takes it for text; ABC-123 has none.
#
# Source: Epson, ESC/POS commands, ESC t (page 0 is PC437) and GS k (m = 73, the first two characters);
# https://download4.epson.biz/sec_pubs/pos/reference_en/escpos/gs_lk.html; Zebra, ZPL II Programming Guide, ^CI (0 at power-up, 28 is UTF-8)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @tillpos/xml-escpos-helper@0.3.1 jszpl@2.0.1 iconv-lite@0.6.3
cat > print.js <<'JS'
const assert = require("assert");
const { EscPos } = require("@tillpos/xml-escpos-helper");
const { decode } = require("iconv-lite");
const zpl = require("jszpl");

const TEXT = "Müsli 5 €";
const template = `<?xml version="1.0" encoding="UTF-8"?><document><text-line>{{{text}}}</text-line>
<qrcode version="1" ecl="M" size="4">{{{text}}}</qrcode><barcode system="CODE_128">{{{code}}}</barcode><paper-cut/></document>`;
const receipt = Buffer.from(EscPos.getBufferFromTemplate(template, { text: TEXT, code: "ABC-123" }));
assert.ok(receipt.includes(Buffer.from(TEXT)), "it is no longer UTF-8");
assert.ok(!receipt.includes("\x1bt") && !receipt.includes("\x1c("), "it chooses a page of letters now");

const label = new zpl.Label();
label.printDensity = new zpl.PrintDensity(zpl.PrintDensityName["8dpmm"]);
Object.assign(label, { width: 100, height: 50 });
const text = new zpl.Text();
text.fontFamily = new zpl.FontFamily(zpl.FontFamilyName.D);
text.text = TEXT;
label.content.push(text);
const commands = label.generateZPL();
assert.ok(commands.includes(TEXT) && !commands.includes("^CI"), "the label says what it is in now");

const printed = { receipt: decode(Buffer.from(TEXT), "cp437"), label: decode(Buffer.from(TEXT), "cp850") };
console.log("printed with the page of the start:", printed);
assert.deepStrictEqual(printed, { receipt: "M├╝sli 5 Γé¼", label: "M├╝sli 5 Ôé¼" });

const start = receipt.indexOf(Buffer.from([0x31, 0x50, 0x30])) + 3;
const code = receipt.subarray(start, start + TEXT.length).toString("latin1");
console.log("the QR code holds", code);
assert.strictEqual(code, "Müsli 5 ¬", "the QR code is no longer as stated");
const bars = receipt.subarray(receipt.indexOf(Buffer.from([0x1d, 0x6b, 73])) + 3);
console.log("Code 128:", JSON.stringify(bars.subarray(1, 1 + bars[0]).toString("latin1")));
assert.strictEqual(bars.subarray(1, 1 + bars[0]).toString("latin1"), "ABC-123", "Code 128 has a code set now");
console.log("as stated");
JS
node print.js
