#!/usr/bin/env bash
# achkit 0.2.0 (PyPI): a bank's file of returned payments is wrong for it, and account numbers are written in capitals.
#
# Expected: validate checks any file of ACH payments, as the introduction says, and the package knows the codes of returns: the amounts of
# entries with the transaction codes 21, 26, 31, 36, 41, 46, 51 and 56, which banks send payments back with, belong to the totals. What is
# written as account number, company's identifier or text is what was given, or an error.
#
# Seen: only the codes that end in 2, 3, 7 and 8 are counted, so that a right file of returns is said to have a wrong total in the batch
# and in the file. Letters of a company's identifier, which a bank gives out, are left out and a zero is put in: A123456789 is 0123456789.
# An account number in small letters becomes one in capitals, and a text is cut after 80 characters.
#
# Source: Nacha Operating Rules, Appendix Three (Transaction Code; Company Identification) and Four (returns);
# https://pypi.org/project/achkit/
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check achkit==0.2.0
"$folder/venv/bin/python" - <<'PY'
import achkit


def file(company="1234567890", **entry):
    made = achkit.AchFile.create(origin_dfi="123456780", company_id=company, origin_name="Shop", destination_name="Bank")
    batch = made.batch("PPD", "REFUND", "2026-12-02")
    batch.credit("Customer", "123456780", entry.pop("account", "1234"), 1999, **entry)
    return made.render()


def wrong(text):
    return [error["code"] for error in achkit.validate(text)["errors"]]


assert wrong(file(addenda="INVOICE 117")) == [], "its own file is wrong"
for code, stated in [("22", 0), ("32", 0), ("21", 2), ("31", 2), ("41", 2), ("51", 2)]:
    errors = wrong(file(addenda="INVOICE 117").replace("\n622", f"\n6{code}").replace("\n705", "\n799" if code[1] == "1" else "\n705"))
    print(f"transaction code {code}: {errors}")
    assert len(errors) == stated, "no longer as stated"
entry = achkit.parse(file("A123456789", account="ab-117c", addenda="x" * 90))["batches"][0]
[seen] = entry["entries"]
print("company", entry["company_id"], "account", seen["account"], "text of", len(seen["addenda"][0]["info"]))
assert entry["company_id"] == "0123456789", "the company is no longer as stated"
assert seen["account"] == "AB-117C" and seen["addenda"][0]["info"] == "X" * 80, "the entry is no longer as stated"
print("as stated")
PY
