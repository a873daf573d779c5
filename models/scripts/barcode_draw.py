"""Draw pictures with and without barcodes: what barcode_train.py learns from and barcode_test.py measures on.

    pip install numpy pillow==12.*
    python barcode_draw.py backgrounds/ barcodes.npz

`backgrounds` is a folder of photographs without barcodes; the shipped file used those of scikit-image 0.24, scikit-learn and
the Debian packages mate-backgrounds and gnome-backgrounds, every third left out for barcode_test.py.

The network sees 320 x 240 grey pixels and says for each cell of 8 x 8 whether it belongs to a code. What is easily taken for
bars is drawn as well: lines of text, fences, grids, checks.
"""
import pathlib
import random
import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

WIDTH, HEIGHT = 320, 240

CODES = "0001101 0011001 0010011 0111101 0100011 0110001 0101111 0111011 0110111 0001011".split()
RIGHT = ["".join("10"[int(bit)] for bit in code) for code in CODES]
EVEN = [code[::-1] for code in RIGHT]
PARITY = "LLLLLL LLGLGG LLGGLG LLGGGL LGLLGG LGGLLG LGGGLL LGLGLG LGLGGL LGGLGL".split()
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789  ,.-%"


def photographs(folder):
    """The pictures of a folder, grey, none larger than it need be."""
    photos = []
    for path in sorted(pathlib.Path(folder).iterdir()):
        photo = Image.open(path).convert("L")
        photo.thumbnail((1600, 1600))
        photos.append(photo)
    return photos


def ean13(rng):
    digits = [rng.randint(0, 9) for _ in range(12)]
    digits.append((10 - sum(digit * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10) % 10)
    left = "".join((CODES if kind == "L" else EVEN)[digit] for kind, digit in zip(PARITY[digits[0]], digits[1:7]))
    return "101" + left + "01010" + "".join(RIGHT[digit] for digit in digits[7:]) + "101"


def code128(rng):
    """Bars with the statistics of Code 128: 11 modules a character, runs of 1 to 4."""
    bars = "11010010000"
    for _ in range(rng.randint(5, 12)):
        while True:
            runs = [rng.randint(1, 4) for _ in range(6)]
            if sum(runs) == 11 and (runs[0] + runs[2] + runs[4]) % 2 == 0:
                break
        bars += "".join("10"[place % 2] * run for place, run in enumerate(runs))
    return bars + "1100011101011"


def text(draw, rng, shade):
    """A paragraph, as on a packet."""
    x, y, size = rng.randint(-40, WIDTH - 20), rng.randint(-20, HEIGHT), rng.randint(7, 22)
    font = FONTS[size]
    for line in range(rng.randint(1, 12)):
        words = "".join(rng.choice(LETTERS) for _ in range(rng.randint(4, 40)))
        draw.text((x, y + line * (size + rng.randint(1, 3))), words, fill=shade, font=font)


def fence(draw, rng, shade):
    """Bars of one width: blinds, combs, radiators."""
    x, y, pitch = rng.randint(-40, WIDTH), rng.randint(-40, HEIGHT), rng.uniform(3, 16)
    length, bars, duty = rng.randint(20, 160), rng.randint(5, 60), rng.uniform(0.2, 0.8)
    upright = rng.random() < 0.6
    for step in range(bars):
        start = x + step * pitch
        box = (start, y, start + pitch * duty, y + length) if upright else (y, start, y + length, start + pitch * duty)
        draw.rectangle(box, fill=shade)


def checks(draw, rng, shade):
    """Squares at random: a matrix code, a crossword."""
    x, y, cell, side = rng.randint(-20, WIDTH), rng.randint(-20, HEIGHT), rng.randint(2, 6), rng.randint(10, 30)
    for row in range(side):
        for column in range(side):
            if rng.random() < 0.5:
                left, top = x + column * cell, y + row * cell
                draw.rectangle((left, top, left + cell - 1, top + cell - 1), fill=shade)


FONTS = {size: ImageFont.load_default(size) for size in range(7, 23)}
IMAGES = 4200


def background(rng, noise, photos):
    photo = rng.choice(photos)
    scale = rng.uniform(0.5, 1.2) * max(WIDTH / photo.width, HEIGHT / photo.height) * 1.3
    photo = photo.resize((max(WIDTH, int(photo.width * scale)), max(HEIGHT, int(photo.height * scale))))
    left, top = rng.randint(0, photo.width - WIDTH), rng.randint(0, photo.height - HEIGHT)
    image = photo.crop((left, top, left + WIDTH, top + HEIGHT))
    if rng.random() < 0.3:
        flat = noise.normal(rng.randint(60, 230), rng.randint(1, 25), (HEIGHT, WIDTH))
        image = Image.fromarray(np.clip(flat, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
        rng.choice((text, text, fence, checks))(draw, rng, rng.randint(0, 255))
    for _ in range(rng.randint(0, 6)):  # small ones: lettering, boxes, stripes
        x, y, kind = rng.randint(0, WIDTH), rng.randint(0, HEIGHT), rng.random()
        shade = rng.randint(0, 255)
        if kind < 0.4:
            for step in range(rng.randint(3, 14)):
                end = (x + step * 5 + rng.randint(-3, 3), y + rng.randint(4, 9))
                draw.line(((x + step * 5, y), end), fill=shade, width=rng.randint(1, 2))
        elif kind < 0.7:
            corner = (x + rng.randint(5, 80), y + rng.randint(5, 50))
            draw.rectangle(((x, y), corner), outline=shade, fill=rng.choice([None, rng.randint(0, 255)]))
        else:
            pitch = rng.randint(8, 16)
            for step in range(rng.randint(3, 7)):
                end = (x + step * pitch, y + rng.randint(20, 60))
                draw.line(((x + step * pitch, y), end), fill=shade, width=rng.randint(2, 5))
    return image


def sample(seed, photos, share=0.65):
    """A picture, the cells that belong to its code, and the sine and cosine of twice the code's angle. `share` of the
    pictures have a code."""
    rng, noise = random.Random(seed), np.random.RandomState(seed % 2**31)
    image, mask, angle = background(rng, noise, photos), Image.new("L", (WIDTH, HEIGHT), 0), 0.0
    if rng.random() < share:
        bars, quiet, module = ean13(rng) if rng.random() < 0.6 else code128(rng), 9, 4
        height = rng.randint(25, 80) * module
        symbol = np.full((height, (len(bars) + 2 * quiet) * module), 255, np.uint8)
        row = np.repeat(np.array([0 if bit == "1" else 255 for bit in bars], np.uint8), module)
        inside = slice(quiet * module, (quiet + len(bars)) * module)
        symbol[:, inside] = row
        low, high = rng.randint(0, 70), rng.randint(150, 255)
        code = Image.fromarray((low + (high - low) * (symbol / 255.0)).astype(np.uint8))
        covers = np.zeros_like(symbol)
        covers[:, inside] = 255
        width = rng.uniform(0.35, 0.9) * WIDTH
        size = (int(width), max(14, int(code.height * width / code.width)))
        parts = [code.resize(size, Image.BILINEAR), Image.fromarray(covers).resize(size), Image.new("L", size, 255)]
        angle = rng.gauss(0, 15) if rng.random() < 0.6 else rng.uniform(-90, 90)
        code, covers, opaque = (part.rotate(angle, expand=True, resample=Image.BILINEAR) for part in parts)
        x = rng.randint(-code.width // 6, max(1, WIDTH - code.width * 5 // 6))
        y = rng.randint(-code.height // 6, max(1, HEIGHT - code.height * 5 // 6))
        image.paste(code, (x, y), opaque)
        mask.paste(covers, (x, y), covers)
    if rng.random() < 0.6:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0, 1.3)))
    light = np.linspace(rng.uniform(0.5, 1.1), rng.uniform(0.5, 1.1), WIDTH)[None]
    pixels = np.asarray(image, np.float32) * light + noise.normal(0, rng.uniform(0, 12), (HEIGHT, WIDTH))
    cells = np.asarray(mask.resize((40, 30), Image.BOX)) > 110
    turn = np.deg2rad(angle)
    return np.clip(pixels, 0, 255).astype(np.uint8), cells, np.array([np.sin(2 * turn), np.cos(2 * turn)], np.float32)


if __name__ == "__main__":
    photos = photographs(sys.argv[1])
    pictures, cells, angles = (np.stack(part) for part in zip(*(sample(seed, photos) for seed in range(IMAGES))))
    np.savez_compressed(sys.argv[2], pictures=pictures, cells=cells, angles=angles)
