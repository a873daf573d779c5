#!/usr/bin/env bash
# hlcpy 0.0.2 (PyPI): of two time stamps of a hybrid logical clock the later one is the earlier one as soon as they are sent.
#
# Expected: a hybrid logical clock orders events, and its bytes are what is sent: whatever is less before it is sent is less, or at least
# not greater, behind it. What is said about the bytes (five empty bits, 43 bits of milliseconds, 16 of the counter) holds.
#
# Seen: the clock counts nanoseconds and starts its counter again with each of them; the bytes hold milliseconds, rounded up, and the
# counter as it is. Two events in one millisecond, the first with the counter 5, the second with 0, come back in the other order; two with
# the counter 0 come back equal, each up to a millisecond in the future. The five bits that should be empty are ones. As a text (from_str)
# the same time stamps keep their order.
#
# Source: https://pypi.org/project/hlcpy/ (from_bytes); Kulkarni and others, Logical Physical Clocks (2014): e before f implies l.e, c.e less
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check hlcpy==0.0.2
"$folder/venv/bin/python" - <<'PY'
from hlcpy import HLC

SECOND = 1_796_126_400 * 10**9
sent = lambda time: HLC.from_bytes(time.to_bytes())
written = lambda time: HLC.from_str(str(time))
order = lambda one, two: "before" if one < two else "equal" if one == two else "behind"
cases = [
    ("one millisecond, counters 5 and 0", HLC(SECOND + 200_000, 5), HLC(SECOND + 300_000, 0), "behind"),
    ("one millisecond, counters 0 and 0", HLC(SECOND + 200_000, 0), HLC(SECOND + 300_000, 0), "equal"),
    ("one nanosecond, counters 0 and 1", HLC(SECOND, 0), HLC(SECOND, 1), "before"),
    ("two milliseconds", HLC(SECOND, 0), HLC(SECOND + 1_000_000, 0), "before"),
]
for name, one, two, stated in cases:
    seen = order(sent(one), sent(two))
    print(f"{name}: {one} is {order(one, two)} {two}, sent it is {seen}")
    assert order(one, two) == order(written(one), written(two)) == "before", "the order of the time stamps is no longer right"
    assert seen == stated, "no longer as stated"
ahead = sent(HLC(SECOND + 200_000, 0)).nanos - SECOND
assert 999_000 < ahead < 1_001_000, "it no longer rounds up"
assert HLC(SECOND, 0).to_bytes()[7] >> 3 == 0b11111, "the empty bits are no longer ones"
print("as stated")
PY
