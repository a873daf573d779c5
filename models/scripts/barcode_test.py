"""Measure barcode localisers on drawn pictures over photographs that no training saw, and on these photographs themselves.

    pip install numpy pillow onnxruntime
    python barcode_test.py held_out_backgrounds/ MODEL.onnx [ANOTHER.onnx ...]

A model "fires" when at least 4 neighbouring cells are positive, which is what the pipeline takes for a code.
"""
import sys

import numpy as np
import onnxruntime as ort
from PIL import Image
from scipy.ndimage import label

from barcode_draw import HEIGHT, WIDTH, photographs, sample

photos = photographs(sys.argv[1])
FIRST = 10**6  # seeds that the training does not use


def fires(cells):
    groups, count = label(cells)
    return count > 0 and np.bincount(groups.ravel())[1:].max() >= 4


def letterboxed(photo):
    scale = min(WIDTH / photo.width, HEIGHT / photo.height)
    small = photo.resize((max(1, round(photo.width * scale)), max(1, round(photo.height * scale))), Image.BILINEAR)
    whole = np.full((HEIGHT, WIDTH), 127.5, np.float32)
    whole[:small.height, :small.width] = np.asarray(small)
    return whole


def parts(photo, rng):
    """The photograph as a whole, and 12 cuts of it."""
    yield letterboxed(photo)
    for _ in range(12):
        share = rng.uniform(0.2, 0.9)
        width, height = int(photo.width * share), int(photo.height * share)
        left, top = rng.integers(0, photo.width - width + 1), rng.integers(0, photo.height - height + 1)
        yield letterboxed(photo.crop((left, top, left + width, top + height)))


rng = np.random.default_rng(0)
coded = [sample(FIRST + index, photos, 1.0) for index in range(500)]
coded = [part for part in coded if part[1].sum() >= 8]
drawn = [sample(2 * FIRST + index, photos, 0.0)[0] for index in range(500)]
plain = [part for photo in photos for part in parts(photo, rng)]
for path in sys.argv[2:]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def maps(picture):
        return session.run(None, {"gray": (np.asarray(picture, np.float32) / 255 - 0.5)[None, None]})[0][0]

    overlaps, turns = [], []
    for picture, truth, (sine, cosine) in coded:
        found = maps(picture)
        guess = found[0] > 0
        overlaps.append((guess & truth).sum() / (guess | truth).sum())
        if overlaps[-1] > 0.5:
            turn = np.arctan2(found[1][guess].sum(), found[2][guess].sum()) - np.arctan2(sine, cosine)
            turns.append(abs(np.rad2deg((turn + np.pi) % (2 * np.pi) - np.pi)) / 2)
    print(path)
    print(f"  IoU > 0.5 on {np.mean(np.array(overlaps) > 0.5):.3f} of {len(coded)} codes, mean {np.mean(overlaps):.3f}, "
          f"angle off by {np.median(turns):.2f} degrees in the median")
    for name, pictures in (("drawn pictures without a code", drawn), (f"cuts of {len(photos)} photographs", plain)):
        print(f"  fires on {np.mean([fires(maps(picture)[0] > 0) for picture in pictures]):.3f} of {len(pictures)} {name}")
