#!/usr/bin/env bash
# crdt-merge 0.11.0 (PyPI): a line that was taken off an order is back as soon as the tills talk to each other.
#
# Expected: in an observed-remove set a removal takes what it has seen with it: two replicas that both had the line, of which one removed
# it, agree that it is gone. Only an addition that the removal did not see wins against it. Two registers agree on one value, whichever
# is merged into which.
#
# Seen: a removal empties the element's tags and remembers nothing, and merging joins the tags of both: the line is back on both sides,
# also where its remover had seen all of it, and it stays as long as any replica, any backup or any message on its way holds it. Registers
# (last writer wins) that have the same time and no node name, which is what they have unless it is given, keep their own value each, so
# that the tills never agree; with names they do. The counters (GCounter, PNCounter) agree. No error is raised.
#
# Source: Shapiro and others, A comprehensive study of convergent and commutative replicated data types (2011), OR-Set; the docstrings of
# crdt_merge.core (ORSet: "add wins over concurrent remove")
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check crdt-merge==0.11.0
"$folder/venv/bin/python" - <<'PY'
from crdt_merge import LWWRegister, ORSet, PNCounter

copy = lambda lines: ORSet.from_dict(lines.to_dict())
here = ORSet()
here.add("milk")
here.add("bread")
there = copy(here)
assert here.merge(there).value == there.value == {"milk", "bread"}, "the replicas do not agree before the removal"
here.remove("milk")
print("removed here:", here.value, "- merged:", sorted(here.merge(there).value), sorted(there.merge(here).value))
assert here.value == {"bread"}, "the removal is not seen where it is made"
assert here.merge(there).value == there.merge(here).value == {"milk", "bread"}, "no longer as stated"
there.remove("milk")
late = copy(here)
late.add("milk")
assert here.merge(there).value == {"bread"}, "a removal on both sides no longer holds"
assert here.merge(late).value == {"milk", "bread"}, "an addition behind the removal is lost"

one, other = LWWRegister(100, 5.0), LWWRegister(110, 5.0)
print("same time, no names:", one.merge(other).value, "and", other.merge(one).value)
assert (one.merge(other).value, other.merge(one).value) == (100, 110), "no longer as stated"
one, other = LWWRegister(100, 5.0, "till-1"), LWWRegister(110, 5.0, "till-2")
assert one.merge(other).value == other.merge(one).value == 110, "names no longer decide"
one, other = PNCounter(), PNCounter()
one.increment("till-1", 5)
other.increment("till-2", 3)
other.decrement("till-2", 1)
assert one.merge(other).value == other.merge(one).value == 7, "counters no longer agree"
print("as stated")
PY
