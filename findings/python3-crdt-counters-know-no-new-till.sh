#!/usr/bin/env bash
# python3-crdt 1.0.3 (PyPI): what a till sells that joined later is counted by itself only, and it cannot read the others.
#
# Expected: merging two counters takes over each count that is not known yet, as the definition says: the value is the sum over all
# replicas after the exchange, on each of them. Taking off what is not in a set changes nothing.
#
# Seen: merge goes through the names that the own counter knows. Counts of other names are left out, without an error: 3 of 8 sales are
# counted, forever. In the other direction a name that the other side does not know raises a KeyError. PNCounter is made of two such
# counters, so that the stock is out by what the new till sold. Taking an element off an empty ORSet makes the set unusable: what is added
# afterwards raises a TypeError when it is looked for.
#
# Source: Shapiro and others, A comprehensive study of Convergent and Commutative Replicated Data Types (2011), 3.1.3 and 3.3.5;
# https://pypi.org/project/python3-crdt/
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check python3-crdt==1.0.3
"$folder/venv/bin/python" - <<'PY'
from py3crdt.gcounter import GCounter
from py3crdt.orset import ORSet


def till(kind, names, sold):
    counter = kind(names[0])
    for name in names:
        counter.add_new_node(name)
    for name, pieces in sold.items():
        for _ in range(pieces):
            counter.inc(name)
    return counter


first, second = till(GCounter, ["one"], {"one": 3}), till(GCounter, ["one", "two"], {"two": 5})
first.merge(second)
print("the first till has sold 3, the second one 5; the first counts", first.query())
assert first.query() == 3, "no longer as stated"
try:
    second.merge(first)
    raise SystemExit("the second till reads the first")
except KeyError as error:
    print("the second one reads the first: KeyError", error)
both = [till(GCounter, ["one", "two"], sold) for sold in ({"one": 3}, {"two": 5})]
both[0].merge(both[1])
assert both[0].query() == 8, "with all names known it is no longer right"

basket = ORSet("till")
basket.remove("milk")
basket.add("bread", "tag 1")
try:
    basket.query("bread")
    raise SystemExit("the set is usable")
except TypeError as error:
    print("a set from which something was taken off while it was empty:", error)
basket = ORSet("till")
basket.add("bread", "tag 1")
assert basket.query("bread"), "a set is no longer right"
print("as stated")
PY
