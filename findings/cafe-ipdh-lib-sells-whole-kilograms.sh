#!/usr/bin/env bash
# @danielrebolledo/cafe-ipdh-lib 1.2.11 (npm): a fiscal printer is told to charge 0.345 kg of cheese as one kilogram.
#
# Expected: the commands for a fiscal printer carry the quantity of the line; both printers that the library drives take thousandths, and
# the library fills them for 1.345 kg.
#
# Seen: each quantity below 1 is raised to 1 before it is written, for both printers, while the price is that of a whole kilogram: 0.345 kg
# at 19.99 are printed, stored and taxed as 19.99 in place of 6.90, and the order's own total is not looked at. Nothing is reported. From 1
# on quantities are right to the thousandth, and so are prices such as 4.35 and 64.10.
#
# Source: https://www.npmjs.com/package/@danielrebolledo/cafe-ipdh-lib (buildInvoiceCommands)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @danielrebolledo/cafe-ipdh-lib@1.2.11
cat > lines.mjs <<'JS'
import assert from "assert";
import { aegPrinter, dtpPrinter } from "@danielrebolledo/cafe-ipdh-lib";

const PRICE = 19.99;
const order = (quantity) => {
  const total = Math.round(PRICE * quantity * 100) / 100;
  const item = { id: "1", name: "Queso", sku: "117", price: PRICE, quantity, total, taxes: [{ id: "IVA_G" }] };
  const client = { id: "V00000000", name: "Cliente", email: "cliente@example.com" };
  return { client, items: [item], payments: [{ amount: total, paymentMethod: "cash_nat" }], total };
};
const options = { paymentMethodId: "cash_nat", storeName: "Tienda" };
// price in hundredths and quantity in thousandths, as each printer gets them
const lines = {
  aeg: (from) => aegPrinter.buildInvoiceCommands(from, options).find(({ cmd }) => cmd === "proF").data,
  dtp: (from) => dtpPrinter.buildInvoiceCommands(from, options).find(({ cmd }) => cmd === "F1").data,
};
for (const [quantity, thousandths] of [[0.345, 1000], [0.5, 1000], [0.999, 1000], [1, 1000], [1.345, 1345], [2.75, 2750], [3, 3000]]) {
  const { pre, cant } = lines.aeg(order(quantity));
  const { lPrecio, lCantidad } = lines.dtp(order(quantity));
  console.log(`${quantity} at ${PRICE}, ${order(quantity).total}: AEG ${cant} thousandths at ${pre}, DTP ${lCantidad} at ${lPrecio}`);
  assert.deepStrictEqual([pre, cant, lPrecio, lCantidad], [1999, thousandths, 1999, thousandths], "no longer as stated");
}
console.log("as stated");
JS
node lines.mjs
