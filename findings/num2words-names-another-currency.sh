#!/usr/bin/env bash
# num2words 0.5.14 (PyPI): twelve euros in Arabic are twelve riyals, and 1.234 dinars are one dinar and 23 fils.
#
# Expected: an amount in words, as invoices and cheques carry it, names the currency that was asked for; one that the language does not
# know raises NotImplementedError, as it does in English. A dinar has a thousand fils: of KWD 1.234 there are 234.
#
# Seen: Arabic knows EGP, KWD, TND and a code of its own, SR; for any other (EUR, USD, AED, BHD, and SAR) it names riyals and halalas,
# without an error. With KWD the third decimal is cut off in Arabic, Catalan, Spanish and Ukrainian: 1.234 is one dinar and 23 fils, and
# 1.999 is one dinar and 99 fils, or two dinars. Only the Tunisian dinar, in Arabic, has its three decimals.
#
# Source: ISO 4217 (minor units); https://github.com/savoirfairelinux/num2words/pull/563
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check num2words==0.5.14
"$folder/venv/bin/python" - <<'PY'
from num2words import num2words


def words(amount, lang, currency):
    return num2words(amount, lang=lang, to="currency", currency=currency)


riyals = words(12.05, "ar", "SR")
for currency in ("EUR", "USD", "AED", "BHD", "SAR"):
    print(f"12.05 {currency} in Arabic: {words(12.05, 'ar', currency)}")
    assert words(12.05, "ar", currency) == riyals, "another currency is no longer as stated"
for currency in ("EGP", "KWD", "TND"):
    assert words(12.05, "ar", currency) != riyals
try:
    words(12.05, "en", "AED")
except NotImplementedError as error:
    print("in English:", error)
else:
    raise SystemExit("English knows AED now")

# language, 1.234 and 1.999 as they are, and what the fils of the first ought to be
CASES = [
    ("es", "un dinar con veintitrés fils", "dos dinares con cero fils", "doscientos treinta y cuatro"),
    ("ca", "un dinar amb vint-i-tres fils", "dos dinars amb zero fils", "dos-cents trenta-quatre"),
    ("uk", "один динар, двадцять три філси", "два динари, нуль філсів", "двісті тридцять чотири"),
    ("ar", "واحد دينار و ثلاث و عشرون فلس", "واحد دينار و تسع و تسعون فلس", "مئتان و أربع و ثلاثون"),
]
for lang, *stated, fils in CASES:
    seen = [words(amount, lang, "KWD") for amount in (1.234, 1.999)]
    print(f"KWD 1.234 and 1.999 ({lang}): {seen}")
    assert seen == stated and fils not in seen[0], "three decimals are no longer as stated"
assert CASES[-1][3] in words(1.234, "ar", "TND"), "the Tunisian dinar is no longer right"
print("as stated")
PY
