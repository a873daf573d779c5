#!/usr/bin/env bash
# @datadog/sketches-js 2.1.1 (npm), ddsketch 3.0.1 (PyPI): the refunds of a till are lost as soon as its sketch is merged into another.
#
# Expected: a DDSketch holds negative values too; two sketches that are merged answer as one that was given all values, and a sketch that
# was sent answers as it did before.
#
# Seen: merge adds the counts and the sums and leaves the negative values of the other sketch out: payments of 1 to 100 merged with refunds
# of 1 to 100 have a median of 100.5 and a lower quarter of 50, where one sketch of all of them, and the library for Python, say 0.5 to 1
# and -50. The other way round, the payments into the refunds, it is right. After toProto and fromProto the largest value is -Infinity and
# the smallest Infinity, and the sum is 0, while the quantiles are right. No error is raised.
#
# Source: https://github.com/DataDog/sketches-js (merge); https://www.vldb.org/pvldb/vol12/p2195-masson.pdf (negative values, merging)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @datadog/sketches-js@2.1.1 protobufjs@7.5.4
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check ddsketch==3.0.1
cat > merge.js <<'JS'
const assert = require("assert");
const { DDSketch } = require("@datadog/sketches-js");

const QUANTILES = [0, 0.25, 0.5, 0.75, 1];
const AMOUNTS = Array.from({ length: 100 }, (_, at) => at + 1);
function sketch(values) {
  const made = new DDSketch({ relativeAccuracy: 0.01 });
  values.forEach((value) => made.accept(value));
  return made;
}
function show(name, made, stated) {
  const seen = QUANTILES.map((quantile) => made.getValueAtQuantile(quantile));
  console.log(`${name}: ${made.count} values, sum ${made.sum}, quantiles ${seen.map((value) => value.toFixed(1))}`);
  assert(seen.every((value, at) => Math.abs(value - stated[at]) <= 0.03 * Math.abs(stated[at])), "no longer as stated");
}
const payments = () => sketch(AMOUNTS);
const refunds = () => sketch(AMOUNTS.map((amount) => -amount));
const all = sketch([...AMOUNTS, ...AMOUNTS.map((amount) => -amount)]);
show("one sketch", all, [-100, -50, -1, 50, 100]);
const into = refunds();
into.merge(payments());
show("payments into refunds", into, [-100, -50, -1, 50, 100]);
const lost = payments();
lost.merge(refunds());
show("refunds into payments", lost, [1, 50, 100, 100, 100]);
assert.deepStrictEqual([lost.count, lost.sum, lost.min], [200, 0, -100], "the count is no longer as stated");
const sent = DDSketch.fromProto(payments().toProto());
show("payments, sent", sent, [1, 25, 50, 75, 100]);
assert.deepStrictEqual([sent.count, sent.sum, sent.min, sent.max], [100, 0, Infinity, -Infinity], "what is sent is no longer as stated");
JS
node merge.js
venv/bin/python - <<'PY'
from ddsketch import DDSketch

payments, refunds = DDSketch(0.01), DDSketch(0.01)
for amount in range(1, 101):
    payments.add(amount)
    refunds.add(-amount)
payments.merge(refunds)
seen = [payments.get_quantile_value(quantile) for quantile in (0, 0.25, 0.5, 0.75, 1)]
print("Python, refunds into payments:", [round(value, 1) for value in seen])
assert all(abs(value - stated) <= 0.03 * abs(stated) for value, stated in zip(seen, [-100, -50, -1, 50, 100])), "no longer as stated"
print("as stated")
PY
