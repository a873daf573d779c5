#!/usr/bin/env bash
# node-iso11649 2.1.2, iso-11649 1.0.1 (npm): the payment reference of the invoice 117 is that of the current time.
#
# Expected: generate of 117 makes RF46117, as of "117", or refuses a number. What no reference may hold, 22 characters, a hyphen, an
# umlaut, is refused, as the package's own introduction lists it.
#
# Seen: a number is no reference for it, and it makes one of the clock, with a right checksum: two calls for one invoice give two
# references, and no payment finds its invoice. Within an object ({ reference: 117 }) it is right; an object without a reference is the
# clock, too. 22 characters, 2026-117 and Ä1 get a checksum, and the package's own validate refuses them. iso-11649 refuses numbers, but
# leaves out what it does not know: 2026-117, 2026/117 and Ä2026117 have one and the same reference.
#
# Source: ISO 11649; https://www.npmjs.com/package/node-iso11649 (characteristics of a reference); https://www.npmjs.com/package/iso-11649
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts node-iso11649@2.1.2 iso-11649@1.0.1
cat > references.js <<'JS'
const assert = require("assert");
const { generate, parse, validate } = require("node-iso11649");
const other = require("iso-11649");

assert.strictEqual(generate("117"), "RF46117");
assert.strictEqual(generate({ reference: 117 }), "RF46117");
for (const given of [117, { pretty: false }]) {
  const real = Date.now;
  const made = [1796126400000, 1796126401000].map((time) => {
    Date.now = () => time;
    return generate(given);
  });
  Date.now = real;
  console.log(`${JSON.stringify(given)} at two times: ${made.join(", ")}`);
  assert.deepStrictEqual(made.map((text) => parse(text).slice(0, 13)), ["1796126400000", "1796126401000"], "no longer as stated");
  assert.ok(made.every(validate), "they are no longer valid");
}
for (const text of ["1234567890123456789012", "2026-117", "Ä1"]) {
  console.log(`"${text}": ${generate(text)}, valid ${validate(generate(text))}`);
  assert.ok(generate(text).startsWith("RF") && !validate(generate(text)), "no longer as stated");
}
const same = ["2026117", "2026-117", "2026/117", "Ä2026117"].map((text) => other.generate(text));
console.log("iso-11649:", same.join(", "));
assert.strictEqual(new Set(same).size, 1, "iso-11649 is no longer as stated");
assert.throws(() => other.generate(117), /type 'string'/, "iso-11649 takes numbers now");
console.log("as stated");
JS
node references.js
