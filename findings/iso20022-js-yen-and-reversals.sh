#!/usr/bin/env bash
# iso20022.js 0.0.15 (npm): of 1000 yen 10 are paid, and a payment that is taken back is no reversal.
#
# Expected: an amount is in the smallest unit of its currency: 1000, as in the documentation, are written as 10 dollars; so 1000 yen, which
# have no smaller unit, are 1000, and 1250 fils are 1.250 dinars of Kuwait; a statement is read into the same units, so into whole
# numbers; RvslInd true makes a reversal, and a reference keeps its zeros.
#
# Seen: two decimals are taken for every currency: 1000 yen are written as 10, 1250 fils as 12.5, and a statement's 2050 yen are read as
# 205000. The units that are read are not rounded: 19.99 is 1998.9999999999998, and of all amounts up to 99.99 euros 1146 are no whole
# numbers. reversal is false for every entry, as true is compared with the text "true". The reference 0004711 is the number 4711. No error
# is raised; amounts of dollars and euros are written right.
#
# Source: ISO 4217 (minor units); ISO 20022, camt.053, ReportEntry (RvslInd); https://docs.iso20022js.com
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts iso20022.js@0.0.15
cat > payments.mjs <<'JS'
import assert from "assert";
import { CashManagementEndOfDayReport, ISO20022 } from "iso20022.js";

const agent = { bic: "DEUTDEFF", bankAddress: { country: "DE" } };
const iso = new ISO20022({ initiatingParty: { name: "Corner Shop", id: "SHOP", account: { iban: "DE89370400440532013000" }, agent } });
const creditor = {
  name: "Wholesale", agent, account: { iban: "DE89370400440532013000" },
  address: { streetName: "Street", townName: "Town", postalCode: "12345", country: "DE" },
};
for (const [currency, amount, stated] of [["USD", 1000, "10"], ["EUR", 1999, "19.99"], ["JPY", 1000, "10"], ["KWD", 1250, "12.5"]]) {
  const message = iso.createSWIFTCreditPaymentInitiation([{ type: "swift", direction: "credit", amount, currency, creditor }]);
  const written = message.toString().match(/<InstdAmt Ccy="...">([^<]*)/)[1];
  console.log(`${amount} of ${currency}: ${written}`);
  assert.strictEqual(written, stated, "no longer as stated");
}

const entry = (amount, currency, reversal) => `<Ntry><Amt Ccy="${currency}">${amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd>
  <RvslInd>${reversal}</RvslInd><Sts>BOOK</Sts><BookgDt><Dt>2026-11-30</Dt></BookgDt><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd>
  <SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd><NtryDtls><TxDtls><RmtInf><Ustrd>0004711</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>`;
const read = (entries, currency) => CashManagementEndOfDayReport.fromXML(`<?xml version="1.0" encoding="UTF-8"?>
  <Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><GrpHdr><MsgId>M1</MsgId>
  <CreDtTm>2026-12-01T06:00:00</CreDtTm></GrpHdr><Stmt><Id>S1</Id><CreDtTm>2026-12-01T06:00:00</CreDtTm><Acct><Id>
  <IBAN>DE89370400440532013000</IBAN></Id><Svcr><FinInstnId><BIC>COBADEFFXXX</BIC></FinInstnId></Svcr></Acct><Bal><Tp><CdOrPrtry>
  <Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="${currency}">100</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-30</Dt></Dt></Bal>
  ${entries}</Stmt></BkToCstmrStmt></Document>`).entries;
const [euro, yen] = [read(entry("19.99", "EUR", true), "EUR")[0], read(entry("2050", "JPY", false), "JPY")[0]];
console.log(`19.99 euros: ${euro.amount}, reversal ${euro.reversal}, reference ${JSON.stringify(euro.transactions[0].remittanceInformation)}`);
console.log(`2050 yen: ${yen.amount}, reversal ${yen.reversal}`);
assert.deepStrictEqual([euro.amount, euro.reversal, yen.amount, yen.reversal], [1998.9999999999998, false, 205000, false], "no longer as stated");
assert.strictEqual(euro.transactions[0].remittanceInformation, 4711, "the reference is no longer as stated");
const cents = [...Array(9999).keys()].map((at) => at + 1);
const amounts = read(cents.map((each) => entry((each / 100).toFixed(2), "EUR", false)).join(""), "EUR").map(({ amount }) => amount);
const broken = amounts.filter((amount) => !Number.isInteger(amount)).length;
console.log(`${broken} of ${cents.length} amounts are no whole numbers of cents`);
assert.strictEqual(broken, 1146, "no longer as stated");
console.log("as stated");
JS
node payments.mjs
