#!/usr/bin/env bash
# vectorclock 0.5.3 (PyPI): which of three versions of a record is the newest depends on the order in which they arrive.
#
# Expected: with tiebreak=True every two clocks are ordered, by what happened before and else by the highest count and the text; so a till
# that keeps the greater of two versions ends with the same one, whatever comes first.
#
# Seen: the order that is made up contradicts the one that is real. {till2: 2} is before {till1: 1, till2: 2}, which holds it; that is, as a
# text, before {till12: 2}, and that before {till2: 2}: a circle. Of the six orders in which the three versions can arrive, each version is
# kept in two; where {till2: 2} comes last, it is kept although the version that replaces it has been there. compare also returns
# differences such as 7, not -1, 0 and 1 as it says.
#
# Source: https://pypi.org/project/vectorclock/ (compare); Fidge (1988), Mattern (1989)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check vectorclock==0.5.3
"$folder/venv/bin/python" - <<'PY'
from collections import Counter
from functools import reduce
from itertools import permutations

from vectorclock.vectorclock import VectorClock

old, new, other = VectorClock({"till2": 2}), VectorClock({"till1": 1, "till2": 2}), VectorClock({"till12": 2})
newer = lambda one, two: two if two.compare(one, tiebreak=True) > 0 else one
print(f"{old} before {new}: {old < new}; with {other} neither is ordered: {not (old < other or other < old or new < other or other < new)}")
assert old < new and not any((old < other, other < old, new < other, other < new)), "what happened before is no longer as stated"
circle = [(old, new), (new, other), (other, old)]
assert all(one.compare(two, tiebreak=True) < 0 for one, two in circle), "there is no circle any more"
winners = Counter()
for versions in permutations([old, new, other]):
    winner = reduce(newer, versions)
    winners[str(winner)] += 1
    print(" then ".join(map(str, versions)), "keeps", winner)
assert winners == {str(old): 2, str(new): 2, str(other): 2}, "no longer as stated"
assert VectorClock({"till1": 9}).compare(VectorClock({"till2": 2}), tiebreak=True) == 7, "differences are no longer returned"
print("as stated")
PY
