#!/usr/bin/env bash
# price-parser 0.5.1 (PyPI), parse-price 1.1.8 (npm): 345 grams are 345, a dinar and a quarter is 1250, and Rs. 499.00 is 0.499.
#
# Expected: a library that takes a price from a text reads 0,345 as less than one, as nothing has thousands of zero; reads 1.250 KWD with
# the three decimals of the currency that it names in the same answer; and reads the Swiss apostrophe in both of its forms.
#
# Seen: price-parser reads 0,345 as 345 and 0,5 as 0.5; KWD 1.250 is 1250, and KWD 0.250 is 250, both with the currency KWD, while KWD 1.25
# is 1.25; CHF 1'250.50 is right, and with the typographic apostrophe it is 1; -12,50 is 12.50. parse-price reads Rs 499.00 as 499,
# Rs. 499.00 as 0.499 and Rs. 1,499.00 as 0.1499, since the point of the abbreviation is taken for the decimal one, and a refund as a
# payment. No error is raised.
#
# Source: ISO 4217 (KWD, minor unit 3); https://github.com/scrapinghub/price-parser; https://www.npmjs.com/package/parse-price
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts parse-price@1.1.8
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check price-parser==0.5.1
venv/bin/python - <<'PY'
from price_parser import Price

CASES = [
    ("19,99 €", "19.99", "€"), ("1.299,00 €", "1299.00", "€"), ("0,5", "0.5", None), ("0,345", "345", None),
    ("KWD 1.25", "1.25", "KWD"), ("KWD 1.250", "1250", "KWD"), ("KWD 0.250", "250", "KWD"),
    ("CHF 1'250.50", "1250.50", "CHF"), ("CHF 1\u2019250.50", "1", "CHF"), ("-12,50 €", "12.50", "€"),
]
for text, amount, currency in CASES:
    seen = Price.fromstring(text)
    print(f"price-parser: {text} is {seen.amount} {seen.currency}")
    assert (str(seen.amount), seen.currency) == (amount, currency), "no longer as stated"
PY
cat > prices.js <<'JS'
const assert = require("assert");
const parse = require("parse-price");

const read = parse.default || parse;
const CASES = [["19,99 €", 19.99], ["Rs 499.00", 499], ["Rs. 499.00", 0.499], ["Rs. 1,499.00", 0.1499], ["-12,50 €", 12.5]];
for (const [text, stated] of CASES) {
  const seen = read(text);
  console.log(`parse-price: ${text} is ${seen}`);
  assert.strictEqual(seen, stated, "no longer as stated");
}
console.log("as stated");
JS
node prices.js
