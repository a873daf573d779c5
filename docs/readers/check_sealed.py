"""A till's file is sealed by the pages alone: its reader and the program read from it what they read before. Called by check_store.py."""

import hashlib
import shutil
import sqlite3
import subprocess

import cbor2

from edgepos_reader import SEQ_BITS, Till, row_sum

# Small, so that a short day fills several.
EVENTS = 5
TABLE = """CREATE TABLE segments (id INTEGER PRIMARY KEY, terminal INTEGER NOT NULL, incarnation TEXT NOT NULL, lane INTEGER NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL, from_utc_ms INTEGER, to_utc_ms INTEGER, hash BLOB NOT NULL, digest BLOB NOT NULL,
    batch BLOB NOT NULL)"""


def seal(path):
    """Moves all events but the last one of each chain. How many segments that makes."""
    file = sqlite3.connect(path)
    file.row_factory = sqlite3.Row
    till, made = Till(file), 0
    file.execute(TABLE)
    file.execute("PRAGMA user_version = 4")
    for chain in file.execute("SELECT no, key FROM chains").fetchall():
        bounds = (chain["no"] << SEQ_BITS, (chain["no"] + 1 << SEQ_BITS) - 1)
        rows = file.execute("SELECT * FROM events WHERE id BETWEEN ? AND ? ORDER BY id", bounds).fetchall()[:-1]
        for at in range(0, len(rows), EVENTS):
            put(file, till, chain["key"], rows[at : at + EVENTS])
            made += 1
    file.commit()
    file.close()
    return made


def put(file, till, chain, rows):
    first, last = rows[0], rows[-1]
    run = {
        0: int.from_bytes(chain[:8], "big"), 1: chain[8], 2: first["seq"], 3: last["hash"], 4: [till.payload(row) for row in rows],
    }
    body = cbor2.dumps([run])
    # In rows, and not compressed: as any batch may be.
    batch = cbor2.dumps({0: 1, 1: 0, 2: 0, 3: len(body), 4: body})
    digest = hashlib.sha256(first["key"] + last["seq"].to_bytes(8, "big") + first["hash"] + batch).digest()
    times = [row["utc_ms"] for row in rows if row["utc_ms"] is not None]
    file.execute("DELETE FROM events WHERE id BETWEEN ? AND ?", (first["id"], last["id"]))
    file.execute(
        "INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (first["id"], first["terminal"], first["incarnation"], first["lane"], first["seq"], last["seq"], min(times, default=None),
         max(times, default=None), first["hash"], digest, batch),
    )


def archive(path):
    """Moves all rows of some spaces into blocks, as they are and not compressed. How many blocks that makes."""
    file = sqlite3.connect(path)
    made = 0
    file.execute("CREATE TABLE blocks (id INTEGER PRIMARY KEY, space INTEGER NOT NULL, first BLOB NOT NULL, rows INTEGER NOT NULL,"
                 " sum INTEGER NOT NULL, body BLOB NOT NULL)")
    file.execute("CREATE UNIQUE INDEX blocks_by_key ON blocks (space, first)")
    file.execute("PRAGMA user_version = 5")
    for space in (7, 19, 32):
        rows = file.execute("SELECT key, value FROM rows WHERE space = ? ORDER BY key", (space,)).fetchall()
        file.execute("DELETE FROM rows WHERE space = ?", (space,))
        for at in range(0, len(rows), EVENTS):
            some = rows[at : at + EVENTS]
            body = block(some)
            file.execute("INSERT INTO blocks (space, first, rows, sum, body) VALUES (?, ?, ?, ?, ?)",
                         (space, some[0][0], len(some), row_sum(space, some[0][0], body), body))
            made += 1
    file.commit()
    file.close()
    return made


def block(rows):
    """A block whose columns are in the second part where they differ."""
    shapes = sorted({(len(key), len(value)) for key, value in rows})
    of = [shapes.index((len(key), len(value))) for key, value in rows]
    parts, first, second = bytearray(), bytearray(), bytearray()
    for shape, (key, value) in enumerate(shapes):
        for column in range(key + value):
            its = bytes((row[0] + row[1])[column] for row, each in zip(rows, of) if each == shape)
            parts.append(len(set(its)) > 1)
            (second if parts[-1] else first).extend(its)
    lengths = b"".join(length.to_bytes(2, "big") for shape in shapes for length in shape)
    packed = bytes([len(shapes)]) + lengths + bytes(of) + bytes(parts) + bytes(first) + bytes(second)
    return bytes([0]) + len(packed).to_bytes(4, "big") + len(rows).to_bytes(2, "big") + packed


def check(program, folder, whole, read):
    """How many segments were read back. `read`: what the reader says of a file, and its problems."""
    before, problems = read(whole)
    assert not problems, problems
    sealed, damaged = folder / "sealed.db", folder / "damaged.db"
    shutil.copy(whole, sealed)
    made = seal(sealed)
    assert made > 2, made
    assert archive(sealed) > 2
    shutil.copy(sealed, damaged)
    after, problems = read(sealed)
    assert not problems and after == before, f"sealed, it reads otherwise: {problems}"
    exported = []
    for name in (whole, sealed):
        out = folder / f"{name.stem}.sealed.jsonl"
        subprocess.run([program, "export", "--db", name, "--out", out], check=True, capture_output=True)
        exported.append(out.read_text().splitlines())
    assert exported[0] == exported[1], "the program exports other events from a sealed file"
    told = subprocess.run([program, "audit", "--till", whole, "--till", sealed], check=True, capture_output=True, text=True).stdout
    assert " 0 unknown, 0 forked" in told, told
    file = sqlite3.connect(damaged)
    file.execute("UPDATE segments SET batch = CAST(batch || x'00' AS BLOB) WHERE id = (SELECT max(id) FROM segments)")
    file.commit()
    file.close()
    _, problems = read(damaged)
    assert any("its digest" in problem for problem in problems), problems
    return made
