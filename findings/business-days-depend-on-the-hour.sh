#!/usr/bin/env bash
# moment-business-days 1.2.0, dayjs-business-days2 1.4.0 (npm): from Friday at nine to Monday at ten there are two business days.
#
# Expected: the number of business days between two moments is the number of days that have to be added to the first one's day to come to
# the second one's: one from Friday to Monday, at whatever hours; none within a day. Adding and counting are each other's inverse.
#
# Seen: days are counted for as long as the second moment is later by the hour too. Friday 9:00 to Monday 9:00 is one, to Monday 9:01 two;
# Friday 18:00 to Monday 9:00 is one. A sale that may be brought back within one business day is refused on Monday at ten, or not, by
# the hour of the sale. The same day from 9:00 to 18:00 is one day for dayjs-business-days2 and none for the other. What is added is right,
# and does not agree: Friday 9:00 and one business day is Monday 9:00. Both count as expected where both moments are at midnight.
#
# Source: https://www.npmjs.com/package/moment-business-days (businessDiff); https://www.npmjs.com/package/dayjs-business-days2 (businessDiff)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts moment-business-days@1.2.0 moment@2.30.1 dayjs-business-days2@1.4.0 dayjs@1.11.23
cat > days.js <<'JS'
const assert = require("assert");
const dayjs = require("dayjs");
const moment = require("moment-business-days");

dayjs.extend(require("dayjs-business-days2").default);
const count = (from, to) => [moment(to).businessDiff(moment(from)), dayjs(to).businessDiff(dayjs(from))];
const FRIDAY = "2026-12-18";
const MONDAY = "2026-12-21";
const TUESDAY = "2026-12-22";
for (const [from, to, meant, stated] of [
  [`${FRIDAY}T00:00`, `${MONDAY}T00:00`, 1, [1, 1]],
  [`${FRIDAY}T09:00`, `${MONDAY}T09:00`, 1, [1, 1]],
  [`${FRIDAY}T09:00`, `${MONDAY}T09:01`, 1, [2, 2]],
  [`${FRIDAY}T09:00`, `${MONDAY}T10:00`, 1, [2, 2]],
  [`${FRIDAY}T18:00`, `${MONDAY}T09:00`, 1, [1, 1]],
  [`${MONDAY}T09:00`, `${TUESDAY}T18:30`, 1, [2, 2]],
  [`${MONDAY}T09:00`, `${MONDAY}T18:00`, 0, [0, 1]],
]) {
  const seen = count(from, to);
  console.log(`${from} to ${to}: meant ${meant}, moment-business-days ${seen[0]}, dayjs-business-days2 ${seen[1]}`);
  assert.deepStrictEqual(seen, stated, "no longer as stated");
}
const later = [moment(`${FRIDAY}T09:00`).businessAdd(1), dayjs(`${FRIDAY}T09:00`).businessDaysAdd(1)];
assert.deepStrictEqual(later.map((day) => day.format("YYYY-MM-DDTHH:mm")), [`${MONDAY}T09:00`, `${MONDAY}T09:00`], "added days are not right");
console.log("as stated");
JS
node days.js
