#!/usr/bin/env bash
# biip 5.2.0 (PyPI): a British label that begins with 28 has no price, and with each price it is another product.
#
# Expected: with rcn_region=GREAT_BRITAIN a number of a scale that begins with 20 or 28 has its price in it, as GS1 UK says of both alike,
# and without_variable_measure gives one number for the product at every price.
#
# Seen: the rules of the region have 20 alone. 2012345928756 is the item 12345 at 28.75; 2812345928752, the same digits behind 28, has no
# item and no price, and without_variable_measure gives it back unchanged, so that each price looks up a product of its own; no error says
# that the number was not understood. A wrong check digit of the price is refused behind 20, and not looked at behind 28.
#
# Source: https://www.gs1uk.org/knowledge-hub/barcodes/how-to-barcode-variable-measure-items (20XXX and 28XXX, the same layout; a former
# edition of the page, which the library names as its source, had 20 alone); GS1 General Specifications, 7.9 (price check digit)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check biip==5.2.0
"$folder/venv/bin/python" - <<'PY'
from decimal import Decimal

import biip
from biip.rcn import RcnRegion

BRITISH = biip.ParseConfig(rcn_region=RcnRegion.GREAT_BRITAIN)

# The same item at 28.75 and at 5.99, and with a wrong check digit of the price.
for code, item, price, product in [
    ("2012345928756", "12345", Decimal("28.75"), "2012345000001"),
    ("2012345105997", "12345", Decimal("5.99"), "2012345000001"),
    ("2812345928752", None, None, "2812345928752"),
    ("2812345105993", None, None, "2812345105993"),
    ("2812345328750", None, None, "2812345328750"),
]:
    read = biip.parse(code, config=BRITISH)
    seen = read.gtin.item_reference, read.gtin.price, read.gtin.without_variable_measure().value
    print(f"{code}: item {seen[0]}, price {seen[1]}, looked up as {seen[2]}; error: {read.gtin_error}")
    assert seen == (item, price, product) and read.gtin_error is None, "no longer as stated"
refused = biip.parse("2012345328754", config=BRITISH)
print(f"2012345328754: {refused.gtin_error}")
assert refused.gtin is None and "Expected 9, got 3" in refused.gtin_error, "a wrong check digit is not refused behind 20"
print("as stated")
PY
