#!/usr/bin/env bash
# amqtt 0.12.1 (PyPI): a broker that lets everyone in keeps the session of an absent till, and none of the messages for it.
#
# Expected: a client that connects with its name and without clean session gets, when it is back, what was published with QoS 1 meanwhile;
# the broker says "session present" where it has kept the session. Whether clients need a password has nothing to do with it.
#
# Seen: where the broker allows anonymous clients, all clients count as anonymous, with a client identifier and a user name too. The till's
# session and subscriptions are kept, the publisher gets its acknowledgements, "session present" is said, and the ten messages are gone.
# Where clients log in by a file of passwords, all ten come, marked as retained. aedes 1.2.0 (npm) lets everyone in and delivers all ten.
#
# Source: MQTT 3.1.1, 3.1.2.4 (MQTT-3.1.2-5); https://github.com/Yakifo/amqtt/pull/248
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts aedes@1.2.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check amqtt==0.12.1 paho-mqtt==2.2.0
cat > aedes.mjs <<'JS'
import { Aedes } from "aedes";
import { createServer } from "net";

const broker = await Aedes.createBroker();
const server = createServer(broker.handle).listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.resume().on("end", () => process.exit());
JS
cat > absent.py <<'PY'
import asyncio
import logging
import queue
import socket
import subprocess
import threading

import paho.mqtt.client as mqtt
from amqtt.broker import Broker
from pwdlib import PasswordHash

logging.disable()
WAIT, QUIET = 60, 10


class Peer:
    """A client that connects, waits for what it asks, and keeps what comes."""

    def __init__(self, port, name, clean):
        self.done, self.got = queue.Queue(), queue.Queue()
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=name, clean_session=clean)
        self.client.username_pw_set("till", "secret")
        self.client.on_connect = lambda client, data, flags, code, more: self.done.put(flags.session_present)
        self.client.on_subscribe = lambda *more: self.done.put(None)
        self.client.on_message = lambda client, data, message: self.got.put((message.payload.decode(), message.retain))
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        self.present = self.done.get(timeout=WAIT)

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


def absent(port):
    till = Peer(port, "till-1", clean=False)
    till.client.subscribe("sales/#", qos=1)
    till.done.get(timeout=WAIT)
    till.close()
    office = Peer(port, "office", clean=True)
    for number in range(1, 11):
        office.client.publish("sales/1", f"{number}", qos=1).wait_for_publish(WAIT)
    till = Peer(port, "till-1", clean=False)
    office.client.publish("sales/1", "last", qos=1).wait_for_publish(WAIT)
    got = [till.got.get(timeout=WAIT)]
    while len(got) < 11:
        try:
            got.append(till.got.get(timeout=QUIET))
        except queue.Empty:
            break
    present = till.present
    till.close()
    office.close()
    assert "last" in [payload for payload, _ in got], "the till hears nothing"
    return present, [(payload, retained) for payload, retained in got if payload != "last"]


def amqtt(plugins):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    run = lambda work: asyncio.run_coroutine_threadsafe(work, loop).result(WAIT)

    async def start():
        broker = Broker({"listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}}, "plugins": plugins})
        await broker.start()
        return broker

    broker = run(start())
    seen = absent(port)
    run(broker.shutdown())
    return seen


with open("passwords", "w") as file:
    file.write(f"till:{PasswordHash.recommended().hash('secret')}\n")
base = "amqtt.plugins.authentication."
seen = {
    "amqtt for everyone": amqtt({base + "AnonymousAuthPlugin": {"allow_anonymous": True}}),
    "amqtt with passwords": amqtt({base + "FileAuthPlugin": {"password_file": "passwords"}}),
}
with subprocess.Popen(["node", "aedes.mjs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as aedes:
    seen["aedes for everyone"] = absent(int(aedes.stdout.readline()))
    aedes.stdin.close()
for name, (present, got) in seen.items():
    print(f"{name}: session present {present}, {len(got)} messages")
ten = [str(number) for number in range(1, 11)]
text = lambda got: [payload for payload, _ in got]
assert seen["amqtt for everyone"] == (True, []), "no longer as stated"
present, got = seen["amqtt with passwords"]
assert present and sorted(text(got), key=int) == ten and all(retained for _, retained in got), "no longer as stated with passwords"
present, got = seen["aedes for everyone"]
assert present and sorted(text(got), key=int) == ten, "aedes is no longer as stated"
print("as stated")
PY
venv/bin/python absent.py
