#!/usr/bin/env bash
# mt-sics-emulator 0.1.1 (PyPI): what is tested with it sells a moving weight, and does not understand a real scale.
#
# Expected: an emulator of the command set of Mettler Toledo's scales answers as the scales do: S waits for a steady weight and answers
# "S S" and the weight, or "S I" where there is none; SI answers at once, "S S" or "S D" (moving) and the weight; TA sets the tare.
#
# Seen: S answers at once with "S D" and the moving weight, so that a till that takes what S answers, as it may, sells it. SI answers "SI S"
# and "SI D", which no scale says; a till that is made for it finds no weight in "S S". TA is a syntax error, a command TAR that is in no
# manual sets the tare, ZI says "ZI A" in place of "ZI S" or "ZI D", and I1, which says the levels of the command set, says the model.
#
# Source: Mettler Toledo, MT-SICS Interface Commands, Reference Manual 11780711; Operating Instructions of AT balances (S: S S, S I, S +, S -)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mt-sics-emulator==0.1.1
"$folder/venv/bin/python" - <<'PY'
from mtsics.core.state import ScaleConfig, ScaleState
from mtsics.protocol.engine import MTSICSEngine

scale = ScaleState(ScaleConfig(capacity=15, graduation=0.005, model="A scale"))
engine = MTSICSEngine(scale)


def ask(command, stated, meant):
    seen = " ".join(engine.handle(command).split())
    print(f"{command}: {seen}, on a scale {meant}")
    assert seen == stated, "no longer as stated"


scale.set_weight(0.345, stable=False)
ask("S", "S D 0.345 kg", "S I, or nothing until it is steady")
ask("SI", "SI D 0.345 kg", "S D 0.345 kg")
scale.set_weight(0.345)
ask("S", "S S 0.345 kg", "the same")
ask("SI", "SI S 0.345 kg", "S S 0.345 kg")
ask("TA 0.100 kg", "ES", "TA A 0.100 kg")
ask("TAR 0.1", "TAR A", "ES")
ask("TAC", "TAC A", "the same")
ask("ZI", "ZI A", "ZI S")
ask("I1", 'I1 A "A scale"', 'I1 A and the levels')
print("as stated")
PY
