"""What edgepos says on the wire, written from docs/formats-sync.md and docs/formats.md alone: names, hashes, batches in rows and in
columns, messages between terminals, requests to the cloud and its replies."""

import gzip
import hashlib
import io
import struct

import cbor2
import zstandard

LANES = 4
MAX_MESSAGE, MAX_BODY, MAX_EVENTS, MAX_RATIO = 6 << 20, 4 << 20, 8192, 256
ZERO = bytes(32)


class Damaged(Exception):
    """Bytes that the pages do not allow, with their place."""


def demand(holds, what):
    if not holds:
        raise Damaged(what)


def rising(value, what):
    """Maps with integer keys in rising order, wherever they stand."""
    if isinstance(value, dict):
        keys = list(value)
        if all(type(key) is int for key in keys):
            demand(keys == sorted(keys), f"{what}: keys out of order")
        for each in value.values():
            rising(each, what)
    elif isinstance(value, list):
        for each in value:
            rising(each, what)


def item(data, what):
    """One CBOR item, in definite lengths and shortest integers, and nothing behind it."""
    stream = io.BytesIO(data)
    try:
        value = cbor2.load(stream)
    except Exception as error:
        raise Damaged(f"{what}: {error}") from error
    demand(stream.tell() == len(data), f"{what}: {len(data) - stream.tell()} bytes behind it")
    demand(cbor2.dumps(value) == data, f"{what}: not in the shortest form, or indefinite")
    rising(value, what)
    return value


# Names


def replica_text(replica):
    return f"{replica >> 48}-{replica & (1 << 48) - 1:012x}"


def chain_key(replica, lane):
    return struct.pack(">QB", replica, lane)


def chain_text(chain):
    replica, lane = struct.unpack(">QB", chain)
    return f"{replica_text(replica)}/{lane}"


def id_text(event):
    demand(len(event) == 17, f"an event id of {len(event)} bytes")
    return f"{chain_text(event[:9])}:{position(event)}"


def position(event):
    return int.from_bytes(event[9:], "big")


def link(before, event, payload):
    return hashlib.sha256(before + event + payload).digest()


def by_chain(value, what):
    """A vector, or heads: chain → what stands in the place of its lane."""
    demand(isinstance(value, dict), f"{what} is no map")
    found = {}
    for replica, lanes in value.items():
        demand(isinstance(lanes, list) and len(lanes) <= LANES, f"{what} has more than {LANES} lanes")
        demand(not lanes or lanes[-1] not in (0, b""), f"{what} has a trailing zero")
        found.update({chain_key(replica, lane): at for lane, at in enumerate(lanes) if at not in (0, b"")})
    return found


# Batches


def decompress(codec, data, length, dictionary):
    demand(length <= MAX_BODY and length <= MAX_RATIO * max(len(data), 1), f"a body of {length} bytes")
    if codec == 0:
        body = data
    elif codec == 1:
        # The frame may say nothing of its length: key 3 does.
        body = zstandard.ZstdDecompressor(dict_data=dictionary).decompress(data, max_output_size=length)
    elif codec == 2:
        body = gzip.decompress(data)
    else:
        raise Damaged(f"codec {codec} is unknown")
    demand(len(body) == length, f"a body of {len(body)} bytes that says {length}")
    return body


def batch(data, dictionaries):
    """The runs of a batch; dictionaries by number."""
    try:
        return batch_of(data, dictionaries)
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RecursionError, cbor2.CBORDecodeError, struct.error) as error:
        raise Damaged(f"batch: it is not built as one: {error!r}") from error


def batch_of(data, dictionaries):
    outer = item(data, "batch")
    form, number = outer[0], outer[2]
    demand(form in (1, 2), f"format {form} is unknown")
    demand(number == 0 or number in dictionaries, f"dictionary {number} is unknown")
    try:
        body = decompress(outer[1], outer[4], outer[3], dictionaries.get(number))
    except zstandard.ZstdError as error:
        raise Damaged(f"batch: {error}") from error
    body = item(body, "batch body")
    runs, columns = body if form == 2 else (body, b"")
    found = [run(each, form) for each in runs]
    demand(len({each["chain"] for each in found}) == len(found), "a chain stands twice")
    demand(sum(each["payloads"] for each in found) <= MAX_EVENTS if form == 2 else True, "too many events")
    if form == 2:
        limit = outer[5]
        demand(limit <= MAX_BODY and limit <= MAX_RATIO * max(len(outer[4]), 1), f"payloads of {limit} bytes")
        payloads = iter(Columns(columns).payloads(sum(each["payloads"] for each in found), limit))
        for each in found:
            each["payloads"] = [next(payloads) for _ in range(each["payloads"])]
    return found


def run(value, form):
    payloads = value[6] if form == 2 else value.get(4, [])
    gaps = value.get(5, [])
    demand(gaps or payloads, "a run of nothing")
    demand(value[1] < LANES and len(value[3]) == 32, "a run of no lane, or without a hash")
    return {
        "chain": chain_key(value[0], value[1]),
        "first": value[2],
        "head": value[3],
        "payloads": payloads,
        "gaps": [{"first": a, "last": b, "at": b + kind, "hash": hash} for a, b, kind, hash in gaps],
    }


def follow(one, before):
    """The events of a run with their hashes, from the hash before it; what they end in must be the run's."""
    gaps = {gap["first"]: gap for gap in one["gaps"]}
    payloads, at, hash, forced, events = iter(one["payloads"]), one["first"], before, {}, []
    left = len(one["payloads"])
    while left or at in gaps:
        if at in gaps:
            gap = gaps.pop(at)
            at, forced[gap["at"]] = gap["last"] + 1, gap["hash"]
            hash = forced.get(gap["last"], hash)
            continue
        event, payload = one["chain"] + at.to_bytes(8, "big"), next(payloads)
        hash = forced.get(at) or link(hash, event, payload)
        events.append((event, hash, payload))
        at, left = at + 1, left - 1
    demand(not gaps, "a gap outside its run")
    demand(hash == one["head"], f"run {chain_text(one['chain'])} from {one['first']}: its hash is not the one that it says")
    return events


class Columns:
    """Payloads taken apart by what stands at one place of all of them."""

    INTEGER, BYTES, TEXT, ARRAY, MAP, NESTED, BARE, WHOLE = range(8)

    def __init__(self, data):
        self.data, self.at = data, 0
        length = self.number()
        self.rest = self.at + length
        self.end = self.rest
        count = self.number()
        demand(count <= 1024, f"{count} columns")
        self.columns = [self.column() for _ in range(count)]
        demand(self.at == self.end, "a head that is longer than what it says")
        demand(self.rest == len(data), "bytes of no stream")
        self.steps, self.met = {}, 1

    def number(self):
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def bytes(self):
        """A stream of bytes, as an iterator that can be asked for several."""
        length = self.number()
        demand(length >> 1 <= MAX_BODY, f"a stream of {length >> 1} bytes")
        if length & 1:
            self.at += 1
            return Stream(self.data[self.at - 1 : self.at] * (length >> 1))
        self.rest += length >> 1
        demand(self.rest <= len(self.data), "a stream that is cut off")
        return Stream(self.data[self.rest - (length >> 1) : self.rest])

    def numbers(self):
        places = self.number()
        demand(places <= 8, f"numbers of {places} bytes")
        return Numbers([self.bytes() for _ in range(places)])

    def strings(self):
        return Strings(self.numbers(), self.numbers(), self.bytes(), self.bytes())

    def column(self):
        bits = self.number()
        column = {"bits": bits, "kinds": self.bytes(), "integer": 0, "string": b""}
        if bits & 2:
            column["lengths"] = self.numbers()
        if bits & 4:
            sizes = [self.number() for _ in range(self.number())]
            demand(all(size <= 256 for size in sizes), "a map of more than 256 keys")
            keys = io.BytesIO(self.bytes().all())
            column["keys"] = [[cbor2.load(keys) for _ in range(size)] for size in sizes]
            column["which"] = self.numbers()
        if bits & 8:
            form = self.number()
            other = self.number() if form >= 2 else None
            column["integers"] = (form, other, self.numbers(), self.numbers() if form == 3 else None)
        if bits & 16:
            form = self.number()
            if form == 0:
                column["strings"] = (form, self.strings())
            elif form == 1:
                which, size = self.numbers(), self.number()
                demand(size <= MAX_BODY, f"a table of {size} strings")
                table = self.strings()
                column["strings"] = (form, which, [table.next() for _ in range(size)])
            else:
                column["strings"] = (form, self.number(), self.number(), self.numbers(), self.strings())
        if bits & 32:
            column["bare"] = self.bytes()
        return column

    def step(self, *where):
        if where not in self.steps:
            self.steps[where] = self.met
            self.met += 1
        return self.steps[where]

    def payloads(self, count, limit):
        found = [self.read(0) for _ in range(count)]
        demand(sum(map(len, found)) == limit, "payloads of another length than they say")
        demand(self.met == len(self.columns), "columns that nothing leads to")
        for column in self.columns:
            demand(column["kinds"].is_empty(), "kinds are left over")
        return found

    def read(self, at):
        column = self.columns[at]
        kind = column["kinds"].take(1)[0]
        if kind == self.INTEGER:
            value = self.integer(column)
            return head(0, value) if value >= 0 else head(1, -1 - value)
        if kind in (self.BYTES, self.TEXT, self.WHOLE):
            text = self.string(column)
            return text if kind == self.WHOLE else head(2 if kind == self.BYTES else 3, len(text)) + text
        if kind == self.ARRAY:
            length = column["lengths"].next()
            return head(4, length) + b"".join(self.read(self.step(at, "element")) for _ in range(length))
        if kind == self.NESTED:
            inner = self.read(self.step(at, "inside"))
            return head(2, len(inner)) + inner
        if kind == self.MAP:
            return self.map(at, column)
        demand(kind == self.BARE, f"an item of kind {kind}")
        first = column["bare"].take(1)
        return first + column["bare"].take({24: 1, 25: 2, 26: 4, 27: 8}.get(first[0] & 31, 0))

    def map(self, at, column):
        keys = column["keys"][column["which"].next()]
        out, place = head(5, len(keys)), (at,)
        for index, key in enumerate(keys):
            child = self.step(*place, "key", key)
            value = self.read(child)
            out += cbor2.dumps(key) + value
            if index == 0 and key == 0 and type(key) is int and column["bits"] & 1 and value[0] < 64:
                place = (self.step(at, "case", self.columns[child]["integer"]),)
        return out

    def integer(self, column):
        form, other, numbers, low = column["integers"]
        value = numbers.next()
        value = value >> 1 if value & 1 == 0 else -1 - (value >> 1)
        if form == 1:
            value += column["integer"]
        elif form in (2, 3):
            value += self.columns[other]["integer"]
        if form == 3:
            value = value << 16 | low.next()
        # 64 bits with a sign, around.
        column["integer"] = (value + (1 << 63)) % (1 << 64) - (1 << 63)
        return column["integer"]

    def string(self, column):
        form, *rest = column["strings"]
        if form == 0:
            text = rest[0].next()
        elif form == 1:
            text = rest[1][rest[0].next()]
        else:
            other, length, which, strings = rest
            text = self.columns[other]["string"][:length] if which.next() == 0 else strings.next()
        column["string"] = text
        return text


class Stream:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        self.at += count
        demand(self.at <= len(self.data), "a stream that is too short")
        return self.data[self.at - count : self.at]

    def all(self):
        return self.take(len(self.data) - self.at)

    def is_empty(self):
        return self.at == len(self.data)


class Numbers:
    def __init__(self, places):
        self.places = places

    def next(self):
        return sum(place.take(1)[0] << 8 * at for at, place in enumerate(self.places))


class Strings:
    def __init__(self, shared, follow, fresh, rest):
        self.shared, self.follow, self.fresh, self.rest, self.before = shared, follow, fresh, rest, b""

    def next(self):
        shared, follow = self.shared.next(), self.follow.next()
        self.before = self.before[:shared] + (self.rest if shared else self.fresh).take(follow)
        return self.before


def head(major, value):
    if value < 24:
        return bytes([major << 5 | value])
    size = next(size for size in range(4) if value < 1 << (8 << size))
    return bytes([major << 5 | 24 + size]) + value.to_bytes(1 << size, "big")
