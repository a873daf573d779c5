#!/usr/bin/env bash
# tdigest 0.5.2.2 (PyPI), tdigest 0.1.3 (npm): nine of ten customers pay 129, and the median is 316, the tenth percentile -1180.
#
# Expected: a t-digest gives quantiles to within a percent or so of the rank, and exactly where the values repeat: of 900 times 129 and 100
# times 1999 all percentiles up to the 90th are 129, the rest 1999, and none lies outside of what was put in.
#
# Seen: equal values are one centroid, and both libraries draw a line between the middles of two centroids: the median is 316, the 75th
# percentile 1251. Under the middle of the first one the library for Python draws the line on below the smallest value, to -1180 at the
# tenth percentile; the one for JavaScript stays at 129. cdf(129) is 0.45 in place of 0.9. Of 1000 different amounts both are right. No
# error is raised.
#
# Source: T. Dunning and O. Ertl, Computing Extremely Accurate Quantiles Using t-Digests, 2019, https://arxiv.org/abs/1902.04023
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts tdigest@0.1.3
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check tdigest==0.5.2.2
venv/bin/python - <<'PY'
from tdigest import TDigest


def digest(values):
    made = TDigest()
    for value in values:
        made.update(value)
    return made


PERCENTILES = (10, 25, 50, 75, 89, 95)
prices = digest(1999 if at % 10 == 0 else 129 for at in range(1000))
seen = [round(prices.percentile(percentile)) for percentile in PERCENTILES]
print(f"Python, of 900 times 129 and 100 times 1999: {dict(zip(PERCENTILES, seen))}, cdf(129) {prices.cdf(129):.2f}")
assert seen == [-1180, -619, 316, 1251, 1775, 1999], "no longer as stated"
assert abs(prices.cdf(129) - 0.45) < 0.01, "cdf is no longer as stated"
spread = digest((at * 7919) % 1000 for at in range(1000))
assert all(abs(spread.percentile(each) - 10 * each) < 10 for each in PERCENTILES), "amounts that differ are no longer right"
PY
cat > percentiles.js <<'JS'
const assert = require("assert");
const { TDigest } = require("tdigest");

const PERCENTILES = [0.1, 0.25, 0.5, 0.75, 0.89, 0.95];
function percentiles(value) {
  const made = new TDigest();
  for (let at = 0; at < 1000; at++) made.push(value(at));
  made.compress();
  return PERCENTILES.map((percentile) => Math.round(made.percentile(percentile)));
}
const seen = percentiles((at) => (at % 10 === 0 ? 1999 : 129));
console.log("JavaScript, the same:", seen.join(", "));
assert.deepStrictEqual(seen, [129, 129, 316, 1251, 1775, 1999], "no longer as stated");
const spread = percentiles((at) => (at * 7919) % 1000);
assert(spread.every((value, at) => Math.abs(value - 1000 * PERCENTILES[at]) < 10), "amounts that differ are no longer right");
console.log("as stated");
JS
node percentiles.js
