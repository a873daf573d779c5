#!/usr/bin/env bash
# pycrdt 0.14.13 (PyPI): cents, pieces and article numbers that are put into a document come back as floats.
#
# Expected: a map that was given the integer 1999 has the integer 1999, on the till that wrote it and on the one that got it; a document
# of the same kind in JavaScript (yjs) shows the same numbers.
#
# Seen: an integer is read back as a float, before anything is sent: 1999 as 1999.0, and a text that is made of an article number is
# "4006381333931.0". Only integers above 2**53 stay integers, so that one field holds both kinds. range and list take no such number,
# and JSON of the document has 1999.0. In yjs 13.6.33 the small ones are numbers, the large ones BigInts, which JSON refuses. No value is
# changed, and no error is raised until the number is used.
#
# Source: https://github.com/y-crdt/y-crdt/issues/212 and /pull/664 (numbers of JavaScript in the encoding, integers up to 2**53 as floats)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts yjs@13.6.33
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pycrdt==0.14.13
venv/bin/python - <<'PY'
import json

from pycrdt import Array, Doc, Map

here, there = Doc(), Doc()
till, peer = here.get("till", type=Map), there.get("till", type=Map)
values = {"cents": 1999, "refund": -5, "pieces": 3, "gtin": 4006381333931, "last": 2**53 - 1, "large": 2**53 + 1}
for key, value in values.items():
    till[key] = value
there.apply_update(here.get_update())
for key, value in values.items():
    print(f"{key}: {value} is {till[key]!r}, at the peer {peer[key]!r}")
    for seen in (till[key], peer[key]):
        assert seen == value, "a value is changed"
        assert isinstance(seen, int) == (value > 2**53), "no longer as stated"
assert f"{till['gtin']}" == "4006381333931.0", "no longer as stated"
assert json.dumps(till.to_py()["cents"]) == "1999.0", "no longer as stated"
try:
    range(till["pieces"])
    raise SystemExit("a number of pieces is an integer again")
except TypeError as error:
    print("range:", error)
lines = here.get("lines", type=Array)
lines.extend([1, 2])
assert [type(line) for line in lines] == [float, float], "arrays are no longer as stated"
till["sum"] = 0
for cents in (1999, 501):
    till["sum"] += cents
assert repr(till["sum"]) == "2500.0", "no longer as stated"
with open("update", "wb") as file:
    file.write(here.get_update())
PY
cat > read.js <<'JS'
const assert = require("assert");
const fs = require("fs");
const { Doc, applyUpdate } = require("yjs");

const doc = new Doc();
applyUpdate(doc, fs.readFileSync("update"));
const till = doc.getMap("till").toJSON();
console.log("yjs:", till);
assert.deepStrictEqual([till.cents, till.gtin], [1999, 4006381333931], "yjs is no longer as stated");
assert.strictEqual(till.large, 2n ** 53n + 1n, "yjs is no longer as stated");
assert.throws(() => JSON.stringify(till), TypeError, "JSON takes it");
console.log("as stated");
JS
node read.js
