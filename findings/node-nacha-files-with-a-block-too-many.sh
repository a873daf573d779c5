#!/usr/bin/env bash
# @midlandsbank/node-nacha 0.4.0 (npm): a file of six refunds has a block too many, and a text belongs to the next customer.
#
# Expected: a file of ACH payments is filled up with lines of nines to a multiple of ten lines, and its last record says how many blocks
# there are. An addendum names the last seven digits of the trace number of its own entry.
#
# Seen: a file that has ten or twenty lines already gets ten more, and says 1 and 2 for the 2 and 3 blocks that it has; that is each file
# with one batch and 6, 16 or 26 entries without addenda. The trace numbers of the entries begin with 0, those in the addenda with 1: the
# text of the first refund names the second one, and that of the last one names none. No error is raised, and the sums are right.
#
# Source: Nacha Operating Rules, Appendix Three (Block Count; Entry Detail Sequence Number);
# https://www.npmjs.com/package/@midlandsbank/node-nacha
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @midlandsbank/node-nacha@0.4.0
cat > refunds.js <<'JS'
const assert = require("assert");
const nacha = require("@midlandsbank/node-nacha");

const file = (refunds, addenda) => {
  const shop = { from: { name: "Shop", fein: "123456789" }, for: { name: "Bank", routing: "123456780" } };
  let made = nacha.create(shop).ppd({ effectiveDate: "261203", description: "Refund", date: "Dec 02" });
  for (let number = 1; number <= refunds; number++) {
    const one = { name: `Customer ${number}`, account: { num: `1000${number}`, type: "C" }, routing: "123456780", amount: 1999 };
    made = made.credit(addenda ? { ...one, addenda: `Order ${number}` } : one);
  }
  return nacha.from(made).to("ach").split("\n");
};

for (const [refunds, lines, blocks] of [[5, 10, 1], [6, 20, 1], [7, 20, 2], [16, 30, 2]]) {
  const made = file(refunds);
  const control = made.find((line) => line[0] === "9" && !/^9*$/.test(line));
  console.log(`${refunds} refunds: ${made.length} lines, ${Number(control.slice(7, 13))} block(s) are said`);
  assert.deepStrictEqual([made.length, Number(control.slice(7, 13))], [lines, blocks], "no longer as stated");
}
const made = file(2, true);
const traces = made.filter((line) => line[0] === "6").map((line) => line.slice(-7));
const named = made.filter((line) => line[0] === "7").map((line) => [line.slice(3, 10), line.slice(-7)]);
console.log(`the refunds are ${traces}, the texts name`, named);
assert.deepStrictEqual(traces, ["0000000", "0000001"], "the entries are no longer as stated");
assert.deepStrictEqual(named, [["Order 1", "0000001"], ["Order 2", "0000002"]], "the addenda are no longer as stated");
console.log("as stated");
JS
node refunds.js
