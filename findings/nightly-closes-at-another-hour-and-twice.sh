#!/usr/bin/env bash
# cron 4.4.0 (npm), croniter 7.0.0, APScheduler 3.11.3 (PyPI): in the night in which the clocks go back a day is closed twice, or too early.
#
# Expected: "0 3 * * *" in Europe/Berlin is due once a day, at three o'clock, in each night of the year, as there is one such time in each.
# "30 2 * * *" is there twice in the last night of October, and cron(8) has run jobs of a fixed time once in it for thirty years.
#
# Seen: cron gives, for 31 October 2027, 01:00 UTC, which is two o'clock, and 02:00 UTC, which is three: a close at three runs at two and
# again at three, and one at two in New York runs at one, and again at two. croniter and APScheduler give half past two twice, and croner
# and cronsim once; for three o'clock these four are right. In the night in which the clocks go forward half past two is 03:00 for cron,
# croner, croniter and cronsim, and 03:30 for APScheduler; none leaves it out. No error is raised.
#
# Source: cron(8), daylight saving time; https://github.com/kelektiv/node-cron; https://apscheduler.readthedocs.io/en/3.x/ (DST behavior)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts cron@4.4.0 croner@11.0.1
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check croniter==7.0.0 apscheduler==3.11.3 cronsim==2.8 tzdata==2026.6
cat > next.mjs <<'JS'
import assert from "node:assert";
import { CronTime } from "cron";
import { Cron } from "croner";

const utc = (date) => date.toISOString().slice(5, 16);
function both(zone, text, from) {
  const time = new CronTime(text, zone);
  const cron = [];
  let at = new Date(from);
  for (let count = 0; count < 3; count++) {
    at = time.getNextDateFrom(at, zone).toJSDate();
    cron.push(utc(at));
  }
  const croner = new Cron(text, { timezone: zone, paused: true }).nextRuns(3, new Date(from)).map(utc);
  console.log(`${text} in ${zone}: cron ${cron.join(", ")}; croner ${croner.join(", ")}`);
  return { cron, croner };
}
assert.deepStrictEqual(both("Europe/Berlin", "0 3 * * *", "2027-10-30T12:00:00Z"), {
  cron: ["10-31T01:00", "10-31T02:00", "11-01T02:00"],
  croner: ["10-31T02:00", "11-01T02:00", "11-02T02:00"],
}, "no longer as stated");
assert.deepStrictEqual(both("America/New_York", "0 2 * * *", "2027-11-06T12:00:00Z"), {
  cron: ["11-07T06:00", "11-07T07:00", "11-08T07:00"],
  croner: ["11-07T07:00", "11-08T07:00", "11-09T07:00"],
}, "New York is no longer as stated");
const once = ["10-31T00:30", "11-01T01:30", "11-02T01:30"];
assert.deepStrictEqual(both("Europe/Berlin", "30 2 * * *", "2027-10-30T12:00:00Z"), { cron: once, croner: once }, "no longer as stated");
const summer = ["03-28T01:00", "03-29T00:30", "03-30T00:30"];
assert.deepStrictEqual(both("Europe/Berlin", "30 2 * * *", "2027-03-27T12:00:00Z"), { cron: summer, croner: summer }, "not as stated");
JS
node next.mjs
venv/bin/python - <<'PY'
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger
from croniter import croniter
from cronsim import CronSim

BERLIN = ZoneInfo("Europe/Berlin")


def utc(moment):
    return moment.astimezone(timezone.utc).strftime("%m-%dT%H:%M")


def times(text, start):
    """The next three times of each library."""
    first, second = croniter(text, start), CronSim(text, start)
    trigger, last, third = CronTrigger.from_crontab(text, timezone=BERLIN), None, []
    for _ in range(3):
        last = trigger.get_next_fire_time(last, last or start)
        third.append(utc(last))
    seen = [utc(first.get_next(datetime)) for _ in range(3)], third, [utc(next(second)) for _ in range(3)]
    print(f"{text}: croniter {seen[0]}, APScheduler {seen[1]}, cronsim {seen[2]}")
    return seen


autumn = datetime(2027, 10, 30, 14, tzinfo=BERLIN)
right = ["10-31T02:00", "11-01T02:00", "11-02T02:00"]
assert times("0 3 * * *", autumn) == (right, right, right), "three o'clock is no longer right"
once, twice = ["10-31T00:30", "11-01T01:30", "11-02T01:30"], ["10-31T00:30", "10-31T01:30", "11-01T01:30"]
assert times("30 2 * * *", autumn) == (twice, twice, once), "no longer as stated"
early, late = ["03-28T01:00", "03-29T00:30", "03-30T00:30"], ["03-28T01:30", "03-29T00:30", "03-30T00:30"]
assert times("30 2 * * *", datetime(2027, 3, 27, 13, tzinfo=BERLIN)) == (early, late, early), "spring is no longer as stated"
print("as stated")
PY
