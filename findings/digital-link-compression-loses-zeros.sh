#!/usr/bin/env bash
# digital-link.js 1.4.3 (npm), gs1-compression 0.1.3 (PyPI): a serial number that went through compression is another one.
#
# Expected: compression of a GS1 Digital Link only shortens it: decompressed, it is the same link.
#
# Seen: the serial number or lot 0012 comes back as 12, and a quantity 010 as 10; both libraries read the compressed link so, though it
# does hold the count of digits (0012 and 12 compress to different links). Serial numbers of digits alone that are above 2^53 are rounded
# while they are compressed: 12345678901234567890 comes back as 12345678901234567000 from the one, as 12345678901234567168 from the other.
# With a letter among the digits all is kept.
#
# Source: GS1 Digital Link Standard: Compression; https://www.gs1.org/standards/gs1-digital-link
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts digital-link.js@1.4.3
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check gs1-compression==0.1.3
cat > there.js <<'JS'
const assert = require("assert");
const { Utils } = require("digital-link.js");

const start = "https://id.gs1.org/01/09520123456788";
const cases = [
  ["/21/12", "/21/12"],
  ["/21/0012", "/21/12"],
  ["/10/0012", "/10/12"],
  ["?37=010", "?37=10"],
  ["/21/00A1", "/21/00A1"],
  ["/21/12345678901234567890", "/21/12345678901234567000"],
];
const short = cases.map(([given]) => Utils.compressWebUri(start + given));
cases.forEach(([given, stated], at) => {
  const back = Utils.decompressWebUri(short[at]);
  console.error(`${given}: ${short[at]}, back as ${back.slice(start.length)}`);
  assert.strictEqual(back, start + stated, "no longer as stated");
});
assert.notStrictEqual(short[0], short[1], "12 and 0012 compress to one link now");
console.log(JSON.stringify([short[1], short[2], short[5]]));
JS
node there.js > short.json
venv/bin/python - <<'PY'
import json

from gs1 import decompress_gs1_digital_link

stated = ["/21/12", "/10/12", "/21/12345678901234567168"]
for link, end in zip(json.load(open("short.json")), stated):
    back = decompress_gs1_digital_link(link, use_short_text=False)
    print("gs1-compression reads", back)
    assert back.endswith(end), "no longer as stated"
print("as stated")
PY
