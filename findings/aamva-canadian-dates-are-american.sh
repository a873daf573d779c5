#!/usr/bin/env bash
# aamva-parser 1.7.0, parse-usdl 3.2.0, aamvajs 0.1.1 (npm), aamva-parser 0.1.2 (PyPI): on a Canadian licence every date is another one.
#
# Expected: a library that reads the PDF417 code of American and Canadian licences, to fill in the name and birth date of a customer,
# knows that the standard writes dates as MMDDCCYY in the United States and as CCYYMMDD in Canada, as the field DCG says. Surnames are
# text.
#
# Seen: aamva-parser reads the country as Canada, and the birth date 20010606 as 1 August 607, so that every Canadian licence is expired;
# its version for Python has no dates at all; parse-usdl gives 0606-20-01. A customer who is called DACOSTA has the first name OSTA in
# aamva-parser, in both languages, since the first DAC of the text is taken. aamvajs reads all of it right. No error is raised.
#
# Source: AAMVA DL/ID Card Design Standard, annex D (DBA, DBB, DBD: MMDDCCYY for U.S., CCYYMMDD for Canada); https://www.aamva.org/
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts aamva-parser@1.7.0 parse-usdl@3.2.0 aamvajs@0.1.1
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check aamva-parser==0.1.2
cat > read.js <<'JS'
const assert = require("assert");
const fs = require("fs");
const { parse } = require("aamva-parser");
const usdl = require("parse-usdl");
const aamvajs = require("aamvajs");

function licence(issuer, country, surname, birth, expiry) {
  const fields = [
    "DAQD1234562", `DCS${surname}`, "DDEN", "DACJOHN", "DDFN", "DADNONE", "DDGN", "DCAD", "DCBNONE", "DCDNONE", `DBD${birth}`,
    `DBB${birth}`, `DBA${expiry}`, "DBC1", "DAU068 in", "DAYBRO", "DAG789 MAIN ST", "DAIANYTOWN", "DAJVA", "DAK232690000",
    "DCF83D9BN217QO983B1", `DCG${country}`,
  ];
  const body = `DL${fields.join("\n")}\r`;
  return `@\n\x1e\rANSI ${issuer}080001DL0031${String(body.length).padStart(4, "0")}${body}`;
}

const two = (number) => String(number).padStart(2, "0");
const day = (date) => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
const cases = {
  "Virginia, Doe": [licence("636000", "USA", "DOE", "06062001", "06062050"), "JOHN", "2001-06-06", "2001-06-06", false],
  "Virginia, Dacosta": [licence("636000", "USA", "DACOSTA", "06062001", "06062050"), "OSTA", "2001-06-06", "2001-06-06", false],
  "Ontario, Doe": [licence("636012", "CAN", "DOE", "20010606", "20500606"), "JOHN", "607-08-01", "0606-20-01", true],
};
for (const [name, [code, first, birth, other, expired]] of Object.entries(cases)) {
  const read = parse(code);
  const seen = [read.firstName, day(read.dateOfBirth), read.expired, usdl.parse(code).dateOfBirth];
  console.log(`${name}: aamva-parser ${seen.slice(0, 3)}; parse-usdl ${seen[3]}`);
  assert.deepStrictEqual(seen, [first, birth, expired, other], "no longer as stated");
  const right = aamvajs.raw(code).data;
  assert.deepStrictEqual([right.firstName, right.dateOfBirth], ["JOHN", "2001-06-06"], "aamvajs is no longer as stated");
}
fs.writeFileSync("licences.json", JSON.stringify(Object.values(cases).map(([code]) => code)));
JS
node read.js
venv/bin/python - <<'PY'
import json

from aamva_parser import parse

stated = [("JOHN", "2001-06-06"), ("OSTA", "2001-06-06"), ("JOHN", None)]
for code, expected in zip(json.load(open("licences.json")), stated):
    read = parse(code)
    seen = (read.first_name, read.date_of_birth and str(read.date_of_birth.date()))
    print(f"aamva-parser for Python, {read.country}: {seen}")
    assert seen == expected, "no longer as stated"
print("as stated")
PY
