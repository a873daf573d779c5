#!/usr/bin/env bash
# py-moneyed 3.0 (PyPI): the receipt says 14.88 and the card is charged 14.87.
#
# Expected: one amount of money is the same as text and in cents: 12.50 with 19 % tax is 14.875; it is printed as 14.88, so
# get_amount_in_sub_unit, which payment services want, is 1488, or it refuses an amount that has no whole number of cents.
#
# Seen: it cuts off: 1487, where str, format_money and round say 14.88; a refund of -14.875 is -14.88 and -1487. No error in any of them. Of
# all prices from 0.01 to 99.99 with 19 % tax 4950 are a cent less in cents than in print; those that come out in whole cents are right, and
# an amount that was rounded first is.
#
# Source: https://github.com/py-moneyed/py-moneyed
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check py-moneyed==3.0 babel==2.19.0
"$folder/venv/bin/python" - <<'PY'
from decimal import Decimal

from moneyed import EUR, Money
from moneyed.l10n import format_money


def printed(money):
    return Decimal(format_money(money, locale="en_US").replace("€", ""))


for amount, text, stated in (("12.50", "12.50", 1250), ("14.875", "14.88", 1487), ("-14.875", "-14.88", -1487), ("0.009", "0.01", 0)):
    money = Money(amount, EUR)
    print(f"{amount}: str {money}, printed {printed(money)}, {money.get_amount_in_sub_unit()} cents, rounded first ", end="")
    print(money.round(2).get_amount_in_sub_unit())
    assert printed(money) == money.round(2).amount == Decimal(text), "what is printed is no longer as stated"
    assert money.get_amount_in_sub_unit() == stated, "the cents are no longer as stated"
    assert money.round(2).get_amount_in_sub_unit() == 100 * Decimal(text), "what was rounded is no longer as stated"
less = 0
for cents in range(1, 10_000):
    total = Money(Decimal(cents) / 100, EUR) * Decimal("1.19")
    lost = 100 * printed(total) - total.get_amount_in_sub_unit()
    assert lost in (0, 1)
    less += lost == 1
print(f"{less} of 9999 prices with tax are a cent less")
assert less == 4950, "no longer as stated"
print("as stated")
PY
