#!/usr/bin/env bash
# @mrmgomes/boleto-utils 1.3.3, broleto 0.0.12 (npm): a bill that is due in December 2026 was due in April 2002.
#
# Expected: the four digits of the due date on a Brazilian boleto have begun again: 9999 was 21 February 2025, 1000 is 22 February 2025, and
# 1648 is 2 December 2026, as banks read it and node-boleto 2.3.0 writes it.
#
# Seen: both readers count 1648 days from 7 October 1997, as before, and broleto says of each new bill that it has expired. Each boleto since
# February 2025 is read 9000 days, over 24 years, too early, and nothing raises an error: the check digits and the amount are right. What
# adds interest for late payment by these dates takes that of 24 years.
#
# Source: FEBRABAN, Manual Operacional do Fator de Vencimento da Cobrança Bancária (2012), III (after 9999 on 21 February 2025 comes 1000);
# https://www.npmjs.com/package/broleto; https://www.npmjs.com/package/@mrmgomes/boleto-utils; https://www.npmjs.com/package/node-boleto
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export TZ=UTC
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @mrmgomes/boleto-utils@1.3.3 broleto@0.0.12 node-boleto@2.3.0
cat > due.js <<'JS'
const assert = require("assert");
const { fatorVencimento } = require("node-boleto/lib/formatters");
const { Boleto } = require("broleto");
const { validarBoleto } = require("@mrmgomes/boleto-utils");

const sum = (digits, term) => [...digits].reverse().reduce((all, digit, place) => all + term(Number(digit), place), 0);
const ten = (digits) => (10 - (sum(digits, (digit, place) => [...String(digit * (2 - (place % 2)))].reduce((a, b) => a + Number(b), 0)) % 10)) % 10;
const eleven = (digits) => {
  const rest = 11 - (sum(digits, (digit, place) => digit * (2 + (place % 8))) % 11);
  return rest > 9 ? 1 : rest;
};
/** The line that is typed of a bill for 19.99. */
const line = (factor) => {
  const [head, free] = [`0019${factor}0000001999`, "0000001234567890123456117"];
  const parts = [`0019${free.slice(0, 5)}`, free.slice(5, 15), free.slice(15)];
  return parts.map((part) => part + ten(part)).join("") + eleven(head + free) + head.slice(4);
};
const day = (date) => new Date(date).toISOString().slice(0, 10);

for (const [due, factor, stated] of [
  ["2025-02-21", "9999", "2025-02-21"],
  ["2025-02-22", "1000", "2000-07-03"],
  ["2026-12-02", "1648", "2002-04-12"],
  ["2036-02-05", "5000", "2011-06-16"],
]) {
  assert.strictEqual(fatorVencimento(new Date(`${due}T12:00:00Z`)), factor, "the writer is no longer right");
  const [one, two] = [new Boleto(line(factor)), validarBoleto(line(factor))];
  assert.ok(one.valid() && two.sucesso && two.valor === 19.99, "the bill is not right");
  console.log(`due ${due}, written ${factor}: read as ${day(one.expirationDate())} and ${day(two.vencimento)}, expired ${one.expired()}`);
  assert.deepStrictEqual([day(one.expirationDate()), day(two.vencimento)], [stated, stated], "no longer as stated");
  assert.ok(one.expired(), "broleto's expired is no longer as stated");
}
console.log("as stated");
JS
node due.js
