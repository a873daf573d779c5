"""The golden texts of edgepos-sync, read by the pages: each string of wire_golden.rs must be known to its last key, and those below
must say what the test says of them. Called by .ci/reader."""

import re

import edgepos_bodies as bodies
import edgepos_messages as messages
import edgepos_wire as wire
from edgepos_reader import ROOT, dictionaries

SYNC, EDGEPOS = ROOT / "edgepos-sync" / "tests", ROOT / "edgepos" / "tests"
R = "1-0000000000a5"
STORE_HEX, REPLICA_HEX = "5011111111111111111111111111111111", "1b00010000000000a5"
VECTOR_HEX, HEADS_HEX = f"a1{REPLICA_HEX}82031901f4", f"a1{REPLICA_HEX}82405820{'22' * 32}"
ID_HEX = "5100010000000000a5010000000000000007"
VECTOR, HEADS = {f"{R}/0": 3, f"{R}/1": 500}, {f"{R}/1": "22" * 32}
HELD = {"vector": VECTOR, "heads": HEADS, "instance": "33" * 8}
# What the placeholders of the Rust strings stand for.
NAMED = {"STORE_HEX": STORE_HEX, "REPLICA_HEX": REPLICA_HEX, "head": "22" * 32, "instance": "33" * 8, "heads": HEADS_HEX, "id": ID_HEX,
         "held": f"02{VECTOR_HEX} 0a{HEADS_HEX} 0b48{'33' * 8}", "bytes_of_hash": "5820" + "22" * 32, "hash": "22" * 32,
         "event": ID_HEX[2:], "hash_hex": "66" * 32, "length:02x": None, "body": None}

EXPECTED = [
    ("message", "a9000101010202 03{STORE_HEX} 04f5 05{} 06a1{REPLICA_HEX}82405820{head} 07f4 088101",
     {"kind": "hello", "oldest": 1, "newest": 2, "store": "11" * 16, "heard": True, "vector": VECTOR, "heads": HEADS, "relay": False,
      "dictionaries": [1]}),
    ("message", "a3000201070242abcd", {"kind": "batch", "number": 7, "batch": "abcd"}),
    ("message", "a3000301{}03f4", {"kind": "ack", "vector": VECTOR, "relay": False}),
    ("message", "a6000301{}020703f504814900010000000000a501051903e8",
     {"kind": "ack", "vector": VECTOR, "batch": 7, "relay": True, "refused": [f"{R}/1"], "pause_ms": 1000}),
    ("message", "a4000301{}03f40803", {"kind": "ack", "vector": VECTOR, "relay": False, "greeting": 3}),
    ("message", "a4000301{}03f406f5", {"kind": "ack", "vector": VECTOR, "relay": False, "asks_cloud": True}),
    ("message", "a4000301{}03f407{heads}", {"kind": "ack", "vector": VECTOR, "relay": False, "heads": HEADS}),
    ("message", "a2000401{}", {"kind": "cloud_vector", "vector": VECTOR}),
    ("message", "a4000401{}02{heads}0348{instance}", {"kind": "cloud_vector", **HELD}),
    ("message", "a2000501a1{REPLICA_HEX}820007", {"kind": "missing", "floor": {f"{R}/1": 7}}),
    ("message", "a2000601{id}", {"kind": "probe", "event": f"{R}/1:7"}),
    ("message", "a3000701{id}02{bytes_of_hash}", {"kind": "hash", "event": f"{R}/1:7", "hash": "22" * 32}),
    ("message", "a3000c0151{event}0204", {"kind": "want", "first": f"{R}/1:7", "last": 4}),
    ("message", "a4000d0151{event}02040341ab", {"kind": "found", "first": f"{R}/1:7", "last": 4, "batch": "ab"}),
    ("message", "a5000d0151{event}02040341ab04{bytes_of_hash}",
     {"kind": "found", "first": f"{R}/1:7", "last": 4, "batch": "ab", "base": "22" * 32}),
    ("message", "a2000e011b00030000000000ab", {"kind": "rival", "replica": "3-0000000000ab"}),
    ("message", "a200186301820102", {"kind": 99}),
    ("request", "a70001 01{STORE_HEX} 02{REPLICA_HEX} 0302 0409 05f5 0a48{instance}",
     {"kind": "lease", "store": "11" * 16, "replica": R, "generation": 2, "term": 9, "leader": True, "restored": "33" * 8}),
    ("request", "a20002 01{STORE_HEX}", {"kind": "head", "store": "11" * 16}),
    ("request", "a70003 01{STORE_HEX} 02{REPLICA_HEX} 0604 07a0 08{} 0941ab",
     {"kind": "append", "store": "11" * 16, "replica": R, "epoch": 4, "old": {}, "new": VECTOR, "batch": "ab"}),
    ("request", "a3000a01{STORE_HEX}0b{id}", {"kind": "probe", "store": "11" * 16, "event": f"{R}/1:7"}),
    ("request", "a4000c01{STORE_HEX}0b51{event}0c04", {"kind": "fetch", "store": "11" * 16, "event": f"{R}/1:7", "last": 4}),
    ("reply", "a60001 0104 {held} 1302", {"kind": "lease", "epoch": 4, **HELD, "batch_format": 2}),
    ("reply", "a20002 031903e8", {"kind": "busy", "retry_after_ms": 1000}),
    ("reply", "a50003 0104 {held}", {"kind": "head", "epoch": 4, **HELD}),
    ("reply", "a50004 {held} 0c814900010000000000a501", {"kind": "ack", **HELD, "forks": [f"{R}/1"]}),
    ("reply", "a20005 0104", {"kind": "fenced", "epoch": 4}),
    ("reply", "a20006 02{}", {"kind": "conflict", "vector": VECTOR}),
    ("reply", "a20007 044900010000000000a501", {"kind": "fork", "chain": f"{R}/1"}),
    ("reply", "a20008 0506", {"kind": "refused", "reason": 6}),
    ("reply", "a3000a0d{id}0e{bytes_of_hash}", {"kind": "hash", "event": f"{R}/1:7", "hash": "22" * 32}),
    ("reply", "a4000c0d51{event}11041241ab", {"kind": "events", "event": f"{R}/1:7", "last": 4, "batch": "ab"}),
    ("reply", "a5000c0d51{event}0e{bytes_of_hash}11041241ab",
     {"kind": "events", "event": f"{R}/1:7", "hash": "22" * 32, "last": 4, "batch": "ab"}),
    ("reply", "a400030100 02a0 108251{event}04", {"kind": "head", "epoch": 0, "vector": {}, "lost": [f"{R}/1:7..4"]}),
    ("row", "aa0001 01{REPLICA_HEX} 0202 0309 04f5 05193e80 06a0 07a0 0800 09483333333333333333",
     {"epoch": 1, "holder": R, "generation": 2, "term": 9, "leads": True, "lease_ends_ms": 16000, "vector": {}, "heads": {}, "batches": 0,
      "instance": "33" * 8}),
]
# A kind of a later version. What begins as a batch does is read below.
OTHERS = {"a200186301820102"}
ROWS = {"row": messages.CLOUD_ROW, "head": messages.HEAD_ROW, "proof": messages.PROOF_ROW, "tail": messages.TAIL_ROW}
KINDS = {"message": messages.MESSAGES, "request": messages.REQUESTS, "reply": messages.REPLIES}


def filled(template):
    """The bytes of a Rust string with its placeholders, or nothing where one is not known here."""
    names = set(re.findall(r"\{([^}]+)\}", template))
    if any(NAMED.get(name) is None for name in names):
        return None
    text = re.sub(r"\{([^}]+)\}", lambda found: NAMED[found[1]], template.replace("5820{}", "5820{hash}").replace("{}", VECTOR_HEX)).replace(" ", "")
    return bytes.fromhex(text)


def read(what, data):
    return messages.row(data, ROWS[what]) if what in ROWS else messages.message(data, KINDS[what], what)


def known_to_its_last_key(data):
    """Read as one of the forms, all of it."""
    size = len(wire.item(data, "golden"))
    for what in (*KINDS, *ROWS):
        try:
            if len(read(what, data)) == size:
                return True
        except (wire.Damaged, KeyError, TypeError, ValueError):
            continue
    return False


def wires():
    """Messages, requests, replies and rows."""
    text = (SYNC / "wire_golden.rs").read_text()
    for what, template, expected in EXPECTED:
        assert f'"{template}"' in text, f"wire_golden.rs does not say {template} any more"
        found = read(what, filled(template))
        assert found == expected, f"{template}: {found}"
    for added, what in [("0901", {"level": 1}), ("0b07", {"wall": 7}), ("0a03", {"number": 3}), ("0d02", {"batch_format": 2})]:
        assert f'+ "{added}"' in text, f"wire_golden.rs does not add {added} to a Hello any more"
        hello = b"\xaa" + filled(EXPECTED[0][1])[1:] + bytes.fromhex(added)
        assert read("message", hello) == {**EXPECTED[0][2], **what}, added
    strings = {each for each in re.findall(r'"(a[1-9a-f] ?00[0-9a-zA-Z_{}: ]+)"', text)}
    golden = {each: filled(each) for each in strings - OTHERS if not each.startswith("a5000101")}
    golden = {each: data for each, data in golden.items() if data}
    unread = [each for each, data in golden.items() if not known_to_its_last_key(data)]
    assert not unread, f"the pages do not say what all of this is: {unread}"
    assert len(golden) > 30, f"only {len(golden)} strings were found"
    return len(golden)


def hashes():
    event = bytes.fromhex("00010000000000a5010000000000000001")
    golden = "176a10f6b9e185f67175dd6d97a222e17f394a5451c0937faf9b8fb44718e7bb"
    assert golden in (SYNC / "wire_golden.rs").read_text()
    assert wire.link(wire.ZERO, event, b"sale").hex() == golden


def batches():
    """Batches in both forms, compressed and not, with gaps."""
    text, known = (SYNC / "wire_golden.rs").read_text(), dictionaries()
    zstd = re.search(r'"(a50001010102000319[0-9a-f]+)"', text)[1]
    with_dictionary = re.search(r'"(a50001010102010318[0-9a-f]+)"', text)[1]
    (run,) = wire.batch(bytes.fromhex(zstd), known)
    assert (wire.chain_text(run["chain"]), run["first"], run["head"]) == (f"{R}/1", 1, b"\x44" * 32)
    assert run["payloads"] == [b"two coffees and a croissant"] * 8, run
    (run,) = wire.batch(bytes.fromhex(with_dictionary), known)
    payload = b"\x0d\x86\xa7\x00\x00\x01\x4d4006381333931\x02\x00\x03\x00\x04\x20\x05\x00\x06\x00" * 3
    assert (run["head"], run["payloads"]) == (b"\x55" * 32, [payload] * 2), run
    body = bytes.fromhex(f"81a600{REPLICA_HEX}01010203035820{'44' * 32}0482426162426364"
                         f"0582840304005820{'66' * 32}840609015820{'66' * 32}")
    length = wire.head(0, len(body)).hex(), wire.head(2, len(body)).hex()
    (run,) = wire.batch(bytes.fromhex("a500010100020003{}04{}".format(*length)) + body, known)
    assert run["payloads"] == [b"ab", b"cd"] and [(gap["first"], gap["last"], gap["at"]) for gap in run["gaps"]] == [(3, 4, 4), (6, 9, 10)]
    run["head"] = b"\x66" * 32
    assert [wire.position(event) for event, _, _ in wire.follow(run, b"\x01" * 32)] == [5, 10]
    runs = wire.batch((SYNC / "golden" / "batch_in_columns").read_bytes(), known)
    events = [event for run in runs for event in wire.follow(run, wire.ZERO)]
    assert len(events) == 30 and all(payload[:5] == b"\xa4\0\1\1\x1b" for _, _, payload in events)
    return 4


def flipped():
    """Every byte of a batch, one bit of it flipped: it is damaged, or does not link, or says the same."""
    known = dictionaries()
    good = (SYNC / "golden" / "batch_in_columns").read_bytes()
    original = wire.batch(good, known)
    for at in range(len(good)):
        bad = good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1 :]
        try:
            runs = wire.batch(bad, known)
            for run in runs:
                wire.follow(run, wire.ZERO)
        except wire.Damaged:
            continue
        assert all(run in original or run["first"] != 1 for run in runs), f"a flipped bit of byte {at} goes unnoticed"
    return len(good)


def events():
    """Bodies of each kind, and what stands around them; the page names every field as the reader does."""
    text = (EDGEPOS / "golden.rs").read_text()
    found = dict(re.findall(r"const ([A-Z_]+): &str =\s*\"([^\"]+)\"", text))
    found = {name: bytes.fromhex(re.sub(r"[\\\s]", "", value)) for name, value in found.items()}
    sale = bodies.envelope(found["SALE"])
    assert (sale["kind_name"], sale["business_day"], sale["workstation"], sale["key"]) == ("transaction", 20231114, 2, "cc" * 16), sale
    assert sale["effects"][0]["change"] == -2 and sale["refs"] == [{"role": 3, "id": b"c9".hex()}], sale
    assert bodies.body(1, sale["body"])["lines"][0] == {
        "no": 1, "product": "milk", "quantity": 2, "scale": 0, "unit_price": 0, "amount": 258, "discounts": []}
    names = {name.upper(): number for number, name in bodies.KINDS.items()}
    names.update(TRANSACTION_WITH_CHANGE=1, DAY_OPENED_WITH_CASH=6, DAY_CLOSED_WITH_CASH=7, SURPLUS=15, BASKET_TAKEN=17, DUPLICATE_BASKET=8,
                 DUPLICATE_KEY=8, SAME_NUMBER=8, FISCAL_REFUSED=10, FISCAL_WAITING=10)
    # What stands inside of a body.
    inside = {"REVERSAL": "reversal", "REVERSAL_WITHOUT_REFUND": "reversal"}
    read = 0
    for name, data in found.items():
        if name == "SALE":
            continue
        if name in inside:
            kind = inside[name]
            said = bodies.structure(wire.item(data, name), kind)
        else:
            said, kind = bodies.body(names[name], data), bodies.KINDS[names[name]]
        fields = bodies.STRUCTURES[kind][1].split()
        assert all(number < len(fields) for number in wire.item(data, name)), f"{name} has a key that the page does not say"
        assert set(said) <= {field.partition(":")[0] for field in fields}, said
        read += 1
    page = (ROOT / "docs" / "formats-bodies.md").read_text()
    said = {row[0]: row[1:] for row in re.findall(r"^\| (\w+) \| (map|array) \| (.+) \|$", page, re.M)}
    for name, (is_map, fields) in bodies.STRUCTURES.items():
        form, text = said.pop(name)
        plain = re.sub(r"\([^)]*\)", "", text)
        assert form == ("map" if is_map else "array"), name
        assert re.findall(r"(?:^|, )(\d+) (\w+)", plain) == [
            (str(number), field.partition(":")[0]) for number, field in enumerate(fields.split())], f"{name}: {plain}"
    assert not said, f"the page names more structures: {said}"
    kinds = re.findall(r"^\| (\d+) \| (\w+) \| \d \| \w+ \|$", (ROOT / "docs" / "formats.md").read_text(), re.M)
    assert {int(number): name for number, name in kinds} == bodies.KINDS
    return read


def check():
    hashes()
    print(f"golden: {wires()} strings of the wire, {batches()} batches in both forms, {events()} bodies of events, "
          f"{flipped()} flipped bits")


if __name__ == "__main__":
    check()
