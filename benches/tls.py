#!/usr/bin/env python3
"""What certificates cost: two stores of three terminals on loopback, one over TLS and one over plain TCP, measured by turns.

    benches/tls.py target/release/reference-terminal [KILLS [SALES]]

Idle bytes and processor time, the time from SIGKILL of the leader until another terminal is entitled, and the processor's time of a sale at
all three terminals. Needs Linux (/proc) and `ss` of iproute2.
"""

import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

TERMINALS = (1, 2, 3)
STORE = "5e" * 16
PATIENCE_S = 120
IDLE_S = 20
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Store:
    def __init__(self, program, secured):
        self.program, self.folder = program, tempfile.mkdtemp(prefix="edgepos-tls-")
        self.till = {number: free_port() for number in TERMINALS}
        self.peer = {number: free_port() for number in TERMINALS}
        self.process = {}
        if secured:
            self.authority("new", "--store", STORE)
            for number in TERMINALS:
                self.authority("issue", str(number), "--out", f"{self.folder}/id-{number}")
        for number in TERMINALS:
            lines = [f"terminal = {number}", f'store = "{STORE}"', f'database = "{number}.db"', "flush_ms = 50",
                     f'listen = "127.0.0.1:{self.peer[number]}"', f'till = "127.0.0.1:{self.till[number]}"',
                     'cloud = "http://127.0.0.1:9"', *([f'identity = "id-{number}"'] if secured else []), "[peers]"]
            lines += [f'{peer} = "127.0.0.1:{port}"' for peer, port in self.peer.items() if peer != number]
            with open(f"{self.folder}/{number}.toml", "w") as file:
                file.write("\n".join(lines))
            self.start(number)

    def authority(self, *words):
        command = [self.program, "authority", *words, "--dir", f"{self.folder}/authority"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def start(self, number):
        with open(f"{self.folder}/{number}.log", "a") as log:
            command = [self.program, "run", "--config", f"{self.folder}/{number}.toml"]
            self.process[number] = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self.process[number].stdout.readline().startswith("READY")

    def call(self, number, path, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.till[number]}{path}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("content-type", "application/json")
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def until(self, what, look, pause=0.05):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            try:
                found = look()
                if found:
                    return found
            except OSError:
                pass
            time.sleep(pause)
        sys.exit(f"{what} did not come about; see {self.folder}")

    def leader(self, alive):
        return self.until("a leader", lambda: next((n for n in alive if self.call(n, "/status")["entitled"]), None), 0)

    def settle(self):
        def settled():
            states = [self.call(number, "/status") for number in TERMINALS]
            return all(state["leader"] and len(state["connected"]) == len(TERMINALS) - 1 for state in states)
        self.until("a whole store", settled)

    def kill_leader(self):
        self.settle()
        old = self.leader(TERMINALS)
        time.sleep(1.5)
        os.kill(self.process[old].pid, signal.SIGKILL)
        began = time.monotonic()
        self.leader([number for number in TERMINALS if number != old])
        took = time.monotonic() - began
        self.process[old].wait()
        self.start(old)
        return took * 1000

    def bytes_sent(self):
        lines = subprocess.run(["ss", "-tinH"], capture_output=True, text=True, check=True).stdout.split("\n")
        ports, total = {str(port) for port in self.peer.values()}, 0
        for ends, figures in zip(lines, lines[1:]):
            sent = re.search(r"bytes_sent:(\d+)", figures)
            if sent and ports & set(re.findall(r"127\.0\.0\.1:(\d+)", ends)):
                total += int(sent[1])
        return total

    def processor_s(self):
        ticks = 0
        for process in self.process.values():
            with open(f"/proc/{process.pid}/stat") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / TICKS_PER_S

    def sell(self, count):
        for number in range(1, count + 1):
            basket = f"{number:032x}"
            line = {"no": 1, "product": "milk", "quantity": 1, "amount": 129}
            self.call(1, "/begin", {"basket": basket, "doc_type": "sale", "currency": "EUR", "lines": [line]})
            self.call(1, "/commit", {"basket": basket, "key": basket, "tenders": [{"kind": "cash", "amount": 129}]})
        time.sleep(2)

    def stop(self):
        for process in self.process.values():
            process.kill()
            process.wait()
        shutil.rmtree(self.folder)


def main(program, kills=25, sales=300):
    stores = {"plain": Store(program, False), "TLS": Store(program, True)}
    for store in stores.values():
        store.settle()
    time.sleep(5)
    for name, store in stores.items():
        bytes_before, processor_before = store.bytes_sent(), store.processor_s()
        time.sleep(IDLE_S)
        rate = (store.bytes_sent() - bytes_before) / IDLE_S
        share = (store.processor_s() - processor_before) / IDLE_S
        print(f"{name}: idle {rate:.0f} bytes/s, {share:.2%} of a core, all three terminals", flush=True)
    took = {name: [] for name in stores}
    for _ in range(int(kills)):
        for name, store in stores.items():
            took[name].append(store.kill_leader())
    for name, times in took.items():
        times.sort()
        p90 = times[int(0.9 * (len(times) - 1))]
        print(f"{name}: failover p50 {statistics.median(times):.0f} ms, p90 {p90:.0f}, max {times[-1]:.0f}, of {len(times)}")
    for name, store in stores.items():
        store.settle()
        before = store.processor_s()
        store.sell(int(sales))
        cost = (store.processor_s() - before) / int(sales)
        print(f"{name}: {cost * 1e6:.0f} us of processor a sale, all three terminals and two calls over HTTP")
    for store in stores.values():
        store.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
