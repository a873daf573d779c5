#!/usr/bin/env bash
# gstpy 0.1.3 (PyPI): three at 100 with 18 % on top cost 154, and an article for 19.99 costs nothing.
#
# Expected: the total of three at 100 with 18 % GST on top is 354, as the same package says of three at 118 with the tax inside; a price
# with paise is taken as the whole ones are, in each of the forms that the introduction lists.
#
# Seen: with a quantity the tax is that of all pieces and the price that of one: 100 and 54 are 154. The table that it prints has the same
# figures and sums them up. A dictionary whose first price is 19.99 gives an empty list, without an error, however many whole prices
# follow; the other way around, 100 first, all of them are taken. A single 19.99 prints "pass correct data", and a list of prices raises a
# TypeError. Without quantities, and with the tax inside, the results are right.
#
# Source: https://pypi.org/project/gstpy/ (exclusive, inclusive: Format Supported)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check gstpy==0.1.3
"$folder/venv/bin/python" - <<'PY'
from gstpy import GST

gst = GST()
for items in ({"tea": [100, 3]}, [("tea", 100, 3)]):
    [(name, price, quantity, tax, taxes, total)] = gst.exclusive(items)
    print(f"{items}: tax {taxes}, total {total}")
    assert (tax, taxes, total) == (18.0, 54.0, 154.0), "no longer as stated"
[inside] = gst.inclusive({"tea": [118, 3]})
print("three at 118 with the tax inside: total", inside[-1])
assert inside[-1] == 354, "with the tax inside it is no longer right"
for items, stated in [
    ({"tea": 19.99, "milk": 100}, []),
    ({"milk": 100, "tea": 19.99}, [["milk", 100, 18.0, 118.0], ["tea", 19.99, 3.6, 23.59]]),
    ([("tea", 19.99)], [["tea", 19.99, 3.6, 23.59]]),
    (19.99, []),
]:
    print(f"{items}: {gst.exclusive(items)}")
    assert gst.exclusive(items) == stated, "no longer as stated"
try:
    gst.exclusive([19.99])
    raise SystemExit("a list with 19.99 is taken")
except TypeError as error:
    print("[19.99]:", error)
print("as stated")
PY
