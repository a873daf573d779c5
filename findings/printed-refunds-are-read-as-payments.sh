#!/usr/bin/env bash
# @dintero/money 1.1.12, currency.js 2.0.4, accounting 0.4.1 (npm): a refund that Node prints in Norwegian is read as a payment.
#
# Expected: what Intl.NumberFormat, or the library itself, writes in a locale is read with its sign by a library that is told the locale, or
# its signs for thousands and decimals.
#
# Seen: in Norwegian, Swedish, Finnish, Estonian, Lithuanian, Slovenian, Croatian and Basque the sign that is printed is the minus of
# Unicode (U+2212), not the hyphen of the keyboard. All three readers remove it with whatever else is no digit, so that −1 234,50 is 1234.50
# without an error, in @dintero/money the text of its own toLocaleString: the sum of a day is wrong by twice each refund. In Danish,
# German, English, French, Dutch and Polish the sign is a hyphen and is read right, and so is one that somebody typed. currency.js, which
# takes brackets for a minus, reads a hyphen behind the digits (5.00-) as no number, accounting reads it as 5.
#
# Source: https://github.com/Dintero/money (fromLocaleString); https://github.com/scurker/currency.js; https://github.com/openexchangerates/accounting.js
# (unformat); Unicode CLDR, number symbols of nb, sv, fi (minusSign)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @dintero/money@1.1.12 currency.js@2.0.4 accounting@0.4.1
cat > read.js <<'JS'
const assert = require("assert");
const { Money } = require("@dintero/money");
const currency = require("currency.js");
const { unformat } = require("accounting");

const signs = (locale) => Object.fromEntries(new Intl.NumberFormat(locale).formatToParts(11111.1).map(({ type, value }) => [type, value]));
const readers = {
  "@dintero/money": (text, locale) => Number(Money.fromLocaleString(text, "NOK", locale).toString()),
  "currency.js": (text, locale) => currency(text, { separator: signs(locale).group ?? "", decimal: signs(locale).decimal }).value,
  accounting: (text, locale) => unformat(text, signs(locale).decimal),
};
const there = (locale) => {
  const own = Money.of("-1234.50", "NOK").toLocaleString(locale);
  assert.strictEqual(own, new Intl.NumberFormat(locale, { minimumFractionDigits: 2 }).format(-1234.5), "it is not what Node prints");
  return [own, Object.values(readers).map((read) => read(own, locale))];
};
const turned = ["nb-NO", "no-NO", "sv-SE", "fi-FI", "et-EE", "lt-LT", "sl-SI", "hr-HR", "eu-ES"];
const right = ["da-DK", "de-DE", "en-GB", "fr-FR", "nl-NL", "pl-PL"];
for (const locale of [...turned, ...right]) {
  const [text, seen] = there(locale);
  console.log(`${locale}: ${text} is read as ${seen.join(", ")}`);
  assert.strictEqual(text.includes("\u2212"), turned.includes(locale), "the signs are no longer as stated");
  assert.deepStrictEqual(seen, Array(3).fill(turned.includes(locale) ? 1234.5 : -1234.5), "no longer as stated");
}
const typed = (text) => Object.values(readers).map((read) => read(text, "nb-NO"));
assert.deepStrictEqual(typed("-1 234,50"), [-1234.5, -1234.5, -1234.5], "hyphens are no longer read");
const behind = [currency("5.00-").value, unformat("5.00-"), currency("(5.00)").value, unformat("(5.00)")];
console.log("5.00- and (5.00) are", behind);
assert.deepStrictEqual(behind, [NaN, 5, -5, -5], "signs behind the digits are no longer as stated");
console.log("as stated");
JS
node read.js
