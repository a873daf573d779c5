"""What a call from Python costs over C: with the wheel installed, `python3 benches/c_api.py`.

The same call as in `c_api.rs`, a notice that is not there: once through the package, once through ctypes alone.
"""

import ctypes
import json
import os
import statistics
import tempfile
import time

import edgepos
from edgepos._library import library

CALLS = 4_000


def median(call) -> float:
    """In microseconds."""
    times = []
    for _ in range(CALLS):
        began = time.perf_counter_ns()
        call()
        times.append(time.perf_counter_ns() - began)
    return statistics.median(times) / 1000


with tempfile.TemporaryDirectory() as folder:
    config = {"terminal": 1, "store": "07" * 16, "database": f"{folder}/till.db", "listen": "127.0.0.1:0", "cloud": "http://127.0.0.1:9"}
    with edgepos.Node(json.dumps(config)) as node:
        while node.next_notice(100) is not None:
            pass
        out, bare = ctypes.c_void_p(), library.edgepos_node_next_notice
        handle = node._handle
        print(f"the library {library._name}: {os.path.getsize(library._name)} bytes")
        print(f"package {median(lambda: node.next_notice(0)):.2f} us, ctypes alone {median(lambda: bare(handle, 0, ctypes.byref(out))):.2f} us")
