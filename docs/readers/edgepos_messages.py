"""Messages between terminals, requests to the cloud, its replies and its row for a store: from docs/formats-sync.md alone."""

from edgepos_wire import (
    MAX_MESSAGE, by_chain, chain_text, demand, id_text, item, position, replica_text,
)


def number(value):
    demand(type(value) is int and value >= 0, f"{value!r} is no number")
    return value


def yes_or_no(value):
    demand(type(value) is bool, f"{value!r} is neither true nor false")
    return value


def string(length=None):
    def read(value):
        demand(isinstance(value, bytes) and length in (None, len(value)), f"{value!r} is no string of {length} bytes")
        return value.hex()

    return read


def vector(value):
    return {chain_text(chain): number(at) for chain, at in by_chain(value, "a vector").items()}


def heads(value):
    return {chain_text(chain): string(32)(hash) for chain, hash in by_chain(value, "heads").items()}


def event(value):
    return id_text(value)


def lost(value):
    demand(isinstance(value, list) and len(value) % 2 == 0 and len(value) <= 2048, "no list of gaps")
    return [f"{event(first)}..{number(last)}" for first, last in zip(value[::2], value[1::2])]


def many(one):
    def read(value):
        demand(isinstance(value, list), f"{value!r} is no array")
        return [one(each) for each in value]

    return read


def chain(value):
    demand(isinstance(value, bytes) and len(value) == 9, f"{value!r} is no chain")
    return chain_text(value)


STORE, HASH, INSTANCE, BYTES = string(16), string(32), string(8), string()

MESSAGES = {
    1: ("hello", {
        1: ("oldest", number), 2: ("newest", number), 3: ("store", STORE), 4: ("heard", yes_or_no), 5: ("vector", vector),
        6: ("heads", heads), 7: ("relay", yes_or_no), 8: ("dictionaries", many(number)), 9: ("level", number),
        10: ("number", number), 11: ("wall", number), 12: ("lost", lost), 13: ("batch_format", number),
        14: ("log_state", many(number)),
    }),
    2: ("batch", {1: ("number", number), 2: ("batch", BYTES)}),
    3: ("ack", {
        1: ("vector", vector), 2: ("batch", number), 3: ("relay", yes_or_no), 4: ("refused", many(chain)), 5: ("pause_ms", number),
        6: ("asks_cloud", yes_or_no), 7: ("heads", heads), 8: ("greeting", number),
    }),
    4: ("cloud_vector", {1: ("vector", vector), 2: ("heads", heads), 3: ("instance", INSTANCE)}),
    5: ("missing", {1: ("floor", vector)}),
    6: ("probe", {1: ("event", event)}),
    7: ("hash", {1: ("event", event), 2: ("hash", HASH)}),
    12: ("want", {1: ("first", event), 2: ("last", number)}),
    13: ("found", {1: ("first", event), 2: ("last", number), 3: ("batch", BYTES), 4: ("base", HASH)}),
    14: ("rival", {1: ("replica", replica_text)}),
}

REQUEST_KEYS = {
    1: ("store", STORE), 2: ("replica", replica_text), 3: ("generation", number), 4: ("term", number), 5: ("leader", yes_or_no),
    6: ("epoch", number), 7: ("old", vector), 8: ("new", vector), 9: ("batch", BYTES), 10: ("restored", INSTANCE),
    11: ("event", event), 12: ("last", number),
}
REQUESTS = {
    kind: (name, {key: REQUEST_KEYS[key] for key in keys})
    for kind, name, keys in [
        (1, "lease", (1, 2, 3, 4, 5, 10)), (2, "head", (1,)), (3, "append", (1, 2, 6, 7, 8, 9)), (10, "probe", (1, 11)),
        (12, "fetch", (1, 11, 12)),
    ]
}

REPLY_KEYS = {
    1: ("epoch", number), 2: ("vector", vector), 3: ("retry_after_ms", number), 4: ("chain", chain), 5: ("reason", number),
    10: ("heads", heads), 11: ("instance", INSTANCE), 12: ("forks", many(chain)), 13: ("event", event), 14: ("hash", HASH),
    16: ("lost", lost), 17: ("last", number), 18: ("batch", BYTES), 19: ("batch_format", number),
}
REPLIES = {
    kind: (name, {key: REPLY_KEYS[key] for key in keys})
    for kind, name, keys in [
        (1, "lease", (1, 2, 10, 11, 16, 19)), (2, "busy", (3,)), (3, "head", (1, 2, 10, 11, 16, 19)), (4, "ack", (2, 10, 11, 12)),
        (5, "fenced", (1,)), (6, "conflict", (2, 10, 11, 16, 19)), (7, "fork", (4,)), (8, "refused", (5,)),
        (10, "hash", (13, 14)), (12, "events", (13, 14, 17, 18)),
    ]
}

# The first frame of a connection, and rows: maps without a kind.
GREETING = {
    1: ("oldest", number), 2: ("newest", number), 3: ("store", STORE), 4: ("generation", number), 5: ("replica", replica_text),
}
HEAD_ROW = {0: ("last", number), 1: ("hash", HASH), 2: ("derived", number), 3: ("derived_hash", HASH)}
PROOF_ROW = {0: ("vector", vector), 1: ("heads", heads), 2: ("instance", INSTANCE), 3: ("earlier", many(INSTANCE))}
TAIL_ROW = {0: ("next", number), 1: ("last", number)}
CLOUD_ROW = {
    0: ("epoch", number), 1: ("holder", replica_text), 2: ("generation", number), 3: ("term", number), 4: ("leads", yes_or_no),
    5: ("lease_ends_ms", number), 6: ("vector", vector), 7: ("heads", heads), 8: ("batches", number), 9: ("instance", INSTANCE),
    10: ("lost", lost),
}


def fields(value, known):
    """What is known of a map, by name; keys that nobody knows are skipped."""
    return {name: read(value[key]) for key, (name, read) in known.items() if key in value}


def message(data, kinds, what):
    """A message as a map from names; one of a later kind has its number alone."""
    demand(len(data) <= MAX_MESSAGE, f"{what} of {len(data)} bytes")
    value = item(data, what)
    demand(isinstance(value, dict) and type(value.get(0)) is int, f"{what} without a kind")
    if value[0] not in kinds:
        return {"kind": value[0]}
    name, known = kinds[value[0]]
    return {"kind": name, **fields(value, known)}


def greeting(data):
    demand(len(data) <= 256, f"a greeting of {len(data)} bytes")
    value = item(data, "greeting")
    demand(value.get(0) == "edgepos", "a greeting of something else")
    return fields(value, GREETING)


def row(data, known):
    return fields(item(data, "row"), known)
