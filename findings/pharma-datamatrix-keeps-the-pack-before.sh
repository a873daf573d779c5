#!/usr/bin/env bash
# pharma-datamatrix 1.4.5 (PyPI): the national number of one medicine is that of the medicine scanned before.
#
# Expected: each call of pharma_datamatrix reads one code of a pack and returns what is in it: a national number (NHRN) where the pack has
# one, and an error where the batch or the serial number is missing; what an earlier call returned stays as it is.
#
# Seen: all calls fill one and the same dictionary. A pack without a national number, scanned behind one with it, has that number; a code
# without a batch has the batch of the pack before, and no error; and the answer for the first pack, kept by the caller, becomes that for
# the second. In a new process, as in the examples, each code is right. The test for missing parts looks at the serial number alone.
#
# Source: Commission Delegated Regulation (EU) 2016/161, article 4; https://github.com/PinchofLogic/pharma_datamatrix
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pharma-datamatrix==1.4.5
cat > "$folder/scan.py" <<'PY'
import sys

from pharma_datamatrix import pharma_datamatrix

GS = "\x1d"
PACKS = {
    "with a national number": f"]d201034531200000111739123110BATCH1{GS}21SERIAL000001{GS}710PZN12345678",
    "without one": f"]d201095201234567881739123110BATCH2{GS}21SERIAL000002",
    "without a batch": f"]d201095201234567881739123121SERIAL000003{GS}710PZN87654321",
}
asked = sys.argv[1:]
answers = []
for name in asked:
    answers.append(pharma_datamatrix(PACKS[name]))
    answer = dict(answers[-1])
    print(f"{name}: {answer}")
print(f"kept: {answers[0].get('SERIAL')}")
PY
scan() { "$folder/venv/bin/python" "$folder/scan.py" "$@"; }
alone="$(scan "without one")"
behind="$(scan "with a national number" "without one")"
half="$(scan "without a batch")"
after="$(scan "with a national number" "without a batch")"
printf '%s\n' "alone:" "$alone" "behind another:" "$behind" "no batch:" "$half" "no batch, behind another:" "$after"
grep -q "without one.*SERIAL000002" <<<"$alone"
if grep -q NHRN <<<"$alone"; then echo "a pack alone is no longer right"; exit 1; fi
grep -q "without one.*'NHRN': 'PZN12345678'" <<<"$behind" || { echo "the national number is no longer as stated"; exit 1; }
grep -q "kept: SERIAL000002" <<<"$behind" || { echo "the first answer is no longer as stated"; exit 1; }
if grep -q BATCH <<<"$half"; then echo "a code without a batch is no longer right"; exit 1; fi
grep -q "without a batch.*'BATCH': 'BATCH1'.*SERIAL000003" <<<"$after" || { echo "the batch is no longer as stated"; exit 1; }
echo "as stated"
