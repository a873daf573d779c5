#!/usr/bin/env bash
# jsvat 2.5.4, jsvat-next 3.0.4 (npm), python-stdnum 2.2 (PyPI): no company that was founded in Belgium since 2023 has a VAT number.
#
# Expected: a check of VAT numbers takes those that are given out: in Belgium ten digits that begin with 0 or, since the numbers with 0 were
# used up in 2023, with 1; in Northern Ireland, since 2021, XI and the nine digits of a British number.
#
# Seen: jsvat refuses every number of the new block, and XI with each number, as it refuses one with a wrong check digit: the till takes a
# business customer for a private one, and the invoice has tax on it. Belgian numbers with 0 and British ones are right, so a trial shows
# nothing. jsvat-next, which goes on from it, and python-stdnum take all of them.
#
# Source: https://github.com/se-panfilov/jsvat/issues/129; https://economie.fgov.be/en/news/enterprise-numbers-starting-1
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts jsvat@2.5.4 jsvat-next@3.0.4
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check python-stdnum==2.2
cat > check.js <<'JS'
const checked = (library, numbers) => {
  const { checkVAT, ...countries } = require(library);
  const all = Object.values(countries).filter((country) => country?.calcFn);
  return numbers.map((number) => checkVAT(number, all).isValid);
};
const numbers = JSON.parse(process.argv[2]);
console.log(JSON.stringify({ jsvat: checked("jsvat", numbers), next: checked("jsvat-next", numbers) }));
JS
venv/bin/python - <<'PY'
import json
import subprocess

from stdnum.eu import vat

belgian = [f"BE{front:08}{97 - front % 97:02}" for front in range(10_000_000, 10_100_000, 997)]
old = [f"BE{front:08}{97 - front % 97:02}" for front in range(4_000_000, 4_100_000, 997)]
# number, right, right by jsvat
CASES = [
    ("GB100000089", None, True), ("XI100000089", True, False), ("BE1000000021", True, False), ("BE0400000086", True, True),
    ("BE0400000087", False, False), *((number, True, False) for number in belgian), *((number, True, True) for number in old),
]
seen = json.loads(subprocess.check_output(["node", "check.js", json.dumps([number for number, *_ in CASES])]))
for at, ((number, right, stated), by_jsvat, by_next) in enumerate(zip(CASES, seen["jsvat"], seen["next"])):
    if at < 5:
        print(f"{number}: jsvat {by_jsvat}, jsvat-next {by_next}, python-stdnum {vat.is_valid(number)}")
    assert by_jsvat == stated, "jsvat is no longer as stated"
    assert right is None or by_next == vat.is_valid(number) == right, "the others are no longer right"
print(f"{len(belgian)} numbers that begin with 1 are refused, {len(old)} with 0 are taken")
print("as stated")
PY
