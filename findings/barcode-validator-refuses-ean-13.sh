#!/usr/bin/env bash
# @ericblade/barcode-validator 2.4.1, gtin 1.0.2 (npm): four of five right EAN-13 are refused, and weighed goods become books.
#
# Expected: a number with its right check digit is valid, one with another digit is not; a number that begins with 29 is one of the
# shop's own (weighed goods), as are all from 20 to 29, and comes back as it was given.
#
# Seen: for EAN-8, EAN-13 and GTIN-14 the weights 3 and 1 begin at the wrong end: of a thousand right EAN-13 it refuses 800, and for
# each of those it takes one wrong check digit for right. All right UPC-A and ISBN (978, 979) are valid, so a trial in America or with
# books shows nothing, but as many wrong UPC-A are, too. A number that begins with 290 or 291 is taken for an ISBN: modifiedCode holds a
# book's number, 978 or 979 in front, and valid is true. gtin is right on all of them.
#
# Source: GS1 General Specifications (check digits, restricted circulation numbers);
# https://www.gs1.org/services/how-calculate-check-digit-manually
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @ericblade/barcode-validator@2.4.1 gtin@1.0.2
cat > check.js <<'JS'
const assert = require("assert");
const validate = require("@ericblade/barcode-validator");
const { isValid } = require("gtin");

const digits = (front) => [...Array(10).keys()].map((last) => `${front}${last}`);
const all = (front) => [...Array(1000).keys()].map((at) => digits(front + String(at).padStart(3, "0")));
// what stands before the three digits that vary; right ones that are valid, and rows in which a wrong digit is valid
const cases = [
  ["EAN-13", "400638133"],
  ["EAN-8", "9638"],
  ["GTIN-14", "1400638133"],
  ["UPC-A", "03600029"],
  ["ISBN", "978030640"],
];
const stated = [[200, 800], [200, 800], [200, 800], [1000, 800], [1000, 0]];
const seen = cases.map(([name, front]) => {
  let [right, wrong] = [0, 0];
  for (const row of all(front)) {
    const good = row.filter((code) => isValid(code));
    assert.strictEqual(good.length, 1, "gtin is no longer right");
    right += validate(good[0]).valid;
    wrong += row.some((code) => code !== good[0] && validate(code).valid);
  }
  console.log(`${name}: of 1000 right ones ${right} are valid; in ${wrong} rows a wrong digit is`);
  return [right, wrong];
});
assert.deepStrictEqual(seen, stated, "no longer as stated");

const weighed = digits("290123401234").find((code) => isValid(code));
const { type, valid, modifiedCode } = validate(weighed);
console.log(`${weighed}: ${type}, valid ${valid}, ${modifiedCode}`);
assert.ok(type === "isbn13" && valid && modifiedCode.startsWith("978123401234"), "weighed goods are no longer as stated");
console.log("as stated");
JS
node check.js
