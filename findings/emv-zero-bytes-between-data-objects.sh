#!/usr/bin/env bash
# node-emv 1.0.23, tlv 1.1.1, ber-tlv 0.9.2 (npm), pyemv 1.5.0 (PyPI): what becomes of zero bytes between the data objects of a payment.
#
# Expected: an answer of a card may hold bytes of 00 before, between and after its data objects, where one was erased or changed; they
# mean nothing, and a reader skips them. So the amount, the currency and the date are found with and without them.
#
# Seen: ber-tlv finds the same three. node-emv takes the zeros for a tag, loses its step, and gives an amount and a tag "5" that has the
# currency and the date in its value: no error, and a payment without a currency. tlv and pyemv raise an error for the whole answer.
#
# Source: EMV Integrated Circuit Card Specifications for Payment Systems, Book 3, Annex B; https://www.emvco.com/specifications/
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts node-emv@1.0.23 tlv@1.1.1 ber-tlv@0.9.2
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pyemv==1.5.0

cat > read.js <<'JS'
const assert = require("assert");
const [amount, currency, date] = ["9F0206000000001000", "5F2A020978", "9A03261130"];
const plain = amount + currency + date;
const padded = amount + "0000" + currency + "00" + date + "00";

const readers = {
  "node-emv": (hex) => {
    let seen;
    require("node-emv").parse(hex, (objects) => (seen = objects));
    return seen.map(({ tag, value }) => `${tag}=${value}`);
  },
  "ber-tlv": (hex) => require("ber-tlv").TlvFactory.parse(hex).map(({ tag, value }) => `${tag}=${value.toString("hex")}`),
  tlv: (hex) =>
    require("tlv")
      .parseAll(Buffer.from(hex, "hex"))
      .map(({ tag, value }) => `${tag.toString(16).toUpperCase()}=${value.toString("hex")}`),
};
const three = ["9F02=000000001000", "5F2A=0978", "9A=261130"];
for (const [name, read] of Object.entries(readers)) {
  assert.deepStrictEqual(read(plain), three, `${name} without zeros`);
  let seen;
  try {
    seen = read(padded);
  } catch (error) {
    seen = `error: ${error.message}`;
  }
  console.log(name, require(`${name}/package.json`).version, JSON.stringify(seen));
  if (name === "ber-tlv") assert.deepStrictEqual(seen, three);
  if (name === "tlv") assert.match(seen, /^error/);
  if (name === "node-emv") {
    assert.ok(seen.includes(three[0]) && !seen.some((object) => /^(5F2A|9A)=/.test(object)), "no longer as stated");
    assert.ok(seen.some((object) => object.startsWith("5=")), "no longer as stated");
  }
}
JS
node read.js
venv/bin/python - <<'PY'
from pyemv import tlv

plain = bytes.fromhex("9F02060000000010005F2A0209789A03261130")
padded = bytes.fromhex("9F020600000000100000005F2A020978009A0326113000")
assert list(tlv.decode(plain)) == ["9F02", "5F2A", "9A"]
try:
    print("pyemv", tlv.decode(padded))
except tlv.DecodeError as error:
    print("pyemv 1.5.0 error:", error)
else:
    raise SystemExit("pyemv no longer raises")
PY
echo "as stated"
