#!/usr/bin/env bash
# Silero VAD 5 and 6 as ONNX (npm @ricky0123/vad-web 0.0.31 ships both), onnxruntime 1.32.0 (PyPI): version 6 is deaf to frames that
# version 5 hears.
#
# Expected: both files have the same inputs (`input` of any length, `state` of 2 x 1 x 128, `sr`) and outputs, and take 16 kHz in frames
# of 512 samples, so the file can be replaced by the newer one: speech gives probabilities near 1, silence near 0.
#
# Seen: fed with frames of 512 samples, version 5 finds the speech and version 6 stays below 0.1 all along, without an error: no word is
# ever heard. Both need the last 64 samples of the frame before in front of each frame (576 in all), which the length of the input does
# not say; with them both find the speech. Version 5 forgives their absence.
#
# Source: https://github.com/snakers4/silero-vad/blob/master/src/silero_vad/utils_vad.py
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check onnxruntime==1.32.0 numpy==2.3.5 espeakng-loader==0.2.4
cd "$folder"
npm pack --silent @ricky0123/vad-web@0.0.31 >/dev/null
tar -xzf ricky0123-vad-web-0.0.31.tgz
"$folder/venv/bin/python" - <<'PY'
import ctypes

import espeakng_loader
import numpy as np
import onnxruntime as ort

print("onnxruntime", ort.__version__)
FRAME, CONTEXT, RATE = 512, 64, 16_000


def spoken(text):
    """The text, spoken by eSpeak NG, at 16 kHz, with a second of silence on both sides."""
    lib = ctypes.CDLL(espeakng_loader.get_library_path())
    rate = lib.espeak_Initialize(2, 0, espeakng_loader.get_data_path().encode(), 0)
    samples = []
    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
    heard = kind(lambda wave, count, _: samples.extend(wave[:count]) or 0)
    lib.espeak_SetSynthCallback(heard)
    lib.espeak_SetVoiceByName(b"en")
    lib.espeak_Synth(text.encode(), len(text) + 1, 0, 0, 0, 1, None, None)
    lib.espeak_Synchronize()
    wave = np.array(samples, np.float32) / 32768
    places = np.arange(int(len(wave) * RATE / rate)) * rate / RATE
    wave = np.interp(places, np.arange(len(wave)), wave).astype(np.float32)
    silence = np.zeros(RATE, np.float32)
    return np.concatenate([silence, wave, silence])


def heard(version, wave, context):
    session = ort.InferenceSession(f"package/dist/silero_vad_v{version}.onnx", providers=["CPUExecutionProvider"])
    state, before, answers = np.zeros((2, 1, 128), np.float32), np.zeros(context, np.float32), []
    for start in range(0, len(wave) - FRAME, FRAME):
        frame = np.concatenate([before, wave[start : start + FRAME]])
        answer, state = session.run(None, {"input": frame[None], "state": state, "sr": np.array(RATE, np.int64)})
        before = frame[len(frame) - context :]
        answers.append(float(answer[0, 0]))
    return max(answers), sum(answer > 0.5 for answer in answers), len(answers)


wave = spoken("two pounds of tomatoes and a bottle of milk, please")
for version in (5, 6):
    for context in (0, CONTEXT):
        best, speech, frames = heard(version, wave, context)
        print(f"version {version}, {context} samples in front: highest {best:.3f}, speech in {speech} of {frames} frames")
        if version == 6 and context == 0:
            assert best < 0.1, "version 6 hears frames without their context now"
        else:
            assert best > 0.9 and speech > 30, "speech is not found"
print("as stated")
PY
