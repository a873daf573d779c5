#!/usr/bin/env bash
# einvoicing 0.0.3 (npm): the reference of a payment is 2.1000000000313946e+26, and the invoice for the order 1E5 is for 100000.
#
# Expected: what is text in an e-invoice (EN 16931 has references, identifiers, post codes, telephone numbers and names as text) is read,
# and written again, as it is.
#
# Seen: each text that looks like a number is read as one, unless the field has an attribute beside it: the 27 digits of a Swiss reference
# lose ten of them, and a payment with it meets no invoice; 01067 Dresden is 1067, 1E5 is 100000, and an article with the
# name 1.50 is 1.5. Written again, the invoice has the changed ones. Invoice numbers, IBANs and GTINs with their scheme are right. No error.
#
# Source: EN 16931-1 (BT-83 Remittance information, BT-10 Buyer reference, BT-38 post code, BT-42 telephone number: text);
# https://github.com/esvit/einvoicing
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts einvoicing@0.0.3
cat > read.js <<'JS'
const assert = require("assert");
const { UblReader, UblWriter } = require("einvoicing");

const VAT = "<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme>";
const RATE = `<cbc:ID>S</cbc:ID><cbc:Percent>19</cbc:Percent>${VAT}`;
const euros = (tag, amount) => `<cbc:${tag} currencyID="EUR">${amount}</cbc:${tag}>`;
const party = (role, vat) => `<cac:${role}><cac:Party><cbc:EndpointID schemeID="EM">${role.toLowerCase()}@example.com</cbc:EndpointID>
<cac:PostalAddress><cbc:CityName>Dresden</cbc:CityName><cbc:PostalZone>01067</cbc:PostalZone>
<cac:Country><cbc:IdentificationCode>DE</cbc:IdentificationCode></cac:Country></cac:PostalAddress>
<cac:PartyTaxScheme><cbc:CompanyID>${vat}</cbc:CompanyID>${VAT}</cac:PartyTaxScheme>
<cac:PartyLegalEntity><cbc:RegistrationName>${role}</cbc:RegistrationName></cac:PartyLegalEntity>
<cac:Contact><cbc:Name>Desk</cbc:Name><cbc:Telephone>035100117</cbc:Telephone></cac:Contact></cac:Party></cac:${role}>`;
const invoice = `<?xml version="1.0" encoding="UTF-8"?><Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
 xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
<cbc:CustomizationID>urn:cen.eu:en16931:2017</cbc:CustomizationID><cbc:ID>00117</cbc:ID><cbc:IssueDate>2026-12-01</cbc:IssueDate>
<cbc:DueDate>2026-12-31</cbc:DueDate><cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode><cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
<cbc:BuyerReference>1E5</cbc:BuyerReference>
${party("AccountingSupplierParty", "DE123456789")}${party("AccountingCustomerParty", "DE987654321")}
<cac:PaymentMeans><cbc:PaymentMeansCode>58</cbc:PaymentMeansCode><cbc:PaymentID>210000000003139471430009017</cbc:PaymentID>
<cac:PayeeFinancialAccount><cbc:ID>CH4431999123000889012</cbc:ID></cac:PayeeFinancialAccount></cac:PaymentMeans>
<cac:TaxTotal>${euros("TaxAmount", "0.57")}<cac:TaxSubtotal>${euros("TaxableAmount", "3.00")}${euros("TaxAmount", "0.57")}
<cac:TaxCategory>${RATE}</cac:TaxCategory></cac:TaxSubtotal></cac:TaxTotal>
<cac:LegalMonetaryTotal>${euros("LineExtensionAmount", "3.00")}${euros("TaxExclusiveAmount", "3.00")}${euros("TaxInclusiveAmount", "3.57")}
${euros("PayableAmount", "3.57")}</cac:LegalMonetaryTotal>
<cac:InvoiceLine><cbc:ID>1</cbc:ID><cbc:InvoicedQuantity unitCode="C62">3</cbc:InvoicedQuantity>${euros("LineExtensionAmount", "3.00")}
<cac:Item><cbc:Name>1.50</cbc:Name><cac:StandardItemIdentification><cbc:ID schemeID="0160">00036000291452</cbc:ID></cac:StandardItemIdentification>
<cac:ClassifiedTaxCategory>${RATE}</cac:ClassifiedTaxCategory></cac:Item>
<cac:Price>${euros("PriceAmount", "1.00")}</cac:Price></cac:InvoiceLine></Invoice>`;
(async () => {
  const read = await new UblReader().read(invoice);
  const again = await new UblWriter().write(read);
  const texts = (xml, tag) => [...String(xml).matchAll(new RegExp(`<cbc:${tag}[^>]*>([^<]*)<`, "g"))].map(([, text]) => text)[0];
  const cases = [
    ["PaymentID", "2.1000000000313946e+26"],
    ["BuyerReference", "100000"],
    ["PostalZone", "1067"],
    ["Telephone", "35100117"],
    ["Name", "1.5"],
    ["ID", "00117"],
  ];
  for (const [tag, stated] of cases) {
    const place = tag === "Name" ? (xml) => texts(String(xml).split("<cac:Item>")[1], tag) : (xml) => texts(xml, tag);
    console.log(`${tag}: ${place(invoice)}, written again ${place(again)}`);
    assert.strictEqual(place(again), stated, "no longer as stated");
  }
  assert.ok(String(again).includes(">00036000291452<") && String(again).includes(">CH4431999123000889012<"), "GTINs or IBANs are no longer right");
  console.log("as stated");
})();
JS
node read.js
