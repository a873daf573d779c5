#!/usr/bin/env bash
# ofx-data-extractor 1.5.0, ofx-js 1.1.1, node-ofx-parser 0.5.1 (npm): the sums of a file with two accounts are zero.
#
# Expected: a bank's file holds one statement an account, one STMTTRNRS behind the other, and the transactions of all are listed and summed
# up; the sign of an amount says whether money comes or goes, whatever the type is; &amp; in a name is an ampersand.
#
# Seen: ofx-data-extractor reads one statement. With two, the summary says 0 credits and 0 debits without an error, also in the strict mode;
# the list and the JSON raise a SyntaxError, and in the lenient mode the list is empty. A correction of +5.00 of the type DEBIT is counted
# among the debits. "M&amp;M" stays so, and node-ofx-parser makes "M&amp;amp;amp;M" of it. ofx-js reads both accounts, and M&M.
#
# Source: Open Financial Exchange, Specification 2.3 (statement response; positive and negative signs; special characters);
# https://github.com/Fabiopf02/ofx-data-extractor
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts ofx-data-extractor@1.5.0 ofx-js@1.1.1 node-ofx-parser@0.5.1
cat > accounts.js <<'JS'
const assert = require("assert");
const { Ofx } = require("ofx-data-extractor");
const right = require("ofx-js");
const escaped = require("node-ofx-parser");

const head = ["OFXHEADER:100", "DATA:OFXSGML", "VERSION:102", "SECURITY:NONE", "ENCODING:USASCII", "CHARSET:1252", "COMPRESSION:NONE",
  "OLDFILEUID:NONE", "NEWFILEUID:NONE", "", ""];
const transaction = ([type, amount, id]) => ["<STMTTRN>", `<TRNTYPE>${type}`, "<DTPOSTED>20261130", `<TRNAMT>${amount}`, `<FITID>${id}`,
  "<NAME>M&amp;M", "</STMTTRN>"];
const statement = (account, ...all) => ["<STMTTRNRS>", "<TRNUID>1", "<STATUS>", "<CODE>0", "<SEVERITY>INFO", "</STATUS>", "<STMTRS>",
  "<CURDEF>EUR", "<BANKACCTFROM>", "<BANKID>12345", `<ACCTID>${account}`, "<ACCTTYPE>CHECKING", "</BANKACCTFROM>", "<BANKTRANLIST>",
  "<DTSTART>20261101", "<DTEND>20261130", ...all.flatMap(transaction), "</BANKTRANLIST>", "<LEDGERBAL>", "<BALAMT>100.00",
  "<DTASOF>20261130", "</LEDGERBAL>", "</STMTRS>", "</STMTTRNRS>"];
const file = (...statements) => [...head, "<OFX>", "<SIGNONMSGSRSV1>", "<SONRS>", "<STATUS>", "<CODE>0", "<SEVERITY>INFO", "</STATUS>",
  "<DTSERVER>20261201120000", "<LANGUAGE>ENG", "</SONRS>", "</SIGNONMSGSRSV1>", "<BANKMSGSRSV1>", ...statements.flat(),
  "</BANKMSGSRSV1>", "</OFX>"].join("\n");
const thrown = (run) => {
  try {
    return JSON.stringify(run());
  } catch (error) {
    return error.name;
  }
};
(async () => {
  const first = statement("1001", ["CREDIT", "12.50", "A1"], ["POS", "-2.00", "A2"], ["DEBIT", "5.00", "A3"]);
  const second = statement("1002", ["CREDIT", "7.25", "B1"]);
  const one = new Ofx(file(first));
  const { credit, debit } = one.getTransactionsSummary();
  console.log(`one account: ${one.getBankTransferList().map(({ FITID, TRNAMT }) => `${FITID} ${TRNAMT}`)}; credit ${credit}, debit ${debit}`);
  assert.deepStrictEqual([credit, debit], [12.5, 7], "the sum of debits is no longer as stated");

  const two = file(first, second);
  const nothing = JSON.stringify({ dateStart: "", dateEnd: "", credit: 0, debit: 0, amountOfCredits: 0, amountOfDebits: 0 });
  const seen = ["getBankTransferList", "getTransactionsSummary", "toJson"].map((name) => thrown(() => new Ofx(two)[name]()));
  const lenient = thrown(() => new Ofx(two, { parserMode: "lenient" }).getBankTransferList());
  console.log(`two accounts: ${seen.join(", ")}; lenient: ${lenient}`);
  assert.deepStrictEqual([...seen, lenient], ["SyntaxError", nothing, "SyntaxError", "[]"], "no longer as stated");
  const read = (await right.parse(two)).OFX.BANKMSGSRSV1.STMTTRNRS.map(({ STMTRS }) => STMTRS);
  console.log(`ofx-js: accounts ${read.map(({ BANKACCTFROM }) => BANKACCTFROM.ACCTID)}`);
  assert.deepStrictEqual(read.map(({ BANKACCTFROM }) => BANKACCTFROM.ACCTID), ["1001", "1002"], "ofx-js is no longer right");

  const list = (parsed) => parsed.OFX.BANKMSGSRSV1.STMTTRNRS.STMTRS.BANKTRANLIST.STMTTRN;
  const names = [one.getBankTransferList()[0].NAME, list(escaped.parse(file(first)))[0].NAME, list(await right.parse(file(first)))[0].NAME];
  console.log(`names: ${names.join(", ")}`);
  assert.deepStrictEqual(names, ["M&amp;M", "M&amp;amp;amp;M", "M&M"], "names are no longer as stated");
  console.log("as stated");
})();
JS
node accounts.js
