#!/usr/bin/env bash
# @actual-app/crdt 3.1.3 (npm): a device whose clock is set back by more than five minutes can record nothing until the time has come again.
#
# Expected: a hybrid logical clock goes on counting where the clock of the device goes back, which is what it is for; the bound on how far
# a clock may be ahead protects from the stamps of others.
#
# Seen: the bound of five minutes holds for the device's own stamps too. A device that ran seven minutes ahead, and is set right, raises an
# error (ClockDriftError) for every stamp that it makes, for the two minutes that are more than the bound; set right by an hour, it is
# without stamps for 55 minutes. Set back by four minutes it counts on, with 65536 stamps in all until the time has come again; the next
# one raises another error (OverflowError).
#
# Source: Kulkarni and others, Logical Physical Clocks (2014), chapter 3; https://www.npmjs.com/package/@actual-app/crdt (Timestamp.send)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @actual-app/crdt@3.1.3
cat > clock.js <<'JS'
const assert = require("assert");
const { Timestamp, makeClock, setClock } = require("@actual-app/crdt");

const MINUTE = 60_000;
const noon = Date.UTC(2026, 11, 1, 12);
let now = noon;
Date.now = () => now;
const stamp = () => {
  try {
    return String(Timestamp.send()).slice(11, 29);
  } catch (error) {
    return error.constructor.name;
  }
};
const at = (minutes) => {
  now = noon + minutes * MINUTE;
  const seen = stamp();
  console.log(`${new Date(now).toISOString().slice(11, 19)} on the device: ${seen}`);
  return seen;
};
const start = () => setClock(makeClock(new Timestamp(0, 0, "1111222233334444")));

start();
const ahead = [at(0), at(-1), at(-5), at(-7), at(-6), at(-5), at(1)];
const stated = ["12:00:00.000Z-0000", "12:00:00.000Z-0001", "12:00:00.000Z-0002", "ClockDriftError", "ClockDriftError"];
assert.deepStrictEqual(ahead, [...stated, "12:00:00.000Z-0003", "12:01:00.000Z-0000"], "no longer as stated");
start();
at(0);
let without = 0;
for (let minute = -60; minute < 0; minute++) without += at(minute) === "ClockDriftError";
assert.strictEqual(without, 55, "no longer as stated");
start();
at(0);
now = noon - 4 * MINUTE;
let stamps = 1;
while (stamp() !== "OverflowError") stamps++;
console.log(`set back by four minutes: ${stamps} stamps`);
assert.strictEqual(stamps, 65536, "no longer as stated");
assert.strictEqual(at(1), "12:01:00.000Z-0000", "it does not go on");
console.log("as stated");
JS
node clock.js
