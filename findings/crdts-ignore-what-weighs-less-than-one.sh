#!/usr/bin/env bash
# crdts 0.2.0 (npm): of two half kilograms that are sold, the counter says that nothing was.
#
# Expected: a counter that takes 1.345 takes 0.345, or refuses both. A copy that is made from what a counter was saved as is another one.
#
# Seen: increment and decrement of GCounter and PNCounter leave out each amount below 1, without an error, and take fractions above 1: 1.345
# and 0.5 and 0.5 are 1.345. GCounter.from(counter.toJSON()) shares its counts with the counter that it comes from: what is counted on the
# copy is counted on both, and a merge of the two then brings nothing. Whole amounts, and copies through a text, are right.
#
# Source: https://github.com/orbitdb/crdts (G-Counter, PN-Counter)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts crdts@0.2.0
cat > count.mjs <<'JS'
import assert from "assert";
import { GCounter, PNCounter } from "./node_modules/crdts/src/index.js";

const sold = (...amounts) => {
  const counters = [new GCounter("till 1"), new PNCounter("till 1")];
  for (const amount of amounts) counters.forEach((counter) => counter.increment(amount));
  return counters.map(({ value }) => value);
};
for (const [amounts, stated] of [[[0.345], 0], [[0.5, 0.5], 0], [[1.345, 0.5, 0.5], 1.345], [[1.5, 2.25], 3.75], [[3, 5], 8]]) {
  console.log(`${amounts.join(" and ")}: ${sold(...amounts)}`);
  assert.deepStrictEqual(sold(...amounts), [stated, stated], "no longer as stated");
}
const stock = new PNCounter("till 1");
stock.increment(10);
stock.decrement(0.345);
stock.decrement(2);
console.log(`of 10 kg 0.345 and 2 are sold: ${stock.value}`);
assert.strictEqual(stock.value, 8, "no longer as stated");

const counter = new GCounter("till 1");
counter.increment(3);
const [copy, text] = [GCounter.from(counter.toJSON()), GCounter.from(JSON.parse(JSON.stringify(counter.toJSON())))];
copy.increment(2);
text.increment(1);
console.log(`two more on a copy, one on a copy through a text: ${[counter, copy, text].map(({ value }) => value)}`);
assert.deepStrictEqual([counter.value, copy.value, text.value], [5, 5, 4], "no longer as stated");
console.log("as stated");
JS
node count.mjs
