#!/usr/bin/env bash
# escpos 2.5.2, @node-escpos/core 0.6.0, node-thermal-printer 4.6.1, @point-of-sale/receipt-printer-encoder 4.0.1 (npm): opening the cash
# drawer takes the first two letters of the line behind it.
#
# Expected: the command for the drawer (ESC p) is five bytes: which drawer, how long the pulse is and how long the pause; the height of a
# bar code (GS h) is one byte, from 1 to 255.
#
# Seen: escpos sends three bytes, so that the printer takes the next two of whatever follows for the times: "Total" is printed as "tal",
# with a pulse of 168 and a pause of 222 milliseconds; with nothing behind it the drawer opens at the next receipt. node-thermal-printer
# sends three bytes for each of two drawers: the first takes the beginning of the second for its times (54 and 224) and works, the second
# drawer never opens. The other two send five. escpos also sends a height of 128 or more as two bytes, UTF-8 for one character: of 200
# the bar code is 195 dots high, and a letter that nobody wrote stands before it.
#
# Source: Epson, ESC/POS commands, ESC p and GS h; https://download4.epson.biz/sec_pubs/pos/reference_en/escpos/esc_lp.html;
# https://github.com/lsongdev/node-escpos/issues/151
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts escpos@2.5.2 @node-escpos/core@0.6.0 node-thermal-printer@4.6.1 \
  @point-of-sale/receipt-printer-encoder@4.0.1
cat > drawer.mjs <<'JS'
import assert from "assert";
import { createRequire } from "module";
import EncoderOfReceipts from "@point-of-sale/receipt-printer-encoder";

const require = createRequire(import.meta.url);
const core = require("@node-escpos/core");
const escpos = require("escpos");
const { ThermalPrinter, PrinterTypes } = require("node-thermal-printer");

const CODE = "400638133393";
const queued = async (library, steps) => {
  const parts = [];
  const write = (data, done) => (parts.push(Buffer.from(data)), done?.());
  const printer = new library.Printer({ open: (done) => done?.(null), write, close: (done) => done?.() }, { encoding: "cp437" });
  steps(printer);
  await printer.flush();
  return Buffer.concat(parts);
};
const thermal = (steps) => {
  const printer = new ThermalPrinter({ type: PrinterTypes.EPSON, interface: "tcp://127.0.0.1" });
  steps(printer);
  return printer.getBuffer();
};
const drawers = {
  escpos: await queued(escpos, (printer) => printer.cashdraw(2).text("Total")),
  "@node-escpos/core": await queued(core, (printer) => printer.cashdraw(2).text("Total")),
  "node-thermal-printer": thermal((printer) => (printer.openCashDrawer(), printer.println("Total"))),
  "receipt-printer-encoder": Buffer.from(new EncoderOfReceipts().pulse(0).line("Total").encode()),
};
// pulse and pause in milliseconds, and what is left for the paper
const stated = {
  escpos: [168, 222, "tal\n"],
  "@node-escpos/core": [50, 240, "Total\n"],
  "node-thermal-printer": [54, 224, "\x01Total\n"],
  "receipt-printer-encoder": [100, 500, "\n\r\x1bt\x00Total\n\r"],
};
for (const [library, bytes] of Object.entries(drawers)) {
  const behind = bytes.subarray(bytes.indexOf(Buffer.from([0x1b, 0x70])) + 3);
  const seen = [behind[0] * 2, behind[1] * 2, behind.subarray(2).toString("latin1")];
  console.log(`${library}: pulse ${seen[0]} ms, pause ${seen[1]} ms, then ${JSON.stringify(seen[2])}`);
  assert.deepStrictEqual(seen, stated[library], "no longer as stated");
}
const bar = (printer) => printer.barcode(CODE, "EAN13", { width: 2, height: 200 });
const heights = {
  escpos: await queued(escpos, bar),
  "@node-escpos/core": await queued(core, bar),
  "receipt-printer-encoder": Buffer.from(new EncoderOfReceipts().barcode(CODE, "ean13", 200).encode()),
};
for (const [library, bytes] of Object.entries(heights)) {
  const at = bytes.indexOf(Buffer.from([0x1d, 0x68]));
  const [height, next] = [bytes[at + 2], bytes[at + 3]];
  console.log(`${library}: height ${height}, then ${next === 0x1d ? "the next command" : `the byte ${next}`}`);
  assert.deepStrictEqual([height, next], library === "escpos" ? [195, 136] : [200, 0x1d], "no longer as stated");
}
console.log("as stated");
process.exit(0);
JS
node drawer.mjs
