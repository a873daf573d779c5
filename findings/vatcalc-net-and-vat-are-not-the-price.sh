#!/usr/bin/env bash
# vatcalc 1.0.0 (PyPI): of a price of 9.99 with 20 % VAT in it 8.32 are net and 1.66 are VAT.
#
# Expected: the net amount and the VAT of a price make the price: one of the two is rounded and the other is the rest, or both are rounded
# in a way that agrees.
#
# Seen: gross_to_net and vat_amount_from_gross round for themselves, both to the even digit. Where both end in half a cent they are a cent
# less or a cent more than the price together: 0.99, 3.99, 6.99, 9.99 and 99.99 lose one, 0.09 and 0.21 gain one. With 20 % (United Kingdom,
# France, Austria) that is one price in six. With 5, 7, 10, 19, 21 and 25 % no price is concerned, so that a test with German or Spanish
# rates finds nothing.
#
# Source: https://pypi.org/project/vatcalc/ (gross_to_net, vat_amount_from_gross); Council Directive 2006/112/EC, Article 226 (8) to (10)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check vatcalc==1.0.0
"$folder/venv/bin/python" - <<'PY'
from decimal import Decimal

from vatcalc import gross_to_net, vat_amount_from_gross


def parts(price, rate):
    return gross_to_net(price, Decimal(rate)), vat_amount_from_gross(price, Decimal(rate))


for text, stated in [("9.99", ("8.32", "1.66")), ("0.99", ("0.82", "0.16")), ("0.21", ("0.18", "0.04")), ("10.00", ("8.33", "1.67"))]:
    net, vat = parts(Decimal(text), 20)
    print(f"{text} with 20 %: {net} and {vat} are {net + vat}")
    assert (str(net), str(vat)) == stated, "no longer as stated"
prices = [Decimal(cents) / 100 for cents in range(1, 10001)]
wrong = {rate: [price - sum(parts(price, rate)) for price in prices] for rate in (20, 5, 7, 10, 19, 21, 25)}
for rate, differences in wrong.items():
    lost, gained = differences.count(Decimal("0.01")), differences.count(Decimal("-0.01"))
    print(f"{rate} %: of {len(prices)} prices {lost} lose a cent and {gained} gain one")
    assert lost + gained == (1667 if rate == 20 else 0), "no longer as stated"
    assert (lost > 0 and gained > 0) == (rate == 20), "no longer as stated"
print("as stated")
PY
