#!/usr/bin/env python3
"""Reads what edgepos keeps and says, by docs/formats.md, docs/formats-sync.md and docs/formats-bodies.md alone.

    edgepos_reader.py till FILE          a terminal's SQLite file
    edgepos_reader.py cloud FILE         the cloud's SQLite file
    edgepos_reader.py message HEX        a message between terminals; or greeting, request, reply, batch

Prints JSON lines: each event with its body, each chain with its hash, each counter. What does not hold is a line {"problem": …} and
exit status 1.
"""

import contextlib
import hashlib
import heapq
import json
import pathlib
import sqlite3
import sys
import zlib

import zstandard

import edgepos_messages as messages
from edgepos_bodies import MALFORMED, body, envelope
from edgepos_wire import (
    ZERO, Damaged, batch, by_chain, chain_key, chain_text, demand, follow, id_text, item, link, position, replica_text,
)

ROOT = pathlib.Path(__file__).resolve().parents[2]
APPLICATION, VERSION = 0x45504F53, 5
SEQ_BITS = 40
HEAD, COUNTER, SERIES, KEY, QUARANTINE, DAY, REISSUED, APPLIED, REFUNDED, LOST = 5, 6, 9, 7, 12, 14, 17, 22, 26, 28
STOCK, RETURNABLE = 0, 2
SALE_OF_A_KEY = ((2, "series"), (3, "number"), (4, "total"))


def dictionaries():
    folder = ROOT / "edgepos-sync" / "dictionaries"
    return {int(file.stem): zstandard.ZstdCompressionDict(file.read_bytes()) for file in folder.glob("*.zdict")}


def open_file(path):
    demand(pathlib.Path(path).is_file(), f"{path} is no file")
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    database.row_factory = sqlite3.Row
    # One moment of the file, also beside a program that writes on.
    database.execute("BEGIN")
    return database


class Chain:
    """Follows one chain from its first event, over what is lost, and says where it breaks."""

    def __init__(self, chain, lost, problem):
        self.chain, self.lost, self.problem = chain, lost, problem
        self.at, self.hash, self.forced, self.events = 1, ZERO, {}, 0

    def over_gaps(self):
        while self.at in self.lost:
            last, at, hash = self.lost[self.at]
            self.forced[at], self.at = hash, last + 1
            self.hash = self.forced.get(last)

    def take(self, event, payload, hash):
        self.over_gaps()
        seq = position(event)
        if seq != self.at:
            missing = f"{self.at}" if seq == self.at + 1 else f"{self.at} to {seq - 1}"
            self.problem(f"{chain_text(self.chain)}: missing: position {missing}")
            self.hash = None
        expected = self.forced.get(seq) or (link(self.hash, event, payload) if self.hash is not None and payload is not None else hash)
        # An event that a cloud of 0.1.0 took has none of its own.
        hash = expected if hash is None else hash
        if hash != expected:
            self.problem(f"{id_text(event)}: its hash is not that of its payload behind the event before")
        self.at, self.hash, self.events = seq + 1, hash, self.events + 1

    def end(self, head):
        """The end is where the head says."""
        self.over_gaps()
        if head is None or head != (self.at - 1, self.hash):
            said = "there is none" if head is None else f"it says position {head[0]}"
            self.problem(f"{chain_text(self.chain)}: the head is not the chain's end at {self.at - 1}: {said}")


def block_rows(body):
    """The rows of a block: keys and values by rising key."""
    codec, length, count = body[0], int.from_bytes(body[1:5], "big"), int.from_bytes(body[5:7], "big")
    demand(codec in (0, 1) and 1 <= count <= 192, "packed as nobody packs")
    rest = zstandard.ZstdDecompressor().decompress(body[7:], max_output_size=length) if codec else body[7:]
    demand(len(rest) == length, "it unpacks to another length")

    def take(many):
        nonlocal rest
        demand(len(rest) >= many, "it ends early")
        taken, rest = rest[:many], rest[many:]
        return taken

    shapes = [(int.from_bytes(take(2), "big"), int.from_bytes(take(2), "big")) for _ in range(take(1)[0])]
    of = take(count)
    members = [[row for row in range(count) if of[row] == shape] for shape in range(len(shapes))]
    columns = [(rows, column) for (key, value), rows in zip(shapes, members) for column in range(key + value)]
    parts = take(len(columns))
    rows = [bytearray(sum(shapes[shape])) for shape in of]
    for part in (0, 1):
        for (of_column, column), its in zip(columns, parts):
            if its == part:
                for row, byte in zip(of_column, take(len(of_column))):
                    rows[row][column] = byte
    demand(not rest, "something follows it")
    found = [(bytes(row[: shapes[shape][0]]), bytes(row[shapes[shape][0] :])) for row, shape in zip(rows, of)]
    demand(all(a[0] < b[0] for a, b in zip(found, found[1:])), "its keys do not rise")
    return found


class Till:
    def __init__(self, database):
        self.database, self.dictionaries = database, dictionaries()
        application, version = (self.database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
        demand(application == APPLICATION, "a file of another application")
        demand(version <= VERSION, f"a file of version {version}, which this reader does not know")
        self.problems, self.events, self.held = [], {}, set()
        columns = {row["name"] for row in self.database.execute("PRAGMA table_info(events)")}
        self.packs = "dictionary" in columns
        self.sums = any(row["name"] == "sum" for row in self.database.execute("PRAGMA table_info(rows)"))
        self.lost = {}
        for key, value in self.rows(LOST, decode=False):
            if len(key) == 17:
                gap = item(value, "what is lost")
                self.lost.setdefault(key[:9], {})[position(key)] = (gap[0], gap[1], gap[2])
        uncounted = set()
        for key, value in self.rows(LOST, decode=False):
            if len(key) == 18 and key[:1] == b"u":
                last = int.from_bytes(value, "big") if value else position(key[1:])
                uncounted.update(key[1:10] + seq.to_bytes(8, "big") for seq in range(position(key[1:]), last + 1))
        self.uncounted = uncounted | {key for key, _ in self.rows(QUARANTINE, decode=False) if len(key) == 17}
        self.me = int.from_bytes(self.row(0, b"me", decode=False), "big")
        self.author = self.row(16, b"name") or self.me

    def rows(self, space, decode=True):
        sums = "sum" if self.sums else "NULL AS sum"
        found = dict(self.blocks(space))
        for row in self.database.execute(f"SELECT key, value, {sums} FROM rows WHERE space = ?", (space,)):
            if row["sum"] not in (None, row_sum(space, row["key"], row["value"])):
                self.problems.append(f"row {row['key'].hex()} of space {space}: its sum says otherwise")
            # One that stands by itself was written later than the same one in a block.
            found[row["key"]] = row["value"]
        for key, value in sorted(found.items()):
            try:
                yield key, item(value, f"space {space}") if decode else value
            except Damaged as error:
                self.problems.append(f"row {key.hex()}: {error}")

    def row(self, space, key, decode=True):
        found = self.database.execute("SELECT value FROM rows WHERE space = ? AND key = ?", (space, key)).fetchone()
        value = found["value"] if found else dict(self.blocks(space)).get(key)
        return value if value is None or not decode else item(value, f"space {space}")

    def blocks(self, space):
        """The rows that stand together."""
        if not self.database.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'blocks'").fetchone()[0]:
            return
        for block in self.database.execute("SELECT * FROM blocks WHERE space = ? ORDER BY first", (space,)):
            try:
                demand(block["sum"] == row_sum(space, block["first"], block["body"]), "its sum says otherwise")
                rows = block_rows(block["body"])
                demand(len(rows) == block["rows"] and rows[0][0] == block["first"], "its columns say otherwise")
                yield from rows
            except (Damaged, *MALFORMED) as error:
                self.problems.append(f"block {block['id']} of space {space}: {error}")

    def payload(self, row):
        """The payload as it is hashed."""
        if not self.packs or row["dictionary"] is None:
            return row["payload"]
        demand(row["dictionary"] in self.dictionaries, f"dictionary {row['dictionary']} is unknown")
        unpack = zstandard.ZstdDecompressor(dict_data=self.dictionaries[row["dictionary"]])
        try:
            return unpack.decompress(row["payload"])
        except zstandard.ZstdError as error:
            raise Damaged(f"its payload does not unpack: {error}") from error

    def read(self):
        """Lines for every event and every chain; the events are kept for what is recomputed from them."""
        yield {"store": self.row(0, b"store", decode=False).hex(), "terminal": replica_text(self.me), "author": replica_text(self.author)}
        chains = {}
        for key, row, sealed in heapq.merge(self.one_by_one(), self.sealed(), key=lambda each: each[0]):
            self.held.add(key)
            chain = chains.setdefault(key[:9], Chain(key[:9], self.lost.get(key[:9], {}), self.problems.append))
            payload = None
            try:
                payload = self.payload(row) if sealed is None else sealed
                yield self.event(key, row, payload)
            except (Damaged, *MALFORMED) as error:
                if payload is None or key not in self.uncounted:
                    self.problems.append(f"{id_text(key)}: {error}")
                yield {"event": id_text(key), "unreadable": str(error)}
            chain.take(key, payload, row["hash"])
        heads = {key: (value[0], value[1]) for key, value in self.rows(HEAD)}
        for key in sorted(set(chains) | set(heads) | set(self.lost)):
            chain = chains.get(key) or Chain(key, self.lost.get(key, {}), self.problems.append)
            chain.end(heads.get(key))
            yield {"chain": chain_text(key), "events": chain.events, "last": chain.at - 1, "hash": chain.hash and chain.hash.hex()}

    def one_by_one(self):
        for row in self.database.execute("SELECT * FROM events ORDER BY key"):
            yield row["key"], row, None

    def sealed(self):
        """The events of all segments by their keys, each as a row of its hash alone, and its payload."""
        if not self.database.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'segments'").fetchone()[0]:
            return
        chains = {row["no"]: row["key"] for row in self.database.execute("SELECT no, key FROM chains")}
        segments = self.database.execute("SELECT * FROM segments").fetchall()
        for row in sorted(segments, key=lambda row: (chains[row["id"] >> SEQ_BITS], row["id"])):
            chain, first = chains[row["id"] >> SEQ_BITS], row["id"] & (1 << SEQ_BITS) - 1
            try:
                events = self.unsealed(row, chain, first)
            except (Damaged, *MALFORMED) as error:
                self.problems.append(f"{chain_text(chain)}: the segment at {first}: {error}")
                continue
            asked = {
                "terminal": chain[0] << 8 | chain[1], "incarnation": replica_text(int.from_bytes(chain[:8], "big")), "lane": chain[8],
                "first": first, "last": first + len(events) - 1,
            }
            for name, value in asked.items():
                if row[name] != value:
                    self.problems.append(f"{chain_text(chain)}: the segment at {first}: the column {name} says {row[name]}, and the events {value}")
            for key, payload, hash in events:
                yield key, {"hash": hash}, payload

    def unsealed(self, row, chain, first):
        """The events of a segment: keys, payloads, hashes."""
        digest = hashlib.sha256(chain + first.to_bytes(8, "big") + row["last"].to_bytes(8, "big") + row["hash"] + row["batch"]).digest()
        demand(digest == row["digest"], "its digest is not that of its bytes")
        (one,) = batch(row["batch"], self.dictionaries)
        demand(one["chain"] == chain and one["first"] == first and not one["gaps"], "its run is another one")
        key, hash = chain + first.to_bytes(8, "big"), row["hash"]
        events = [(key, one["payloads"][0], hash)]
        for at, payload in enumerate(one["payloads"][1:], first + 1):
            key = chain + at.to_bytes(8, "big")
            hash = link(hash, key, payload)
            events.append((key, payload, hash))
        demand(hash == one["head"], "its events do not lead to its head")
        return events

    def event(self, key, row, payload):
        found = envelope(payload)
        found["body"] = body(found["kind"], found["body"])
        asked = {
            "terminal": key[0] << 8 | key[1], "incarnation": replica_text(int.from_bytes(key[:8], "big")), "lane": key[8],
            "seq": position(key), **{name: found[name] for name in ("kind", "kind_name", "utc_ms", "business_day", "workstation")},
        }
        if found["kind_name"] == "transaction":
            asked.update({name: found["body"][name] for name in ("series", "number", "total", "currency")})
        for name, value in asked.items():
            # An event in a segment has no columns of its own.
            if name in row.keys() and row[name] != value:
                self.problems.append(f"{id_text(key)}: the column {name} says {row[name]}, and the event {value}")
        shown = {**found, "effects": [{**each, "key": each["key"].hex()} for each in found["effects"]]}
        self.events[key] = found | {"hash": row["hash"]}
        return {"event": id_text(key), "hash": row["hash"].hex(), **shown}

    # Counters

    def counts(self, key):
        """Whether an event's effects count: it is no duplicate, and of those written again the one that does."""
        found = self.events[key]
        return found["duplicate_of"] is None and key not in self.uncounted and self.instead.get(key, key) == key

    def recompute(self):
        """The counter rows as the effects of the events up to `applied` give them, and what the events above it add."""
        self.instead = {}
        for key, (counting, repeats, _) in self.rows(REISSUED):
            # Another event may have the name by now: the hash says which one was written again.
            old = [key[:17]] if self.events.get(key[:17], {}).get("hash") == key[17:] else []
            self.instead.update({each: counting for each in [*old, *repeats]})
        applied = self.row(APPLIED, b"rows")
        self.problems.extend(f"the counter rows count {id_text(event)}, which is not held" for event in applied or [] if event not in self.held)
        upto = None if applied is None else {event[:9]: position(event) for event in applied}
        rows, above, own = {}, {}, {}
        for key, found in self.events.items():
            if not self.counts(key):
                continue
            counted = upto is None or position(key) <= upto.get(key[:9], 0)
            for row, (change, _) in sums(found["effects"]).items():
                if row[:2] == b"\0\2" and change >= 0 and row[7:23].hex() == basket_of(found):
                    own.setdefault(row, []).append((key, change, counted))
                elif counted:
                    move(rows, row, key, change)
                else:
                    above[row] = above.get(row, 0) + change
        # A line has a row once something of it came back: then its sale is counted there too.
        for row in {row for row, _ in rows} | set(above):
            for key, change, counted in own.get(row, []):
                if counted:
                    move(rows, row, key, change)
                else:
                    above[row] = above.get(row, 0) + change
        return rows, above

    def counters(self):
        """Lines for every counter, after comparing each row on disk with what the events say."""
        expected, above = self.recompute()
        values = dict(above)
        for key, value in self.rows(COUNTER):
            row, chain = key[:-9], key[-9:]
            stamp, added, taken, floor = value
            values[row] = values.get(row, 0) + added - taken
            if expected.pop((row, chain), None) != [stamp, added, taken]:
                self.problems.append(f"counter row {counter_text(row)} of {chain_text(chain)}: the events say otherwise")
        for row, chain in expected:
            self.problems.append(f"counter row {counter_text(row)} of {chain_text(chain)}: it is missing")
        for row, value in sorted(values.items()):
            counter, location, state, key = split(row)
            yield {"counter": counter, "location": location, "state": state, "key": key, "value": value}

    # What else follows from the events

    def named(self):
        """Series, keys, refunds and the day, as far as the events of this terminal name them."""
        last, refunded, day = {}, {}, None
        for key, found in self.events.items():
            own = int.from_bytes(key[:8], "big") == self.author
            if own and found["kind_name"] in ("transaction", "number_voided"):
                series, number = found["body"]["series"], found["body"]["number"]
                last[series.encode()] = max(number, last.get(series.encode(), 0))
            if own and found["key"]:
                row = self.row(KEY, bytes.fromhex(found["key"]))
                sale = found["body"] if found["kind_name"] == "transaction" else {}
                if row is None or row[0] != key or any(row[at] != sale[name] for at, name in SALE_OF_A_KEY if sale) or (
                    sale and row[1].hex() != sale["basket"]
                ):
                    self.problems.append(f"{id_text(key)}: its key {found['key']} leads to no such row")
            if found["kind_name"] == "transaction" and self.counts(key):
                for line in found["body"]["lines"]:
                    if "original" in line:
                        row = bytes.fromhex(line["original"]["basket"]) + line["original"]["line"].to_bytes(2, "big")
                        refunded[row] = refunded.get(row, 0) - line["amount"]
            # Its own day: the store's, which any terminal opens and closes, has a row of its own.
            if int.from_bytes(key[:2], "big") == self.author >> 48 and found["kind_name"] in ("day_opened", "day_closed"):
                day = max(day or (0, False, True), (found["body"]["day"], found["kind_name"] == "day_closed"))[:2]
        for key, value in self.rows(SERIES, decode=False):
            if int.from_bytes(value, "big") < last.get(key, 0):
                self.problems.append(f"series {key.decode()}: {last[key]} is given, and the row is behind")
        if dict(self.rows(REFUNDED)) != refunded:
            self.problems.append("the refunds of lines are not those of the receipts")
        if day and self.row(DAY, b"day") != [day[0], not day[1]]:
            self.problems.append(f"the day is not {day[0]}")


def sums(effects):
    """What one event does to each row: its effects on one row are summed up first."""
    found = {}
    for each in effects:
        row = each["counter"].to_bytes(2, "big") + each["location"].to_bytes(4, "big") + bytes([each["state"]])
        row += fourteen(each["key"]) if each["counter"] == STOCK else each["key"]
        change, floor = found.get(row, (0, None))
        floors = [floor for floor in (floor, each["floor"]) if floor is not None]
        found[row] = (change + each["change"], min(floors, default=None))
    return found


def row_sum(space, key, value):
    """CRC-32 of a row, as SQLite stores it: signed."""
    data = bytes([space]) + len(key).to_bytes(4, "big") + key + value
    return int.from_bytes(zlib.crc32(data).to_bytes(4, "big"), "big", signed=True)


def move(rows, row, event, change):
    cell = rows.setdefault((row, event[:9]), [0, 0, 0])
    cell[0] = max(cell[0], position(event))
    cell[1 if change >= 0 else 2] += abs(change)


def basket_of(found):
    return found["body"].get("basket") if isinstance(found["body"], dict) else None


def fourteen(code):
    """The key of a GTIN, whatever form an event of 0.1.0 names it in."""
    if not code.isdigit() or len(code) not in (8, 12, 13, 14):
        return code
    digits = [digit - 48 for digit in code.rjust(14, b"0")]
    right = (sum(digits[0:13:2]) * 3 + sum(digits[1:13:2]) + digits[13]) % 10 == 0
    return code.rjust(14, b"0") if right else code


def split(row):
    """A counter row's key: counter, location, state, key."""
    counter, key = int.from_bytes(row[:2], "big"), row[7:]
    return counter, int.from_bytes(row[2:6], "big"), row[6], key.hex() if counter in (RETURNABLE, 6, 7) else key.decode(errors="replace")


def counter_text(row):
    return "/".join(map(str, split(row)))


class Cloud:
    """The cloud's file: what each store has uploaded."""

    def __init__(self, database):
        self.database, self.dictionaries, self.problems = database, dictionaries(), []

    def read(self):
        for row in self.database.execute("SELECT * FROM store ORDER BY id"):
            state = item(row["state"], "the cloud's row")
            yield {"store": row["id"].hex(), **messages.row(row["state"], messages.CLOUD_ROW)}
            if row["epoch"] != state[0] or row["batches"] != state[8]:
                self.problems.append(f"store {row['id'].hex()}: its columns are not those of its row")
            yield from self.events(row["id"], state)
            yield from self.batches(row["id"], state[8])

    def events(self, store, state):
        vector, heads, chains = by_chain(state[6], "vector"), by_chain(state[7], "heads"), {}
        lost = self.lost(state)
        for row in self.database.execute("SELECT * FROM event WHERE store = ? ORDER BY key", (store,)):
            key = row["key"]
            chain = chains.setdefault(key[:9], Chain(key[:9], {}, self.problems.append))
            while chain.at in lost.get(key[:9], {}):
                # What hash is behind a gap the cloud keeps with the event there.
                chain.at, chain.hash = lost[key[:9]][chain.at] + 1, None
            chain.take(key, row["payload"], row["hash"])
            try:
                found = envelope(row["payload"])
                found["body"] = body(found["kind"], found["body"])
                shown = {**found, "effects": [{**each, "key": each["key"].hex()} for each in found["effects"]]}
                yield {"event": id_text(key), "hash": row["hash"] and row["hash"].hex(), **shown}
            except (Damaged, *MALFORMED) as error:
                yield {"event": id_text(key), "unreadable": str(error)}
        for key in sorted(set(chains) | set(vector)):
            chain = chains.get(key) or Chain(key, {}, self.problems.append)
            chain.end((vector.get(key, 0), heads.get(key)) if key in vector else None)
            yield {"chain": chain_text(key), "events": chain.events, "last": chain.at - 1, "hash": chain.hash and chain.hash.hex()}

    def lost(self, state):
        found, said = {}, state.get(10, [])
        for first, last in zip(said[::2], said[1::2]):
            found.setdefault(first[:9], {})[position(first)] = last
        return found

    def batches(self, store, count):
        """Each batch as it came: its runs end in the hashes that they say, and its events are those that the cloud keeps."""
        numbers = []
        for row in self.database.execute("SELECT no, body FROM batch WHERE store = ? ORDER BY no", (store,)):
            numbers.append(row["no"])
            try:
                runs = batch(row["body"], self.dictionaries)
                events = [event for run in runs for event in follow(run, self.before(store, run))]
                for event, _, payload in events:
                    kept = self.database.execute("SELECT payload FROM event WHERE store = ? AND key = ?", (store, event)).fetchone()
                    demand(kept and kept["payload"] == payload, f"{id_text(event)} is not what the cloud keeps")
                yield {"batch": row["no"], "format": item(row["body"], "batch")[0], "bytes": len(row["body"]), "events": len(events)}
            except Damaged as error:
                self.problems.append(f"batch {row['no']}: {error}")
        if numbers != list(range(1, count + 1)):
            self.problems.append(f"store {store.hex()}: it has {len(numbers)} batches and says {count}")

    def before(self, store, run):
        key = run["chain"] + (run["first"] - 1).to_bytes(8, "big")
        found = self.database.execute("SELECT hash FROM event WHERE store = ? AND key = ?", (store, key)).fetchone()
        return found["hash"] if found else ZERO


def wire(what, data):
    if what == "batch":
        return [
            {"chain": chain_text(run["chain"]), "first": run["first"], "head": run["head"].hex(),
             "payloads": [payload.hex() for payload in run["payloads"]],
             "gaps": [{**gap, "hash": gap["hash"].hex()} for gap in run["gaps"]]}
            for run in batch(data, dictionaries())
        ]
    if what == "greeting":
        return messages.greeting(data)
    kinds = {"message": messages.MESSAGES, "request": messages.REQUESTS, "reply": messages.REPLIES}[what]
    return messages.message(data, kinds, what)


def file_lines(what, database):
    source = (Till if what == "till" else Cloud)(database)
    try:
        yield from source.read()
        if what == "till":
            yield from source.counters()
            source.named()
    except MALFORMED as error:
        source.problems.append(f"a row is not built as the pages say: {error!r}")
    yield from ({"problem": each} for each in source.problems)


def lines(what, argument):
    """What a file or a message says, and what does not hold there."""
    try:
        if what in ("till", "cloud"):
            with contextlib.closing(open_file(argument)) as database:
                yield from file_lines(what, database)
        else:
            yield wire(what, bytes.fromhex(argument))
    except (Damaged, sqlite3.DatabaseError, *MALFORMED) as error:
        yield {"problem": str(error) or repr(error)}


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("till", "cloud", "message", "greeting", "request", "reply", "batch"):
        print(__doc__, file=sys.stderr)
        return 2
    failed = False
    for line in lines(sys.argv[1], sys.argv[2]):
        failed |= isinstance(line, dict) and "problem" in line
        print(json.dumps(line, ensure_ascii=False))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
