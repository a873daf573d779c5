#!/usr/bin/env bash
# esc-pos-encoder 3.0.0, thermal-printer-encoder 3.0.0, @point-of-sale/receipt-printer-encoder 4.0.1 (npm): the name of the shop at the top
# of the receipt is not centred, and a first line that is set to the right stands at the left.
#
# Expected: initialize().align("center").line(...) prints the line in the middle, as it does for all lines behind it.
#
# Seen: in esc-pos-encoder and thermal-printer-encoder commands and text of a line are collected, and the blanks that move the line are put
# in front of all of them: in the first line in front of the ESC @ of initialize as well. ESC @ clears what is in the printer's line, so
# the blanks are lost, and the line stands at the left; the second line is right. With a newline() between, the first is right as well.
# receipt-printer-encoder, which replaces both, puts the blanks behind it.
#
# Source: Epson, ESC/POS commands, ESC @ (clears the data in the print buffer);
# https://download4.epson.biz/sec_pubs/pos/reference_en/escpos/esc_atsign.html; https://github.com/NielsLeenheer/EscPosEncoder
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts esc-pos-encoder@3.0.0 thermal-printer-encoder@3.0.0 \
  @point-of-sale/receipt-printer-encoder@4.0.1
cat > lines.mjs <<'JS'
import assert from "assert";
import { createRequire } from "module";
import Successor from "@point-of-sale/receipt-printer-encoder";
import Thermal from "./node_modules/thermal-printer-encoder/dist/thermal-printer-encoder.mjs";

const Encoder = createRequire(import.meta.url)("./node_modules/esc-pos-encoder/dist/esc-pos-encoder.cjs");
const encoders = {
  "esc-pos-encoder": () => new Encoder({ width: 42 }),
  "thermal-printer-encoder": () => new Thermal({ language: "esc-pos", width: 42 }),
  "receipt-printer-encoder": () => new Successor({ language: "esc-pos", columns: 42 }),
};
// the blanks in front of a text that the printer still has behind its last ESC @
const blanks = (bytes, text) => {
  const before = Buffer.from(bytes).toString("latin1").split(text)[0];
  const last = before.split("\x1b@").pop().split("\n").pop();
  return last.split(" ").length - 1;
};
const aligned = (receipt, first, second) => receipt.align(first).line("Corner Shop").align(second).line("12.50").encode();
for (const [name, encoder] of Object.entries(encoders)) {
  const top = aligned(encoder().initialize(), "center", "right");
  const later = aligned(encoder().initialize().newline(), "center", "right");
  const seen = [blanks(top, "Corner Shop"), blanks(top, "12.50"), blanks(later, "Corner Shop")];
  const right = blanks(aligned(encoder().initialize(), "right", "left"), "Corner Shop");
  console.log(`${name}: blanks in front of the first line, the second, and the first behind a newline: ${seen}; first line to the right: ${right}`);
  const lost = name !== "receipt-printer-encoder";
  assert.deepStrictEqual([...seen, right], lost ? [0, 37, 15, 0] : [15, 37, 15, 31], "no longer as stated");
}
console.log("as stated");
JS
node lines.mjs
