#!/usr/bin/env bash
# factur-x-kit 0.3.1 (npm): the e-invoice of four grams of saffron says 0.00 kg, at 18.00.
#
# Expected: the quantity of a line is written as it is given, as are its price and its sum; quantities have up to four decimals, as the
# library's page says, and a quantity times its price is the sum of the line.
#
# Seen: what is computed is right, and the quantity is then written with two decimals: 0.345 kg at 19.99 is 0.35 kg and 6.90, where 0.35 kg
# would be 7.00; 0.004 kg at 4500 is 0.00 kg and 18.00; 1.005 kg is 1.00 kg. The price has four decimals. The library checks the rules of
# EN 16931 before it writes, and none of them compares quantity and sum.
#
# Source: https://www.npmjs.com/package/factur-x-kit (totalsCalculator, on rounding); EN 16931, BT-129 (invoiced quantity), BT-131
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts factur-x-kit@0.3.1
cat > invoice.js <<'JS'
const assert = require("assert");
const { FacturX, totalsCalculator } = require("factur-x-kit");

const party = (name) => ({ name, postalAddress: { postcode: "10115", addressLineOne: "Street 1", city: "Berlin", country: "DE" } });
const day = (day) => ({ year: 2026, month: 12, day });
const line = ([name, quantity, price], at) => ({
  generalLineData: { lineId: String(at + 1) },
  productDescription: { name },
  productPriceAgreement: { productPricing: { basisPricePerItem: price } },
  delivery: { itemQuantity: { quantity, unit: "KGM" } },
  settlement: { tax: { categoryCode: "S", rateApplicablePercent: 7 } },
});
const goods = [["Cheese", 0.345, 19.99], ["Saffron", 0.004, 4500], ["Apples", 1.005, 1], ["Pears", 0.25, 4]];
const stated = [["0.35", "19.9900", "6.90"], ["0.00", "4500.0000", "18.00"], ["1.00", "1.0000", "1.00"], ["0.25", "4.0000", "1.00"]];
(async () => {
  const invoice = totalsCalculator({
    document: { id: "117", type: "380", dateOfIssue: day(1), currency: "EUR" },
    seller: { ...party("A shop"), taxIdentification: { vatId: "DE123456788" } },
    buyer: party("A buyer"),
    delivery: { deliveryDate: day(1) },
    paymentInformation: { paymentTerms: { dueDate: day(15) } },
    invoiceLines: goods.map(line),
  });
  const xml = await (await FacturX.fromObject(invoice)).getXML();
  const text = typeof xml === "string" ? xml : new TextDecoder().decode(xml);
  const lines = text.split("<ram:IncludedSupplyChainTradeLineItem>").slice(1);
  const value = (line, name) => line.match(new RegExp(`<ram:${name}[^>]*>([^<]*)<`))[1];
  const seen = lines.map((line) => ["BilledQuantity", "ChargeAmount", "LineTotalAmount"].map((name) => value(line, name)));
  goods.forEach(([name, quantity, price], at) => console.log(`${name}: ${quantity} kg at ${price}, written as ${seen[at].join(", ")}`));
  const quantities = invoice.invoiceLines.map(({ delivery }) => delivery.itemQuantity.quantity);
  assert.deepStrictEqual(quantities, goods.map(([, quantity]) => quantity), "the computed invoice has other quantities");
  assert.deepStrictEqual(seen, stated, "no longer as stated");
  console.log("as stated");
})();
JS
node invoice.js
