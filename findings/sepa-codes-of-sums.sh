#!/usr/bin/env bash
# sepa-payment-code 1.0.3, sepa-qr 0.0.2, sepa-payment-qr-code 2.0.2 (npm): the amount of a payment code has seventeen digits.
#
# Expected: a code for a SEPA credit transfer holds the amount as EUR and at most two decimals, between 0.01 and 999999999.99: of
# three articles for 19.90 EUR59.70, or EUR59.7.
#
# Seen: sepa-payment-code and sepa-qr write the JavaScript number as it is: EUR59.699999999999996, which no bank's app has to take, and
# 1.005 as EUR1.005. Prices that are tried by hand (12.5, 100) come out right. sepa-payment-qr-code rounds to two decimals.
#
# Source: European Payments Council, EPC069-12 (AT-04, the amount in euro);
# https://www.europeanpaymentscouncil.eu/document-library/guidance-documents/quick-response-code-guidelines-enable-data-capture-initiation
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts sepa-payment-code@1.0.3 sepa-qr@0.0.2 sepa-payment-qr-code@2.0.2 jsqr@1.4.0 pngjs@7.0.0
cat > codes.js <<'JS'
const assert = require("assert");
const jsQR = require("jsqr");
const { PNG } = require("pngjs");
const { PaymentCode } = require("sepa-payment-code");
const drawn = require("sepa-qr");
const rounded = require("sepa-payment-qr-code");

const [name, iban] = ["Corner Shop", "BE71096123456769"];
const amountOf = (text) => text.split("\n")[7];
const read = async (stream) => {
  const parts = [];
  for await (const part of stream) parts.push(part);
  const { data, width, height } = PNG.sync.read(Buffer.concat(parts));
  return jsQR(new Uint8ClampedArray(data), width, height).data;
};
const cases = [
  [12.5, "EUR12.5", "EUR12.50"],
  [19.9 + 19.9 + 19.9, "EUR59.699999999999996", "EUR59.70"],
  [0.1 + 0.2, "EUR0.30000000000000004", "EUR0.30"],
];
(async () => {
  for (const [amount, plain, two] of cases) {
    const seen = {
      "sepa-payment-code": amountOf(new PaymentCode(name, iban, amount).getPayload()),
      "sepa-qr": amountOf(await read(drawn({ name, iban, amount, type: "png", size: 8 }))),
      "sepa-payment-qr-code": amountOf(rounded({ name, iban, amount })),
    };
    console.log(JSON.stringify(seen));
    assert.deepStrictEqual(Object.values(seen), [plain, plain, two], "no longer as stated");
  }
  assert.strictEqual(amountOf(new PaymentCode(name, iban, 1.005).getPayload()), "EUR1.005", "no longer as stated");
  console.log("as stated");
})();
JS
node codes.js
