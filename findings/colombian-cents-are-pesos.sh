#!/usr/bin/env bash
# colombia-money-parser 0.1.0 (PyPI): the words of 19.99 pesos are 118 pesos.
#
# Expected: the package turns amounts into words and words into numbers, both ways as its documentation says: the words that it writes
# for 19.99 are read as 19 or 19.99, or raise an error; cash is rounded to the nearest 50 pesos, and halves up, the rounding it names.
#
# Seen: the cents are read as pesos and added: nineteen pesos with ninety-nine cents are 118, and 1500.50 are 1550. From a thousand millions
# on, a thousand and a million are added: 1000000000 is 1001000, and so is nearly every larger amount. 19.999 is nineteen pesos with a
# hundred cents. round_cash rounds halves to the even number of fifties: 25 is 0, 75 and 125 are 100. Whole amounts below are right.
#
# Source: https://github.com/nlugopino/colombia-money-parser ("Bidireccional", "Half Up"); Banco de la República (coins of 50 pesos)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check colombia-money-parser==0.1.0
"$folder/venv/bin/python" - <<'PY'
from colombia_money_parser import letters_to_number, number_to_letters, round_cash

for amount, words, number in [
    (19.99, "DIECINUEVE PESOS CON NOVENTA Y NUEVE CENTAVOS", 118),
    (1500.5, "MIL QUINIENTOS PESOS CON CINCUENTA CENTAVOS", 1550),
    (19.999, "DIECINUEVE PESOS CON CIEN CENTAVOS", 119),
    (10**9, "MIL MILLONES DE PESOS", 1001000),
    (1500000, "UN MILLÓN QUINIENTOS MIL PESOS", 1500000),
]:
    seen = number_to_letters(amount)
    print(f"{amount}: {seen}, read as {letters_to_number(seen)}")
    assert (seen, letters_to_number(seen)) == (words, number), "no longer as stated"
for amount in (*range(1, 100000, 7), *range(10**6, 10**9, 999979)):
    assert letters_to_number(number_to_letters(amount)) == amount, "whole amounts are no longer right"
large = range(10**9, 10**12, 999999937)
wrong = sum(letters_to_number(number_to_letters(amount)) != amount for amount in large)
print(f"from a thousand millions: {wrong} of {len(large)} are wrong")
assert wrong == len(large), "large amounts are no longer as stated"
cash = {amount: round_cash(amount) for amount in (24, 25, 26, 75, 125, 175)}
print("cash:", cash)
assert cash == {24: 0, 25: 0, 26: 50, 75: 100, 125: 100, 175: 200}, "cash is no longer as stated"
print("as stated")
PY
