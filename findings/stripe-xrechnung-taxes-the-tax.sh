#!/usr/bin/env bash
# stripe-xrechnung 0.1.0 (PyPI): the e-invoice of a sale for 119.00, VAT included, says 141.61.
#
# Expected: the e-invoice that is made of a paid invoice has its totals, or is refused: the invoice says total, tax and amount due itself.
# An amount whose tax rate is inclusive contains the tax, a discount is taken off, what is paid already is not due.
#
# Seen: the amounts of the lines are taken as net amounts, and the tax is added: 119.00 with 19 % inside is 119.00 net and 141.61. A
# coupon of 10 percent is left out: 119.00 in place of 107.10. A credit of 50.00 from before is left out: 119.00 are due in place of
# 69.00. The package's own check passes all of them, since it compares the e-invoice with itself only. An invoice with net amounts, no
# coupon and no credit is right.
#
# Source: https://docs.stripe.com/api/invoices/object (total, amount_due, total_discount_amounts, starting_balance); /api/tax_rates/object
# (inclusive); https://pypi.org/project/stripe-xrechnung/
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check stripe-xrechnung==0.1.0
"$folder/venv/bin/python" - <<'PY'
import re

from stripe_xrechnung import emit_ubl, map_stripe, validate_invoice

SELLER = {
    "name": "A shop", "street": "Street 1", "city": "Berlin", "postal_code": "10115", "country": "DE", "vat_id": "DE123456788",
    "email": "shop@example.com", "phone": "+49 30 1234567", "iban": "DE02120300000000202051",
}


def invoice(amount, inclusive=False, line={}, **more):
    address = {"line1": "Street 2", "city": "Bonn", "postal_code": "53111", "country": "DE"}
    one = {
        "id": "il_1", "object": "line_item", "amount": amount, "quantity": 1, "description": "Goods", "price": {"unit_amount": amount},
        "tax_rates": [{"percentage": 19.0, "inclusive": inclusive}], "period": {"start": 1796126400, "end": 1796126400}, **line,
    }
    return {
        "object": "invoice", "id": "in_1", "number": "117", "currency": "eur", "created": 1796126400, "subtotal": amount,
        "customer_name": "A buyer", "customer_email": "buyer@example.com", "customer_address": address,
        "metadata": {"leitweg_id": "04011000-1234512345-06"}, "lines": {"object": "list", "data": [one]}, **more,
    }


coupon = [{"amount": 1000, "discount": "di_1"}]
for name, given, stated in [
    ("net", invoice(10000, total=11900, tax=1900, amount_due=11900), ["119.00", "119.00"]),
    ("VAT included", invoice(11900, True, total=11900, tax=1900, amount_due=11900), ["141.61", "141.61"]),
    (
        "coupon",
        invoice(10000, line={"discount_amounts": coupon}, total_discount_amounts=coupon, total=10710, tax=1710, amount_due=10710),
        ["119.00", "119.00"],
    ),
    ("credit", invoice(10000, total=11900, tax=1900, starting_balance=-5000, amount_due=6900), ["119.00", "119.00"]),
]:
    made = map_stripe(given, SELLER).recompute_totals()
    text = emit_ubl(made).decode()
    seen = [re.search(rf"<cbc:{field}[^>]*>([^<]*)<", text).group(1) for field in ("TaxInclusiveAmount", "PayableAmount")]
    meant = [f"{given[field] / 100:.2f}" for field in ("total", "amount_due")]
    print(f"{name}: total and amount due are {meant}, the e-invoice says {seen}")
    assert seen == stated, "no longer as stated"
    assert (seen == meant) == (name == "net"), "no longer as stated"
    assert validate_invoice(made).ok, "the package's own check sees it"
print("as stated")
PY
