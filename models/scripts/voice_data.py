"""Speak the 50 commands, and words that are none, with synthesisers: the training and test data of the voice model.

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
# What people say at a till that is no command. The head learns to reject the first list and is tested on the second.
OTHERS = """about actually after again always another apple around banana because before better between bottle bread brother
butter carpet cereal certainly chair cheese chicken children chocolate city coffee cold colour could country daughter
different doctor dog door early eggs enough evening everything family finger flower forty four-hundred friday friend from
garden glasses good green hair happy hello here house hundred kitchen lamp large later lemon letter listen little lovely lunch
maybe milk minute monday money morning mother mountain music never newspaper night nothing november office often onion
orange other over paper parents parsley people pepper perhaps picture please pocket police potato pretty purple
question quickly rabbit rather really restaurant rice river road salad salt saturday school shoes should sister small
something sometimes sorry spoon spring station strawberry street sugar summer sunday supper table tea teacher telephone
thank-you their thirty thousand thursday today together tomato tomorrow town tuesday twenty umbrella under usually very
visitor water wednesday welcome what where which while window winter wonderful yesterday yoghurt you""".split()
OTHERS_HELD_OUT = """afternoon anything basket beautiful beer birthday blue bicycle cabbage camera candle carrot church circle cinema
cloud corner cucumber december dinner easy elephant example eleven father fifty fish football forget game garlic glass
grandmother grape hamster holiday hospital hungry important insurance jacket january juice lettuce library machine married
mirror mushroom neighbour number ocean oven passport peach pencil phone pillow pizza plastic pork problem rainbow ready
sausage sentence seventy silver sixteen snow someone soup spinach sunny surprise sweater tired toothpaste traffic travel
trousers understand vegetable village weather weekend yellow young""".split()
ACCENTS = ["en-us", "en-gb", "en-gb-x-rp", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029"]
VARIANTS = [f"m{n}" for n in range(1, 9)] + [f"f{n}" for n in range(1, 6)] + ["klatt", "klatt2", "klatt3", "klatt4", "croak"]
HELD_OUT = {"m8", "f5", "klatt3"}
# Where a clip comes from: training and held-out variants of espeak-ng, training and held-out voices of flite.
ESPEAK, ESPEAK_HELD_OUT, FLITE, FLITE_HELD_OUT = range(4)
# In place of a command's number, for words that are no command: to learn from, and held out.
OTHER, OTHER_HELD_OUT = 50, 51
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

for word in OTHERS:
    for _ in range(6):
        voice = random.choice(ACCENTS) + "+" + random.choice([v for v in VARIANTS if v not in HELD_OUT])
        add(espeak(word.replace("-", " "), voice, random.randint(110, 210), random.randint(25, 80)), OTHER, ESPEAK)
    for voice in ("kal16", "awb", "rms"):
        add(flite(word.replace("-", " "), voice), OTHER, FLITE)
for word in OTHERS_HELD_OUT:
    for _ in range(2):
        voice = random.choice(ACCENTS) + "+" + random.choice(sorted(HELD_OUT))
        add(espeak(word, voice, random.randint(120, 200), random.randint(30, 70)), OTHER_HELD_OUT, ESPEAK_HELD_OUT)
    add(flite(word, "slt"), OTHER_HELD_OUT, FLITE_HELD_OUT)

np.savez_compressed(target, clips=(np.stack(clips) * 32767).astype(np.int16), words=words, sources=sources, labels=WORDS)
