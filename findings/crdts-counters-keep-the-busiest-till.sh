#!/usr/bin/env bash
# crdts 0.0.4 (PyPI): two tills sell 3 and 5 of an article, and the counter says 5.
#
# Expected: a PNCounter is the counter that every text about CRDTs describes: each replica counts for itself, and the value is the sum over
# all replicas, so that no increment is lost and none is counted twice.
#
# Seen: PNCounter and Counter have one count for all replicas and merge by the greater one. Of what two tills count at the same time only
# the larger part remains, here 5 of 8, and both tills agree on it, checksums included; of stock that is sold in two shops most comes back.
# Counted one after another, with an exchange between, the sum is right, so that a try with one till or a fast network shows nothing.
# CounterSet of the same package counts for each replica, under an identifier that the caller gives, and says 8.
#
# Source: Shapiro and others, A comprehensive study of Convergent and Commutative Replicated Data Types (2011), 3.1.3 (PN-Counter);
# https://pypi.org/project/crdts/
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check crdts==0.0.4
"$folder/venv/bin/python" - <<'PY'
from crdts import Counter, CounterSet, PNCounter, ScalarClock


def tills(kind):
    """Two replicas of one counter."""
    return [kind(clock=ScalarClock(uuid=b"article 117")) for _ in range(2)]


def exchange(one, two, updates):
    for update in updates:
        one.update(update)
        two.update(update)
    return one.read(), two.read(), one.checksums() == two.checksums()


for kind in (Counter, PNCounter):
    one, two = tills(kind)
    together = exchange(one, two, [one.increase(3), two.increase(5)])
    one, two = tills(kind)
    two.update(one.increase(3))
    in_turn = exchange(one, two, [two.increase(5)])
    print(f"{kind.__name__}: sold at the same time {together}, one after another {in_turn}")
    assert together == (5, 5, True), "no longer as stated"
    assert in_turn == (8, 8, True), "no longer as stated"
one, two = tills(PNCounter)
stock = exchange(one, two, [one.increase(10)])
stock = exchange(one, two, [one.decrease(6), two.decrease(4)])
print("of ten in stock, six sold here and four there:", stock)
assert stock == (4, 4, True), "no longer as stated"
one, two = tills(CounterSet)
updates = [one.increase(b"till 1", 3), two.increase(b"till 2", 5)]
seen = exchange(one, two, updates)
print("CounterSet:", seen)
assert seen[:2] == (8, 8), "CounterSet is no longer right"
print("as stated")
PY
