#!/usr/bin/env bash
# js-money 0.6.3, ts-money 0.4.8, dinero.js 2.0.2 (npm), larzmoney 0.1.0, evenmoney 1.0.1 (PyPI): who ordered nothing pays a cent.
#
# Expected: a bill is split by shares without losing a cent, and a share of zero is zero: of 10.00 by 0, 1, 1 and 1 the first guest pays
# nothing, and of a refund of 0.05 by 0, 50 and 50 the first one gets nothing and pays nothing.
#
# Seen: js-money, ts-money and larzmoney give the cents that are left to the first shares, whatever these are: 0.01, 3.33, 3.33, 3.33. Of
# the refund js-money and ts-money make 1, -3 and -3 cents, so one guest pays for what the others get. evenmoney splits into parts of 28
# digits, three times 3.33 on paper, and the cent is missing. dinero.js is right in all of them. Shares above zero sum up in all but
# evenmoney.
#
# Source: https://github.com/dinerojs/dinero.js (allocate); https://github.com/davidkalosi/js-money; https://github.com/larz-scripter/larzmoney
# (allocate, "no cent created or lost"); the documentation of evenmoney (split)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts js-money@0.6.3 ts-money@0.4.8 dinero.js@2.0.2
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check larzmoney==0.1.0 evenmoney==1.0.1
cat > split.js <<'JS'
const assert = require("assert");
const jsMoney = require("js-money");
const { allocate, dinero, toSnapshot } = require("dinero.js");
const tsMoney = require("ts-money").Money;

const EUR = { code: "EUR", base: 10, exponent: 2 };
const libraries = {
  "js-money": (cents, shares) => new (jsMoney.Money || jsMoney)(cents, "EUR").allocate(shares).map(({ amount }) => amount),
  "ts-money": (cents, shares) => new tsMoney(cents, "EUR").allocate(shares).map(({ amount }) => amount),
  "dinero.js": (cents, shares) => allocate(dinero({ amount: cents, currency: EUR }), shares).map((part) => toSnapshot(part).amount),
};
for (const [cents, shares, wrong, right] of [
  [1000, [1, 1, 1], [334, 333, 333], [334, 333, 333]],
  [1000, [0, 1, 1, 1], [1, 333, 333, 333], [0, 334, 333, 333]],
  [5, [0, 50, 50], [1, 2, 2], [0, 3, 2]],
  [-5, [0, 50, 50], [1, -3, -3], [0, -3, -2]],
]) {
  for (const [name, split] of Object.entries(libraries)) {
    const parts = split(cents, shares);
    console.log(`${name}: ${cents} by ${shares} is ${parts}`);
    assert.deepStrictEqual(parts, name === "dinero.js" ? right : wrong, "no longer as stated");
  }
}
JS
node split.js
venv/bin/python - <<'PY'
from evenmoney import Money as Even
from larzmoney import Money

parts = [str(part.amount) for part in Money.of("10.00", "EUR").allocate([0, 1, 1, 1])]
print("larzmoney:", ", ".join(parts))
assert parts == ["0.01", "3.33", "3.33", "3.33"], "larzmoney is no longer as stated"
parts = Even("10.00", "USD").split(1, 1, 1)
print("evenmoney:", ", ".join(map(str, parts)), "or", ", ".join(str(part.amount) for part in parts))
assert [str(part) for part in parts] == ["$3.33", "$3.33", "$3.33"], "evenmoney is no longer as stated"
assert sum(part.round(2).amount for part in parts) == Even("9.99", "USD").amount, "evenmoney is no longer as stated"
print("as stated")
PY
