#!/usr/bin/env bash
# pint 0.25.3 (PyPI): a dozen eggs weigh 2.4 grams, and 12 fl oz of juice are no volume.
#
# Expected: a library that reads quantities with their units from text reads the sizes that stand on packages, or raises an error for a unit
# that it does not know: 12 fl oz are 355 ml, as 12 floz are; ct and pcs count.
#
# Seen: "12 fl oz" is twelve femtolitre ounces, a length cubed times a mass, since a space multiplies and fl is a femtolitre; "12 ct" is
# twelve carats, 2.4 g; "6 pcs" is six parsecs; "1 pk" is a peck, 8.8 litres; "500 gr" is 500 grains, 32.4 g; "1 EA" is an exaampere. No error
# in any of them, so that a price per 100 g or per litre is worked out from it; "12 floz", "12 fluid_ounce" and "16 oz" are as expected, and
# "2 packs" and "12 eggs" raise an error.
#
# Source: NIST Handbook 130, Uniform Packaging and Labeling Regulation (fl oz); https://pint.readthedocs.io/
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pint==0.25.3
"$folder/venv/bin/python" - <<'PY'
import pint

units = pint.UnitRegistry()
CASES = [
    ("12 floz", "12 fluid_ounce", "0.355 liter"), ("12 fluid_ounce", "12 fluid_ounce", "0.355 liter"), ("16 oz", "16 ounce", "0.454 kilogram"),
    ("12 fl oz", "12 femtoliter * ounce", "3.4e-16 liter * kilogram"), ("12 ct", "12 carat", "0.0024 kilogram"),
    ("500 gr", "500 grain", "0.0324 kilogram"), ("6 pcs", "6 parsec", "1.85e+17 meter"), ("1 pk", "1 peck", "8.81 liter"),
    ("1 EA", "1 exaampere", "1e+18 ampere"),
]
for text, stated, size in CASES:
    seen = units(text)
    value, unit = size.split(" ", 1)
    print(f"{text}: {seen}, {seen.to(unit):.3g}")
    assert str(seen) == stated, "no longer as stated"
    assert abs(seen.to(unit).magnitude / float(value) - 1) < 0.01, "no longer as stated"
assert not units("12 fl oz").check("[volume]")
for text in ("2 packs", "12 eggs"):
    try:
        units(text)
    except pint.UndefinedUnitError as error:
        print(error)
    else:
        raise SystemExit(f"{text} is a quantity now")
print("as stated")
PY
