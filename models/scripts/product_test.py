"""Measure product networks on photographs that no calibration saw: agreement of 8-bit files with the 32-bit one, and how
well a shop's own things are found by the nearest of a few enrolled pictures.

    pip install onnxruntime==1.32.0 numpy pillow
    python product_test.py photographs/ FP32.onnx INT8.onnx [ANOTHER.onnx ...]

Each photograph stands for one thing. A view of it is a cut of 55 to 100 % of its sides, turned by up to 12 degrees, lighter or
darker, blurred or not. Three views are enrolled, ten others are looked up; every fourth photograph is never enrolled, and
its views should find nothing. The thresholds are the gallery's: at least 0.6 alike, and 0.05 more than the next.
"""
import pathlib
import sys

import numpy as np
import onnxruntime as ort
from PIL import Image, ImageEnhance, ImageFilter

folder, *models = sys.argv[1:]
photos = []
for path in sorted(pathlib.Path(folder).iterdir()):
    photo = Image.open(path).convert("RGB")
    photo.thumbnail((1200, 1200))
    photos.append(photo)


def view(photo, rng):
    share = rng.uniform(0.55, 1.0)
    width, height = int(photo.width * share), int(photo.height * share)
    left, top = rng.integers(0, photo.width - width + 1), rng.integers(0, photo.height - height + 1)
    image = photo.crop((left, top, left + width, top + height)).rotate(rng.uniform(-12, 12), Image.BICUBIC)
    image = ImageEnhance.Brightness(image).enhance(rng.uniform(0.7, 1.3))
    if rng.random() < 0.4:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.5)))
    scale = 256 / min(image.size)
    image = image.resize([max(224, round(side * scale)) for side in image.size], Image.BICUBIC)
    left, top = (image.width - 224) // 2, (image.height - 224) // 2
    pixels = np.asarray(image.crop((left, top, left + 224, top + 224)), np.float32)
    return ((pixels / 255 - 0.5) / 0.5).transpose(2, 0, 1)[None].astype(np.float32)


VIEWS, ENROLLED = 13, 3
rng = np.random.default_rng(5)
views = [view(photo, rng) for photo in photos for _ in range(VIEWS)]
first = None
for path in models:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    found = [session.run(["logits", "embedding"], {"input": x}) for x in views]
    logits = np.concatenate([one[0] for one in found]).astype(np.float64)
    shares = np.exp(logits - logits.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    features = np.concatenate([one[1] for one in found])
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    print(path)
    if first is None:
        first = shares
    else:
        same = first.argmax(1) == shares.argmax(1)
        sure = first.max(1) >= 0.7
        top5 = [first[row].argmax() in np.argsort(-shares[row])[:5] for row in range(len(shares))]
        print(f"  first answer as in 32 bits on {same.mean():.3f} of {len(views)} views ({same[sure].mean():.3f} of the "
              f"{sure.sum()} where that is sure), among the first five on {np.mean(top5):.3f}; "
              f"its probability is off by {np.abs(shares.max(1) - first.max(1)).mean():.3f} in the mean")
    known = [thing for thing in range(len(photos)) if thing % 4 != 3]
    gallery = np.array([thing * VIEWS + place for thing in known for place in range(ENROLLED)])
    owner = gallery // VIEWS
    right = wrong = asked = rejected = strangers = 0
    for row in range(len(views)):
        thing, place = divmod(row, VIEWS)
        if thing in known and place < ENROLLED:
            continue
        alike = features[gallery] @ features[row]
        best = alike.argmax()
        rest = alike[owner != owner[best]].max()
        accepted = alike[best] >= 0.6
        sure = accepted and alike[best] - rest >= 0.05
        if thing in known:
            right += owner[best] == thing and sure
            wrong += owner[best] != thing and sure
            asked += not sure
        else:
            strangers += 1
            rejected += not sure
    total = len(known) * (VIEWS - ENROLLED)
    print(f"  own things, {len(known)} of them: found {right / total:.3f}, another one {wrong / total:.3f}, asked or not found "
          f"{asked / total:.3f} of {total} views; of {strangers} views of things not enrolled {rejected / strangers:.3f} are "
          f"not taken for one")
