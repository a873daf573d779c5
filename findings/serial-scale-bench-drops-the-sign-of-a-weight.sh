#!/usr/bin/env bash
# serial-scale-bench 0.2.5 (PyPI): a lifted bowl weighs 0.345 kg.
#
# Expected: a scale that is tared with a bowl on it and then loses the bowl shows a weight below zero, and a bench scale prints its sign in
# the first place of the line, blanks, and then the digits; the library takes such lines ("-   0.345 kg"), a sign and blanks, when it finds
# out how the scale speaks. What is not steady yet (US in the line of many makers, for unstable) is no weight to sell by.
#
# Seen: the sign is read only where it touches the digits. -   0.345 kg is +0.345, without an error, so that a till that waits for a weight
# above zero sells the bowl. A weight that is not steady is given like one that is. A line without a decimal point (345 g, or 0 kg) gives
# None, as if there were no scale. -0.345 kg and 0.345 kg are right.
#
# Source: https://github.com/larsrollik/serial-scale-bench (protocol detection, reading); Sartorius, LE2202S manual, output format (the sign in
# the first place, blanks for what is not shown); Kern, KFN-TM manual, 10 (ST and US); Ohaus, RS232 manual (values without a decimal point)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check serial-scale-bench==0.2.5
"$folder/venv/bin/python" - <<'PY'
import os
import pty
import threading
import tty

from serial_scale_bench import SerialScale

till, scale = pty.openpty()
tty.setraw(scale)
line = b""


def answers():
    """The scale: one line for each command that asks for the weight."""
    asked = b""
    while True:
        asked += os.read(till, 64)
        while b"\r\n" in asked:
            command, asked = asked.split(b"\r\n", 1)
            if command == b"P":
                os.write(till, line + b"\r\n")


threading.Thread(target=answers, daemon=True).start()
line = b"-   0.345 kg"
reader = SerialScale(os.ttyname(scale), timeout=1)
print("protocol found from a sign and blanks:", reader.protocol)
assert reader.protocol == 2, "such lines are no longer taken"
for sent, stated in [
    (b"    0.345 kg", 0.345),
    (b"-0.345 kg", -0.345),
    (b"-   0.345 kg", 0.345),
    (b"ST,NT,-   0.345 kg", 0.345),
    (b"US,NT,+   0.211 kg", 0.211),
    (b"     345 g", None),
    (b"       0 kg", None),
]:
    line = sent
    weight = reader.get_weight()
    print(f"{sent.decode()!r} is {weight}")
    assert weight == stated, "no longer as stated"
print("as stated")
PY
