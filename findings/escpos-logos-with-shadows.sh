#!/usr/bin/env bash
# escpos 2.5.2, @node-escpos/core 0.6.0, node-thermal-printer 4.6.1, @point-of-sale/receipt-printer-encoder 4.0.1 (npm): a logo's soft
# shadow is printed as a black block.
#
# Expected: a picture with transparency is laid on white before it is made black and white: black that is a tenth opaque is a very light
# grey and stays white, as the other two libraries have it; so do yellow and a light grey.
#
# Seen: escpos and @node-escpos/core look whether a point is wholly transparent and take its colour as it is otherwise: black that is a
# tenth opaque is solid black, so that a shadow and the soft edges of letters become a block. escpos takes everything for black that is
# not brighter than 200 in all three of red, green and blue: yellow and light grey are black, too. In node-thermal-printer the shadow is
# white from half transparent on; receipt-printer-encoder lays it on white.
#
# Source: Portable Network Graphics, 12.16 (background) and 13.16 (alpha channel processing); https://www.w3.org/TR/png-3/
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts escpos@2.5.2 @node-escpos/core@0.6.0 node-thermal-printer@4.6.1 \
  @point-of-sale/receipt-printer-encoder@4.0.1 pngjs@7.0.0
cat > draw.mjs <<'JS'
import assert from "assert";
import fs from "fs";
import { createRequire } from "module";
import EncoderOfReceipts from "@point-of-sale/receipt-printer-encoder";

const require = createRequire(import.meta.url);
const escpos = require("escpos");
const core = require("@node-escpos/core");
const { ThermalPrinter, PrinterTypes } = require("node-thermal-printer");
const { PNG } = require("pngjs");

const [WIDTH, HEIGHT] = [32, 16];
const black = (bytes) => bytes.reduce((sum, byte) => sum + [...byte.toString(2)].filter((bit) => bit === "1").length, 0);
const behind = (bytes) => {
  const start = bytes.indexOf(Buffer.from([0x1d, 0x76, 0x30]));
  return [...bytes.subarray(start + 8, start + 8 + (WIDTH * HEIGHT) / 8)];
};
const libraries = {
  escpos: (file) =>
    new Promise((done, failed) =>
      escpos.Image.load(file, "image/png", (seen) => (seen instanceof Error ? failed(seen) : done([...seen.toRaster().data]))),
    ),
  "@node-escpos/core": async (file) => [...(await core.Image.load(file)).toRaster().data],
  "node-thermal-printer": async (file) => {
    const printer = new ThermalPrinter({ type: PrinterTypes.EPSON, interface: "tcp://127.0.0.1" });
    return behind(await printer.printImageBuffer(fs.readFileSync(file)));
  },
  "receipt-printer-encoder": async (file) => {
    const { data } = PNG.sync.read(fs.readFileSync(file));
    const encoder = new EncoderOfReceipts({ imageMode: "raster" });
    const picture = { data: new Uint8ClampedArray(data), width: WIDTH, height: HEIGHT };
    return behind(Buffer.from(encoder.image(picture, WIDTH, HEIGHT, "threshold").encode()));
  },
};
// colour with its opacity; black or not by the four
const cases = [
  ["white", [255, 255, 255, 255], [false, false, false, false]],
  ["black", [0, 0, 0, 255], [true, true, true, true]],
  ["transparent", [0, 0, 0, 0], [false, false, false, false]],
  ["black, a tenth opaque", [0, 0, 0, 25], [true, true, false, false]],
  ["yellow", [255, 255, 0, 255], [true, false, false, false]],
  ["light grey", [190, 190, 190, 255], [true, false, false, false]],
];
for (const [name, colour, stated] of cases) {
  const picture = new PNG({ width: WIDTH, height: HEIGHT });
  for (let at = 0; at < picture.data.length; at++) picture.data[at] = colour[at % 4];
  fs.writeFileSync("logo.png", PNG.sync.write(picture));
  const seen = [];
  for (const read of Object.values(libraries)) seen.push(black(await read("logo.png")));
  console.log(`${name}: ${Object.keys(libraries).map((library, at) => `${library} ${seen[at]}`).join(", ")} of ${WIDTH * HEIGHT} black`);
  assert.deepStrictEqual(seen, stated.map((all) => (all ? WIDTH * HEIGHT : 0)), "no longer as stated");
}
console.log("as stated");
process.exit(0);
JS
node draw.mjs
