#!/usr/bin/env bash
# zugferd-generator 1.2.1 (npm), factur-x 6.8 (PyPI): an e-invoice without quantities, net total and rates, which no reader knows.
#
# Expected: a generator of ZUGFeRD invoices writes XML of Cross Industry Invoice with one of the profiles' names, and in it all that it asks
# for: three articles at 10.00 with 19 % are read as quantity 3 and net 30.00; factur-x, which checks against the schemas, takes it.
#
# Seen: the quantity, which the library demands, is nowhere in the XML; there is no net total and no rate at the line; the profile is named
# ZUGFeRD, which none is called; against the schemas of MINIMUM, BASIC and EN 16931 factur-x refuses it, as elements such as TaxTotal are
# none of Cross Industry Invoice. The example of the documentation raises an error, as it has no totalAmount.
#
# Source: EN 16931-1 (BT-24, BT-106, BT-129, BT-152); ZUGFeRD 2.3; the documentation of zugferd-generator
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts zugferd-generator@1.2.1
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check factur-x==6.8
cat > invoice.mjs <<'JS'
import assert from "assert";
import fs from "fs";
import ZUGFeRDGenerator from "zugferd-generator";

const invoice = {
  id: "117", issueDate: "20261201", currency: "EUR",
  supplier: { name: "Corner Shop", country: "DE", street: "Street 1", postalCode: "12345", city: "Town", taxNumber: "DE123456789" },
  customer: { name: "Customer", country: "DE", street: "Street 2", postalCode: "12345", city: "Town" },
  taxTotal: { taxAmount: 5.7, taxPercentage: 19 },
  lineItems: [{ id: "1", description: "Article", quantity: 3, unitPrice: 10, lineTotal: 30 }],
};
const run = (data) => new ZUGFeRDGenerator(data).toXMLString();
assert.throws(() => run(invoice), /totalAmount/, "the documentation's example is no longer as stated");
const xml = run({ ...invoice, totalAmount: 35.7 });
assert.throws(() => run({ ...invoice, totalAmount: 35.7, lineItems: [{ ...invoice.lineItems[0], quantity: undefined }] }), /quantity/);
fs.writeFileSync("invoice.xml", xml);
assert.strictEqual(xml, run({ ...invoice, totalAmount: 35.7, lineItems: [{ ...invoice.lineItems[0], quantity: 7 }] }), "quantities are written now");
for (const name of ["BilledQuantity", "LineTotalAmount>30.00</ram:LineTotalAmount>\\s*<ram:TaxBasis", "RateApplicablePercent"]) {
  assert.doesNotMatch(xml, new RegExp(name), "no longer as stated");
}
console.log(`profile ${xml.match(/<ram:ID>([^<]*)/)[1]}, price ${xml.match(/<ram:ChargeAmount>([^<]*)/)[1]}, quantity written: no`);
JS
node invoice.mjs
venv/bin/python - <<'PY'
import logging

from facturx import get_level, xml_check_xsd
from lxml import etree

logging.disable(logging.CRITICAL)
xml = open("invoice.xml", "rb").read()
checks = {"profile": lambda: get_level(etree.fromstring(xml))}
for level in ("minimum", "basic", "en16931"):
    checks[level] = lambda level=level: xml_check_xsd(xml, flavor="factur-x", level=level)
for name, check in checks.items():
    try:
        check()
    except Exception as error:
        print(f"{name}: {type(error).__name__}: {str(error)[:70]}")
        assert name == "profile" or "not valid against the official XML Schema" in str(error), "no longer as stated"
    else:
        raise SystemExit(f"{name}: no longer as stated")
print("as stated")
PY
