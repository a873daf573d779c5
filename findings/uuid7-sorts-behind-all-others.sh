#!/usr/bin/env bash
# uuid7 0.1.0 (PyPI): its UUIDs of version 7 say in 2026 that it is 2203, and sort behind those of every other library.
#
# Expected: a UUID of version 7 begins with 48 bits of Unix milliseconds; made one after the other by different libraries, they sort in
# that order, and whoever reads the time of one finds when it was made.
#
# Seen: version and variant are those of RFC 9562, and the first 48 bits are seconds and fractions of an early draft: read as
# milliseconds they are 176 years ahead. What one till numbers with this package sorts behind all that the others number, and a time window
# over the numbers leaves it out. uuid-utils and uuid6 agree with each other. No error is raised: the package's own reader gives the right
# time for its own, and 1983 for the UUIDs of the others.
#
# Source: RFC 9562, 5.7; https://pypi.org/project/uuid7/ (draft-peabody-dispatch-new-uuid-format-02)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check uuid7==0.1.0 uuid-utils==1.2.0 uuid6==2025.0.1
"$folder/venv/bin/python" - <<'PY'
import time
import uuid

import uuid6
import uuid_utils
from uuid_extensions import uuid7, uuid_to_datetime

made = {}
for name, make in (("uuid7", uuid7), ("uuid-utils", uuid_utils.uuid7), ("uuid6", uuid6.uuid7)):
    one = uuid.UUID(str(make()))
    assert (one.version, one.variant) == (7, uuid.RFC_4122), "no longer a UUID of version 7"
    made[name] = one
    years = ((one.int >> 80) / 1000 - time.time()) / (365.2425 * 86400)
    print(f"{name}: {one}, {years:+.1f} years by its first 48 bits, {uuid_to_datetime(one)} by uuid7's own reader")
    assert abs(years) < 0.1 or name == "uuid7" and years > 176, "no longer as stated"
    assert (uuid_to_datetime(one).year < 2000) == (name != "uuid7"), "its own reader is no longer as stated"
    time.sleep(0.01)
order = sorted(made, key=lambda name: str(made[name]))
print("made:", ", ".join(made), "- sorted:", ", ".join(order))
assert order == ["uuid-utils", "uuid6", "uuid7"], "the order is no longer as stated"
print("as stated")
PY
