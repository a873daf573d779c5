"""Speak the 50 commands with synthesisers: the training and test data of the voice model.

Needs the programs espeak-ng and flite (Debian packages of these names) on the path.

    pip install numpy scipy
    python voice_data.py voice_data.npz
"""
import math
import pathlib
import random
import subprocess
import sys
import tempfile
import wave

import numpy as np
from scipy.signal import resample_poly

target = sys.argv[1]
WORDS = """pay cash card refund void cancel total subtotal discount coupon receipt print open close drawer start stop yes
no confirm next back help repeat add remove quantity price scan item weigh tare zero one two three four five six seven eight
nine login logout lock unlock balance tip manager hold""".split()
ACCENTS = ["en-us", "en-gb", "en-gb-x-rp", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029"]
VARIANTS = [f"m{n}" for n in range(1, 9)] + [f"f{n}" for n in range(1, 6)] + ["klatt", "klatt2", "klatt3", "klatt4", "croak"]
HELD_OUT = {"m8", "f5", "klatt3"}
# Where a clip comes from: training and held-out variants of espeak-ng, training and held-out voices of flite.
ESPEAK, ESPEAK_HELD_OUT, FLITE, FLITE_HELD_OUT = range(4)
random.seed(1)
np.random.seed(1)
scratch = pathlib.Path(tempfile.mkdtemp()) / "word.wav"


def spoken(command):
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    with wave.open(str(scratch)) as clip:
        rate = clip.getframerate()
        samples = np.frombuffer(clip.readframes(clip.getnframes()), np.int16).astype(np.float32) / 32768
    divisor = math.gcd(rate, 16000)
    return resample_poly(samples, 16000 // divisor, rate // divisor).astype(np.float32)


def espeak(word, voice, speed, pitch):
    return spoken(["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "-w", str(scratch), word])


def flite(word, voice):
    return spoken(["flite", "-voice", voice, "-t", word, "-o", str(scratch)])


def placed(samples, length=16000):
    """Without the silence around it, somewhere in a second, with a peak of 0.7."""
    loud = np.flatnonzero(np.abs(samples) > np.abs(samples).max() * 0.02)
    samples = samples[loud[0]:loud[-1] + 1]
    if len(samples) > length:
        start = (len(samples) - length) // 2
        samples = samples[start:start + length]
    start = np.random.randint(0, length - len(samples) + 1)
    second = np.zeros(length, np.float32)
    second[start:start + len(samples)] = samples / max(1e-6, np.abs(samples).max()) * 0.7
    return second


clips, words, sources = [], [], []


def add(samples, word, source):
    clips.append(placed(samples))
    words.append(word)
    sources.append(source)


for index, word in enumerate(WORDS):
    for _ in range(50):
        voice = random.choice(ACCENTS) + "+" + random.choice([v for v in VARIANTS if v not in HELD_OUT])
        add(espeak(word, voice, random.randint(110, 210), random.randint(25, 80)), index, ESPEAK)
    for _ in range(6):
        voice = random.choice(ACCENTS) + "+" + random.choice(sorted(HELD_OUT))
        add(espeak(word, voice, random.randint(120, 200), random.randint(30, 70)), index, ESPEAK_HELD_OUT)
    for voice, source in (("kal16", FLITE), ("awb", FLITE), ("rms", FLITE), ("kal", FLITE), ("slt", FLITE_HELD_OUT)):
        samples = flite(word, voice)
        for up, down in ((1, 1), (10, 9), (10, 11)):
            add(resample_poly(samples, up, down).astype(np.float32), index, source)

np.savez_compressed(target, clips=(np.stack(clips) * 32767).astype(np.int16), words=words, sources=sources, labels=WORDS)
