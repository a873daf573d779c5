#!/usr/bin/env bash
# bloom-filters 3.0.4 (npm): of 100 customers its HyperLogLog counts 45, and of five one.
#
# Expected: HyperLogLog counts distinct values with a relative error of 1.04 / sqrt(256) = 6.5 percent for 256 registers, and small numbers
# better still, since the empty registers are counted for them; accuracy() of the library says 6.5 percent.
#
# Seen: 5 customers are 1.0, 10 are 3.0, 50 are 17.6, 100 are 44.7, and 1000 are 1009. The count is too small by half and more, in all
# that a till or a small shop sees in a day. accuracy() is 0.065. No error is raised.
#
# Source: P. Flajolet and others, HyperLogLog, 2007 (small range correction); https://github.com/Callidon/bloom-filters
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts bloom-filters@3.0.4
cat > count.js <<'JS'
const assert = require("assert");
const { HyperLogLog } = require("bloom-filters");

for (const [number, low, high] of [[5, 0.9, 1.1], [10, 2.9, 3.1], [50, 17, 18], [100, 44, 45.5], [1000, 950, 1050]]) {
  const sketch = new HyperLogLog(256);
  for (let at = 0; at < number; at++) sketch.update(`c${at}`);
  const seen = sketch.count();
  console.log(`${number} customers are ${seen.toFixed(2)}, accuracy ${sketch.accuracy()}`);
  assert(seen > low && seen < high, "no longer as stated");
  assert.strictEqual(sketch.accuracy(), 0.065, "the accuracy is no longer as stated");
}
console.log("as stated");
JS
node count.js
