"""A small store is sold in, and what its files say by the pages is compared with what its terminal answers. Called by .ci/reader."""

import contextlib
import json
import pathlib
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import cbor2

import check_sealed
import edgepos_messages as messages
from edgepos_bodies import STRUCTURES
from edgepos_reader import lines

PATIENCE_S = 240
STORE = "0" * 31 + "1"
MILK, BREAD = "4006381333931", "2000000000015"
DOCUMENTS = ["sale", "return", "exchange", "void", "no_sale"]
REASONS = ["receipt", "transfer_out", "transfer_in", "damage", "adjust"]


class Store:
    """One terminal and a cloud, on loopback, in a folder."""

    def __init__(self, program, folder):
        self.program, self.folder, self.running = program, folder, []
        self.cloud_port, self.till_port, self.peer_port = free_ports(3)
        config = subprocess.run([program, "run", "--print-config"], check=True, capture_output=True, text=True).stdout
        for usual, port in (("7000", self.cloud_port), ("7101", self.till_port), ("7201", self.peer_port)):
            config = config.replace(f'127.0.0.1:{usual}"', f'127.0.0.1:{port}"')
        # Everything goes to the cloud in one piece, however long the sales take.
        for usual in ("flush_ms = 5000", "busy_flush_ms = 30000"):
            assert f"# {usual}" in config, f"--print-config does not say {usual} any more"
            config = config.replace(f"# {usual}", f"{usual.split()[0]} = 600000")
        (folder / "terminal.toml").write_text(config)
        self.start("cloud", "--listen", f"127.0.0.1:{self.cloud_port}", "--db", "cloud.db")
        self.start("run", "--config", "terminal.toml")

    def start(self, *arguments):
        log = open(self.folder / f"{arguments[0]}.log", "w")
        self.running.append(subprocess.Popen([self.program, *arguments], cwd=self.folder, stdout=log, stderr=log, stdin=subprocess.PIPE))

    def ask(self, path, said=None):
        data = None if said is None else json.dumps(said).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.till_port}{path}", data, {"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{path}: {error.code}: {error.read().decode()}") from error

    def end(self):
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.wait()


def free_ports(count):
    held = [socket.socket() for _ in range(count)]
    for each in held:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def until(what, holds):
    end = time.monotonic() + PATIENCE_S
    while True:
        with contextlib.suppress(OSError):
            found = holds()
            if found:
                return found
        if time.monotonic() > end:
            raise SystemExit(f"{what}: not within {PATIENCE_S} s")
        time.sleep(0.2)


def name(kind, number):
    return f"{kind}{number:031x}"


def sell(store):
    """A day: prices, goods in, seventy sales of several kinds, returns, a parked basket, a close."""
    for what in (
        {"type": "day_opened", "day": 20300101, "float": 20000, "currency": "EUR"},
        {"type": "product_set", "product": MILK, "name": "Milk, 1 l", "base_unit": "piece"},
        {"type": "price_set", "product": MILK, "amount": 129, "currency": "EUR", "tax_included": True},
        {"type": "stock_received", "from": "dairy", "lines": [{"product": MILK, "quantity": 400}, {"product": BREAD, "quantity": 9}]},
    ):
        store.ask("/record", what)
    for number in range(70):
        quantity = 1 + number % 3
        lines = [{"no": 1, "product": MILK, "quantity": quantity, "unit_price": 129, "amount": 129 * quantity}]
        if number % 4 == 0:
            lines.append({"no": 2, "product": BREAD, "quantity": 1, "unit_price": 250, "amount": 250, "tax_code": 1})
        mode = {"mode": "training"} if number == 5 else {}
        book(store, number, "sale", lines, number % 2, mode)
    original = {"basket": name("b", 4), "line": 1}
    back = {"no": 1, "product": MILK, "quantity": -1, "unit_price": 129, "amount": -129, "original": original}
    book(store, 100, "return", [back], 0, {})
    new = {"no": 2, "product": BREAD, "quantity": 1, "unit_price": 250, "amount": 250}
    book(store, 101, "exchange", [{**back, "original": {**original, "basket": name("b", 2)}}, new], 1, {})
    store.ask("/record", {"type": "day_closed", "counted": 20000, "currency": "EUR"})


def book(store, number, document, lines, tender, mode):
    basket = name("b", number)
    begun = store.ask("/begin", {"basket": basket, "doc_type": document, "currency": "EUR", "lines": lines, **mode})
    paid = {"kind": "cash"} if tender == 0 else {"kind": "card", "external_ref": "auth 7"}
    store.ask("/commit", {"basket": basket, "key": name("a", number), "tenders": [{**paid, "amount": begun["total"]}]})


def greeting(store):
    """What the terminal says to another one of its store: its first frame, and its Hello."""
    with socket.create_connection(("127.0.0.1", store.peer_port), PATIENCE_S) as peer:
        stream = peer.makefile("rb")
        first = messages.greeting(frame(stream))
        mine = cbor2.dumps({0: "edgepos", 1: 1, 2: 1, 3: bytes.fromhex(STORE), 4: 0, 5: 2 << 48 | 5})
        peer.sendall(len(mine).to_bytes(4, "big") + mine)
        while True:
            said = frame(stream)
            if said[:1] == b"\2":
                return first, messages.message(said[1:], messages.MESSAGES, "message")


def frame(stream):
    length = int.from_bytes(stream.read(4), "big")
    assert length < 6 << 20, f"a frame of {length} bytes"
    return stream.read(length)


def cloud_head(store):
    """What the cloud says that it holds: a request of kind 2, and its reply."""
    request = cbor2.dumps({0: 2, 1: bytes.fromhex(STORE)})
    url = f"http://127.0.0.1:{store.cloud_port}/v1/stores/{STORE}/uplink"
    with urllib.request.urlopen(urllib.request.Request(url, request), timeout=PATIENCE_S) as answer:
        return messages.message(answer.read(), messages.REPLIES, "reply")


def read(what, path):
    found = list(lines(what, str(path)))
    return found, [each["problem"] for each in found if "problem" in each]


def sound(what, path):
    found, problems = read(what, path)
    assert not problems, f"{path}: {problems}"
    return found


def events(found):
    """Event → the hash of its chain there."""
    return {each["event"]: each["hash"] for each in found if "hash" in each and "event" in each}


def same_counters(found, answered):
    """GET /counters, and the lines of the reader."""
    ours = {(each["counter"], each["location"], each["key"]): each["value"] for each in found if "counter" in each and not each["state"]}
    theirs = {(each["counter"], each["location"], each["key"]): each["value"] for each in answered}
    assert ours == theirs, f"counters: {ours} and {theirs}"
    return len(theirs)


def in_words(structure, said):
    """A body as the terminal shows it: names for numbers, null for what nobody says."""
    fields = [field.partition(":") for field in STRUCTURES[structure][1].split()]
    shown = {field: said.get(field) for field, _, _ in fields}
    for field, _, kind in fields:
        inner = kind.strip("[]")
        if inner in STRUCTURES and shown[field] is not None:
            many = kind.startswith("[")
            shown[field] = [in_words(inner, each) for each in shown[field]] if many else in_words(inner, shown[field])
    for field, words in (("doc_type", DOCUMENTS), ("reason", REASONS)):
        if isinstance(shown.get(field), int):
            shown[field] = words[shown[field]]
    return shown


def same_transactions(found, answered):
    """GET /transactions, field by field."""
    ours = {each["event"]: each for each in found if each.get("kind_name") == "transaction"}
    assert set(ours) == {each["event"] for each in answered}, "other transactions than GET /transactions"
    for each in answered:
        event = ours[each["event"]]
        for field, theirs in (("utc_ms", "utc_ms"), ("business_day", "business_day"), ("workstation", "terminal"), ("location", "location"),
                              ("operator", "operator"), ("duplicate_of", "duplicate_of")):
            assert event[field] == each[theirs], f"{each['event']}: {field}"
        assert ["live", "training"][event["mode"]] == each["mode"]
        words = in_words("transaction", event["body"])
        assert words == each["transaction"], f"{each['event']}: {words} and {each['transaction']}"
    return len(answered)


def same_export(found, exported):
    """`export`: every event, with what it shows of it."""
    ours = {each["event"]: each for each in found if "event" in each}
    assert set(ours) == {each["id"] for each in exported}, "other events than the export"
    for each in exported:
        event, kind = ours[each["id"]], each["type"]
        assert (event["kind_name"], event["utc_ms"], event["key"]) == (kind, each["timestamp"], each.get("idempotency_key")), each
        shown = {("doc_type" if kind == "transaction" and field == "type" else field): said for field, said in each[kind].items()}
        said = {field: event["body"].get(field) for field in shown}
        for field, words in (("doc_type", DOCUMENTS), ("reason", REASONS)):
            if field in said:
                said[field] = words[said[field]]
        for field in ("lines", "tenders"):
            if isinstance(said.get(field), list):
                said[field] = [{one: value[one] for one in other} for value, other in zip(said[field], shown[field], strict=True)]
        assert said == shown, f"{each['id']}: {said} and {shown}"
    return len(exported)


def broken(folder, till):
    """Copies with one thing wrong each: the reader must find it and say where."""
    plain = sqlite3.connect(till)
    (packed,) = plain.execute("SELECT key FROM events WHERE dictionary IS NOT NULL AND kind = 1 ORDER BY key LIMIT 1 OFFSET 8").fetchone()
    (whole,) = plain.execute("SELECT key FROM events WHERE dictionary IS NULL ORDER BY key LIMIT 1").fetchone()
    plain.close()
    at = int.from_bytes(packed[9:], "big")
    faults = [
        ("a byte of a packed payload", packed, f":{at}: ", lambda file: flip(file, "payload", packed, 40)),
        ("a byte of a payload", whole, f":{int.from_bytes(whole[9:], 'big')}: its hash", lambda file: flip(file, "payload", whole, 6)),
        ("a byte of a hash", packed, f":{at}: its hash", lambda file: flip(file, "hash", packed, 3)),
        ("an event", packed, f"missing: position {at}", lambda file: file.execute("DELETE FROM events WHERE key = ?", (packed,))),
        ("a column", packed, f":{at}: the column total says", lambda file: file.execute("UPDATE events SET total = 1 WHERE key = ?", (packed,))),
        ("a counter row", None, "counter row 0/0/0/", lambda file: file.execute("UPDATE rows SET value = x'8401010000' WHERE space = 6 AND "
                                                                                "substr(key, 1, 2) = x'0000'")),
        ("a head", None, "the head is not", lambda file: file.execute("DELETE FROM rows WHERE space = 5")),
    ]
    for what, _, expected, harm in faults:
        finds(folder, "till", till, what, expected, harm)
    return len(faults)


def broken_cloud(folder, cloud):
    """The same of the cloud's file."""
    (key,) = sqlite3.connect(cloud).execute("SELECT key FROM event ORDER BY key LIMIT 1 OFFSET 8").fetchone()
    at = int.from_bytes(key[9:], "big")
    faults = [
        ("a byte of the cloud's payload", f":{at}: its hash", lambda file: flip(file, "payload", key, 40, "event")),
        ("an event of the cloud", f"missing: position {at}", lambda file: file.execute("DELETE FROM event WHERE key = ?", (key,))),
        ("a batch of the cloud", "batches and says", lambda file: file.execute("DELETE FROM batch WHERE no = 1")),
        ("a byte of a batch", "batch 1: ", lambda file: flip(file, "body", 1, 40, "batch", "no")),
    ]
    for what, expected, harm in faults:
        finds(folder, "cloud", cloud, what, expected, harm)
    return len(faults)


def finds(folder, kind, whole, what, expected, harm):
    copy = folder / "broken.db"
    # A program that was killed has left its last writes beside the file.
    for end in ("", "-wal"):
        if pathlib.Path(f"{whole}{end}").exists():
            shutil.copy(f"{whole}{end}", f"{copy}{end}")
    file = sqlite3.connect(copy)
    harm(file)
    file.commit()
    file.close()
    _, problems = read(kind, copy)
    assert any(expected in problem for problem in problems), f"{what} was harmed, and the reader says {problems}"
    for path in folder.glob("broken.db*"):
        path.unlink()


def flip(file, column, key, at, table="events", by="key"):
    (value,) = file.execute(f"SELECT {column} FROM {table} WHERE {by} = ?", (key,)).fetchone()
    value = value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]
    file.execute(f"UPDATE {table} SET {column} = ? WHERE {by} = ?", (value, key))


def live(program):
    with tempfile.TemporaryDirectory() as home:
        folder = pathlib.Path(home)
        store = Store(program, folder)
        try:
            until("the terminal answers", lambda: store.ask("/status"))
            sell(store)
            first, hello = greeting(store)
            assert first["store"] == hello["store"] == STORE and first["replica"].startswith("1-"), first
            assert hello["kind"] == "hello" and hello["batch_format"] == 2 and hello["lost"] == [], hello
            store.ask("/flush", {})
            recorded = events(sound("till", folder / "terminal-1.db"))
            until("the cloud has it all", lambda: events(read("cloud", folder / "cloud.db")[0]) == recorded)
            counters, page = store.ask("/counters"), store.ask("/transactions?limit=100")
            head = cloud_head(store)
            # Beside the running till its counter rows are behind its events.
            same_counters(sound("till", folder / "terminal-1.db"), counters)
            store.ask("/stop", {})
            store.running[1].wait(PATIENCE_S)
        finally:
            store.end()
        subprocess.run([program, "export", "--db", "terminal-1.db", "--out", "events.jsonl"], cwd=folder, check=True, capture_output=True)
        till, cloud = sound("till", folder / "terminal-1.db"), sound("cloud", folder / "cloud.db")
        assert events(cloud) == events(till), "the cloud has other events"
        forms = [each["format"] for each in cloud if "batch" in each]
        assert 2 in forms, f"no batch came in columns: {forms}"
        ends = {each["chain"]: each for each in till if "chain" in each}
        for said in (hello, head):
            assert said["vector"] == {name: end["last"] for name, end in ends.items()}, said
            assert said["heads"] == {name: end["hash"] for name, end in ends.items()}, said
        exported = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
        print(
            f"a store: {len(events(till))} events, {len(forms)} batches ({forms.count(2)} in columns), {same_counters(till, counters)} counters, "
            f"{same_transactions(till, page['transactions'])} transactions, {same_export(till, exported)} exported, "
            f"{check_sealed.check(program, folder, folder / 'terminal-1.db', lambda path: read('till', path))} segments, "
            f"{broken(folder, folder / 'terminal-1.db') + broken_cloud(folder, folder / 'cloud.db')} faults found"
        )


def files(folder):
    """The files that a demo left: every till's and the cloud's, which agree."""
    said = {}
    for path in sorted(pathlib.Path(folder).rglob("*.db")):
        tables = {name for (name,) in sqlite3.connect(f"file:{path}?mode=ro", uri=True).execute("SELECT name FROM sqlite_master")}
        what = "till" if "events" in tables else "cloud" if "batch" in tables else None
        # A copy is of an earlier moment.
        if what and not path.name.endswith(".copy.db"):
            found = sound(what, path)
            said.setdefault("events", []).append(events(found))
            if what == "till":
                said.setdefault("counters", []).append([each for each in found if "counter" in each])
            print(f"{path.name}: {len(said['events'][-1])} events, {sum('counter' in each for each in found)} counters")
    assert said, f"{folder} holds no store"
    for what, all in said.items():
        assert all == all[:1] * len(all), f"the files of {folder} have other {what}"


if __name__ == "__main__":
    live(sys.argv[1])
    for each in sys.argv[2:]:
        files(each)
