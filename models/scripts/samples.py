"""Make the samples whose answers the manifest knows.

- `samples/espresso.png` is the photograph `coffee.png` of scikit-image 0.24 (by Rachel Michetti, CC0), unchanged.
- `samples/refund.wav` and `samples/elephant.wav`, a command and a word that is none and that no training saw, are from the
  synthesiser espeak-ng 1.51:
      espeak-ng -v en-us -s 150 -w refund.wav refund
      espeak-ng -v en-us -s 150 -w elephant.wav elephant
  brought to 16-bit samples at 16 kHz here.
- `samples/barcode.png` is drawn here: an EAN-13 on a busy background, turned by 17 degrees.

    pip install numpy pillow scipy
    python samples.py refund.wav elephant.wav ../samples
"""
import math
import pathlib
import sys
import wave

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from scipy.signal import resample_poly

*spoken, target = map(pathlib.Path, sys.argv[1:])

for source in spoken:
    with wave.open(str(source)) as speech:
        rate = speech.getframerate()
        samples = np.frombuffer(speech.readframes(speech.getnframes()), np.int16).astype(np.float64)
    divisor = math.gcd(rate, 16000)
    samples = np.clip(np.round(resample_poly(samples, 16000 // divisor, rate // divisor)), -32768, 32767)
    # A little of the room before and after, as a microphone gives it.
    room = np.random.default_rng(0).normal(0, 12, len(samples) + 9600)
    room[4800:-4800] += samples
    with wave.open(str(target / source.name), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16000)
        out.writeframes(np.round(room).astype(np.int16).tobytes())

CODES = "0001101 0011001 0010011 0111101 0100011 0110001 0101111 0111011 0110111 0001011".split()
RIGHT = ["".join("10"[int(bit)] for bit in code) for code in CODES]
EVEN = [code[::-1] for code in RIGHT]
PARITY = "LLLLLL LLGLGG LLGGLG LLGGGL LGLLGG LGGLLG LGGGLL LGLGLG LGLGGL LGGLGL".split()


def ean13(number):
    digits = [int(digit) for digit in number]
    left = "".join((CODES if kind == "L" else EVEN)[digit] for kind, digit in zip(PARITY[digits[0]], digits[1:7]))
    return "101" + left + "01010" + "".join(RIGHT[digit] for digit in digits[7:]) + "101"


rng = np.random.default_rng(1)
shade = rng.normal(120, 25, (60, 80)).clip(0, 255).astype(np.uint8)
picture = Image.fromarray(shade).resize((800, 600), Image.BICUBIC)
draw = ImageDraw.Draw(picture)
for _ in range(25):
    x, y = rng.integers(0, 800), rng.integers(0, 600)
    draw.rectangle((x, y, x + rng.integers(5, 90), y + rng.integers(5, 40)), fill=int(rng.integers(0, 255)))
module, quiet = 4, 11
bars = ean13("4006381333931")
label = np.full((190, (len(bars) + 2 * quiet) * module), 238, np.uint8)
for place, bit in enumerate(bars):
    if bit == "1":
        label[10:180, (quiet + place) * module:(quiet + place + 1) * module] = 22
label = Image.fromarray(label)
mask = Image.new("L", label.size, 255)
label, mask = (image.rotate(17, expand=True, resample=Image.BICUBIC) for image in (label, mask))
picture.paste(label, (170, 170), mask)
picture = picture.filter(ImageFilter.GaussianBlur(0.8))
noisy = np.asarray(picture, np.float32) + rng.normal(0, 4, (600, 800))
Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(target / "barcode.png", optimize=True)
