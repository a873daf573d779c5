#!/usr/bin/env bash
# facturex 0.6.4, tallystick-core 1.0.0, eu-einvoice 1.0.0 (PyPI): a credit note is an expense, and 200 screws at 12.50 a hundred are 25.00
# made of 200 at 12.50.
#
# Expected: a reader of European e-invoices (UBL, EN 16931) reads what the standard has for each line: the price and the quantity that it is
# for (BT-149), discounts of the line (BG-27) and of the document (BG-20), the amount due behind what was paid before (BT-115), and whether
# it is an invoice or a credit note. Valid invoices pass its rules, and what it writes adds up as what it has read.
#
# Seen: facturex has no place for the quantity of the price and none for discounts. Its rules refuse each valid invoice that has one, and
# what it writes has the same sums without them: 200 x 12.50 = 25.00 and 3 x 10.00 = 27.00. It also takes the name of a trade (BT-28), which
# may be absent, for the name of the seller (BT-27). tallystick reads a credit note as a document like an invoice, with its sums above zero
# and no line, so that a refund of 35.70 counts as another 35.70 to pay, and of what is due behind a payment of 20.00 it knows nothing.
# eu-einvoice reads and computes all of them right.
#
# Source: EN 16931-1, BT-149, BG-20, BG-27, BT-115; https://docs.peppol.eu/poacc/billing/3.0/bis/ (Item net price, base quantity; credit note)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check facturex==0.6.4 tallystick-core==1.0.0 eu-einvoice==1.0.0
cat > invoices.py <<'PY'
"""Invoices and a credit note with one line each, at 19 percent."""

NAMES = 'xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2" '
NAMES += 'xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"'
VAT = "<cbc:ID>S</cbc:ID><cbc:Percent>19</cbc:Percent><cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme>"


def euros(tag, amount):
    return f'<cbc:{tag} currencyID="EUR">{amount:.2f}</cbc:{tag}>'


def discount(amount, tax=""):
    reason = "<cbc:AllowanceChargeReason>Discount</cbc:AllowanceChargeReason>"
    return f"<cac:AllowanceCharge><cbc:ChargeIndicator>false</cbc:ChargeIndicator>{reason}{euros('Amount', amount)}{tax}</cac:AllowanceCharge>"


def party(role, vat):
    address = "<cbc:CityName>Berlin</cbc:CityName><cac:Country><cbc:IdentificationCode>DE</cbc:IdentificationCode></cac:Country>"
    scheme = f"<cac:PartyTaxScheme><cbc:CompanyID>{vat}</cbc:CompanyID><cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:PartyTaxScheme>"
    name = f"<cac:PartyLegalEntity><cbc:RegistrationName>{role}</cbc:RegistrationName></cac:PartyLegalEntity>"
    end = f'<cbc:EndpointID schemeID="EM">{role.lower()}@example.com</cbc:EndpointID>'
    end += f"<cac:PartyName><cbc:Name>{role}</cbc:Name></cac:PartyName>"
    return f"<cac:{role}><cac:Party>{end}<cac:PostalAddress>{address}</cac:PostalAddress>{scheme}{name}</cac:Party></cac:{role}>"


def invoice(quantity, price, net, base="", line="", off=0, paid=0, kind="Invoice"):
    taxed = net - off
    tax = round(taxed * 0.19 + 1e-9, 2)
    code, counted = ("380", "InvoicedQuantity") if kind == "Invoice" else ("381", "CreditedQuantity")
    due = "<cbc:DueDate>2026-12-31</cbc:DueDate>" if kind == "Invoice" else ""
    return f"""<?xml version="1.0" encoding="UTF-8"?><{kind} xmlns="urn:oasis:names:specification:ubl:schema:xsd:{kind}-2" {NAMES}>
<cbc:CustomizationID>urn:cen.eu:en16931:2017</cbc:CustomizationID><cbc:ID>2026-117</cbc:ID><cbc:IssueDate>2026-12-01</cbc:IssueDate>{due}
<cbc:{kind}TypeCode>{code}</cbc:{kind}TypeCode><cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
{party("AccountingSupplierParty", "DE123456789")}{party("AccountingCustomerParty", "DE987654321")}
{discount(off, f"<cac:TaxCategory>{VAT}</cac:TaxCategory>") if off else ""}
<cac:TaxTotal>{euros("TaxAmount", tax)}<cac:TaxSubtotal>{euros("TaxableAmount", taxed)}{euros("TaxAmount", tax)}
<cac:TaxCategory>{VAT}</cac:TaxCategory></cac:TaxSubtotal></cac:TaxTotal><cac:LegalMonetaryTotal>{euros("LineExtensionAmount", net)}
{euros("TaxExclusiveAmount", taxed)}{euros("TaxInclusiveAmount", taxed + tax)}{euros("AllowanceTotalAmount", off) if off else ""}
{euros("PrepaidAmount", paid) if paid else ""}{euros("PayableAmount", taxed + tax - paid)}</cac:LegalMonetaryTotal><cac:{kind}Line><cbc:ID>1</cbc:ID>
<cbc:{counted} unitCode="C62">{quantity}</cbc:{counted}>{euros("LineExtensionAmount", net)}{line}<cac:Item><cbc:Name>Article</cbc:Name>
<cac:ClassifiedTaxCategory>{VAT}</cac:ClassifiedTaxCategory></cac:Item><cac:Price>{euros("PriceAmount", price)}{base}</cac:Price></cac:{kind}Line></{kind}>"""


DOCUMENTS = {
    "plain": invoice(3, 10, 30),
    "price of a hundred": invoice(200, 12.5, 25, base='<cbc:BaseQuantity unitCode="C62">100</cbc:BaseQuantity>'),
    "discount of the line": invoice(3, 10, 27, line=discount(3)),
    "discount of the document": invoice(3, 10, 30, off=5),
    "paid before": invoice(3, 10, 30, paid=20),
    "credit note": invoice(3, 10, 30, kind="CreditNote"),
}
PY
venv/bin/python - <<'PY'
import warnings

warnings.filterwarnings("ignore")
import facturex
from lxml import etree
from tallystick.engine.einvoice import parse_ubl

from eu_einvoice.model import prepare
from eu_einvoice.parse import parse_ubl as read
from invoices import DOCUMENTS

refused = {"price of a hundred": ["FX-LINE-1"], "discount of the line": ["FX-LINE-1"], "discount of the document": ["BR-CO-13", "BR-S-08"]}
for name, text in DOCUMENTS.items():
    document = facturex.parse_bytes(text.encode())
    rules = [finding.rule for finding in facturex.validate(document).errors]
    again = facturex.write_ubl(document).decode()
    [line] = facturex.parse_bytes(again.encode()).lines
    print(f"facturex, {name}: refused by {rules}; written {line.quantity} x {line.unit_price} = {line.net_amount}")
    assert rules == refused.get(name, []), "facturex's rules are no longer as stated"
    assert not any(word in again for word in ("BaseQuantity", "AllowanceCharge")), "it writes discounts now"
for name, text in DOCUMENTS.items():
    document = parse_ubl(text.encode(), name)
    print(f"tallystick, {name}: {document.kind.value}, {len(document.lines)} lines, {document.total_gross} in all")
    if name in ("plain", "paid before", "credit note"):
        assert (document.kind.value, str(document.total_gross)) == ("ubl", "35.70"), "no longer as stated"
    assert len(document.lines) == (0 if name == "credit note" else 1), "no longer as stated"
    assert not any("due" in field and field != "due_date" or "paid" in field for field in vars(document)), "it knows what is due now"
unnamed = DOCUMENTS["plain"].replace("<cac:PartyName>", "<!--").replace("</cac:PartyName>", "-->")
rules = [finding.rule for finding in facturex.validate(facturex.parse_bytes(unnamed.encode())).errors]
print("facturex, registered names only: refused by", rules)
assert rules == ["BR-06", "BR-07"], "it knows registered names now"
payable = []
for name, text in DOCUMENTS.items():
    parsed = read(etree.fromstring(text.encode()))
    parsed = parsed[0] if isinstance(parsed, tuple) else parsed
    invoice, issues = prepare(parsed)[:2]
    payable.append((parsed["type"], str(invoice["totals"]["payable"])))
    assert not [issue for issue in issues if issue["level"] == "error"], "eu-einvoice is no longer right"
print("eu-einvoice:", payable)
amounts = ["35.70", "29.75", "32.13", "29.75", "15.70", "35.70"]
assert payable == list(zip(["380"] * 5 + ["381"], amounts)), "eu-einvoice is no longer right"
print("as stated")
PY
