#!/usr/bin/env bash
# simple-isbn 1.1.6, is-isbn 1.1.0, isbn3 2.0.11 (npm): every right EAN-13 is an ISBN, and a pen has the tax of a book.
#
# Expected: an ISBN of thirteen digits begins with 978 or 979, and 979-0 is printed music (ISMN); a validator says no to the EAN-13 of
# other goods, so that a till can give books their reduced rate of tax by it.
#
# Seen: simple-isbn's isValidIsbn and isValidIsbn13, and is-isbn's validate look at the length and the check digit alone: a pen
# (4006381333931), a newspaper (ISSN, 977) and music are ISBNs. is-isbn refuses every number that is written with hyphens. isbn3 says no
# to all three, and yes to the book with and without hyphens.
#
# Source: ISO 2108:2017 (the prefix element of an ISBN); https://www.isbn-international.org; https://github.com/inventaire/isbn3
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts simple-isbn@1.1.6 is-isbn@1.1.0 isbn3@2.0.11
cat > books.js <<'JS'
const assert = require("assert");
const { isbn } = require("simple-isbn");
const isIsbn = require("is-isbn");
const { parse } = require("isbn3");

const stated = [
  ["book", "9780136091813", [true, true, true, true]],
  ["book", "978-0-13-609181-3", [true, false, false, true]],
  ["pen", "4006381333931", [true, true, true, false]],
  ["chocolate", "7622210449283", [true, true, true, false]],
  ["newspaper", "9771144875007", [true, true, true, false]],
  ["music", "9790260000438", [true, true, true, false]],
  ["pen, wrong check digit", "4006381333932", [false, false, false, false]],
];
for (const [article, code, seen] of stated) {
  const answers = [isbn.isValidIsbn(code), isbn.isValidIsbn13(code), isIsbn.validate(code), parse(code) !== null];
  console.log(`${code} (${article}): simple-isbn ${answers[0]} and ${answers[1]}, is-isbn ${answers[2]}, isbn3 ${answers[3]}`);
  assert.deepStrictEqual(answers, seen, "no longer as stated");
}
console.log("as stated");
JS
node books.js
