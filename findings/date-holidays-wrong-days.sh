#!/usr/bin/env bash
# date-holidays 3.37.0 (npm), holidays 0.108 (PyPI): Clean Monday on a Tuesday, and a new year that starts a day late.
#
# Expected: two current packages of public holidays name the same days off for 2026 and 2027, apart from the choice of local ones; Clean
# Monday is a Monday; the Korean new year is free on the day before, the day itself and the day after; in Bulgaria a holiday at the
# weekend, Easter excepted, is followed by a free working day.
#
# Seen: date-holidays has Cyprus closed on the Tuesday behind Clean Monday and open on it, in every year; it has Korea at work on the
# eve of the new year (16 February 2026) and at rest the day after the three days (19 February); and it knows none of Bulgaria's free
# Mondays (25 May, 7 September and 28 December 2026). Chuseok's three days are right. holidays has all of these right.
#
# Source: Labour Code of Bulgaria, article 154 (2); Korea: https://github.com/commenthol/date-holidays/pull/641
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts date-holidays@3.37.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check holidays==0.108
cat > free.js <<'JS'
const Holidays = require("date-holidays");
const noon = { CY: "T10:00:00Z", KR: "T03:00:00Z", BG: "T10:00:00Z" };
const free = ([country, day]) =>
  [].concat(new Holidays(country).isHoliday(new Date(day + noon[country])) || []).some(({ type }) => type === "public");
console.log(JSON.stringify(JSON.parse(process.argv[2]).map(free)));
JS
venv/bin/python - <<'PY'
import datetime
import json
import subprocess

import holidays

# country, day, free by date-holidays, free by holidays
STATED = [
    ("CY", "2026-02-23", False, True), ("CY", "2026-02-24", True, False),
    ("CY", "2027-03-15", False, True), ("CY", "2027-03-16", True, False),
    ("KR", "2026-02-16", False, True), ("KR", "2026-02-17", True, True),
    ("KR", "2026-02-18", True, True), ("KR", "2026-02-19", True, False),
    ("KR", "2026-09-24", True, True), ("KR", "2026-09-25", True, True), ("KR", "2026-09-26", True, True),
    ("BG", "2026-05-25", False, True), ("BG", "2026-09-07", False, True), ("BG", "2026-12-28", False, True),
]
other = json.loads(subprocess.check_output(["node", "free.js", json.dumps([row[:2] for row in STATED])]))
for (country, day, stated, right), seen in zip(STATED, other):
    own = day in holidays.country_holidays(country, years=int(day[:4]))
    name = datetime.date.fromisoformat(day).strftime("%A")
    print(f"{country} {day} {name}: free by date-holidays {seen}, by holidays {own}")
    assert (seen, own) == (stated, right), "no longer as stated"
print("as stated")
PY
