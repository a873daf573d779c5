#!/usr/bin/env bash
# epc-tds 1.4.1 (npm), epcpy 0.1.8 (PyPI): the tag of the coupon 04711 is that of the coupon 4711.
#
# Expected: a tag that is read, and written again from its URI, is the same tag. The EPC Tag Data Standard says that the serial number of a
# coupon (SGCN) keeps its zeros, for which a 1 is put in front of it in the tag, and that a slash in a serial number is %2F in the URI and
# one character in the tag.
#
# Seen: reading is right in both libraries. epc-tds writes the zeros of a coupon's number away, so that 04711 and 4711 have one tag. It
# reads the serial number 32a/b without the escape, as a URI of another shape, and writes 32a%2Fb as seven characters: another serial
# number of the same product, which fits into fewer tags. epcpy writes the tags of the standard.
#
# Source: GS1, EPC Tag Data Standard (SGCN-96, numeric string; SGTIN-198; the examples of its appendix are used here);
# https://ref.gs1.org/standards/tds/
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts epc-tds@1.4.1
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check epcpy==0.1.8
cat > tags.js <<'JS'
const assert = require("assert");
const { fromTagURI, valueOf } = require("epc-tds");

const cases = [
  // the tag, its serial number as read, the URI of the standard, the tag as written from it
  ["3F74F4E4E612640000019907", "04711", "urn:epc:tag:sgcn-96:3.4012345.67890.04711", "3F74F4E4E612640000003977"],
  ["3F74F4E4E612640000003977", "4711", "urn:epc:tag:sgcn-96:3.4012345.67890.4711", "3F74F4E4E612640000003977"],
  ["3674257BF6B7A659B2C2BF1000000000000000000000000000", "32a/b", "urn:epc:tag:sgtin-198:3.0614141.712345.32a%2Fb",
    "3674257BF6B7A659B2C295946C400000000000000000000000"],
  ["3074257BF7194E4000001A85", 6789, "urn:epc:tag:sgtin-96:3.0614141.812345.6789", "3074257BF7194E4000001A85"],
];
for (const [tag, serial, uri, written] of cases) {
  const seen = [valueOf(tag).getSerial(), fromTagURI(uri).toHexString()];
  console.log(`${uri}: ${tag} has the serial number ${seen[0]}, written it is ${seen[1]}`);
  assert.deepStrictEqual(seen, [serial, written], "no longer as stated");
}
assert.strictEqual(valueOf(cases[2][0]).toTagURI(), "urn:epc:tag:sgtin-198:3.0614141.712345.32a/b", "slashes are no longer as stated");
JS
node tags.js
venv/bin/python - <<'PY'
from epcpy.epc_schemes.sgcn import SGCN, SGCNFilterValue
from epcpy.epc_schemes.sgtin import SGTIN, SGTINFilterValue

coupon = SGCN.from_tag_uri("urn:epc:tag:sgcn-96:3.4012345.67890.04711")
product = SGTIN.from_tag_uri("urn:epc:tag:sgtin-198:3.0614141.712345.32a%2Fb")
schemes = SGCN.BinaryCodingScheme.SGCN_96, SGTIN.BinaryCodingScheme.SGTIN_198
seen = [
    coupon.hex(filter_value=SGCNFilterValue("3"), binary_coding_scheme=schemes[0]),
    product.hex(filter_value=SGTINFilterValue("3"), binary_coding_scheme=schemes[1]),
]
print("epcpy", *seen)
assert seen[0].upper() == "3F74F4E4E612640000019907", "epcpy is no longer right"
assert seen[1].upper().startswith("3674257BF6B7A659B2C2BF10"), "epcpy is no longer right"
print("as stated")
PY
