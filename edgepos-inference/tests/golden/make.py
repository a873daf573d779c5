"""Golden files: what the reference pipeline in Python (Pillow, NumPy, ONNX Runtime) gives for fixed inputs.

    pip install numpy==2.* pillow==12.* scipy onnxruntime==1.32.0
    python make.py ../../../models

The Rust tests compare against the files written here; each states its tolerance.
"""
import json
import math
import pathlib
import sys

import numpy as np
import onnxruntime as ort

models = pathlib.Path(sys.argv[1])
here = pathlib.Path(__file__).parent
options = ort.SessionOptions()
# One thread: sums are made in the order of the file.
options.intra_op_num_threads = 1
ort.set_default_logger_severity(3)


def session(name):
    return ort.InferenceSession(str(models / name), options, providers=["CPUExecutionProvider"])


def write(name, value):
    (here / name).write_text(json.dumps(value) + "\n", encoding="utf-8")


def exact(values):
    """Shortest decimal that reads back as the same float32."""
    return [float(np.format_float_positional(np.float32(v), unique=True, trim="0")) for v in values]


def fraud_rows():
    """Random rows over the ranges of each feature, some exactly on thresholds, some with missing values."""
    rng = np.random.default_rng(20)
    low = np.array([0, 0, -1, -1, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0], np.float32)
    high = np.array([8, 1, 1, 1, 1, 1, 9000, 9000, 12, 900, 40, 900, 120, 900, 604800, 9, 80, 1, 1, 2500], np.float32)
    rows = (low + (high - low) * rng.random((240, 20)) ** 2).astype(np.float32)
    for column in (1, 4, 5, 8, 10, 12, 16):
        rows[:, column] = np.round(rows[:, column])
    rows[200:220, 17] = np.float32(0.3571428656578064)  # a threshold of the first tree, to the last bit
    rows[220:230, rng.integers(0, 20, 10)] = np.nan
    rows[230:235] = 0
    label, probability = session("fraud_xgb20.onnx").run(None, {"input": rows})
    flat = [[None if math.isnan(v) else v for v in exact(row)] for row in rows]
    write("fraud_rows.json", {"rows": flat, "label": label.tolist(), "probability": exact(probability[:, 1])})


def fraud_features():
    """Payments and their features, computed as the training script does."""
    def haversine(a, b, c, e):
        a, b, c, e = map(np.radians, (a, b, c, e))
        inside = np.sin((c - a) / 2) ** 2 + np.cos(a) * np.cos(c) * np.sin((e - b) / 2) ** 2
        return 6371 * 2 * np.arcsin(np.sqrt(np.clip(inside, 0, 1)))

    rng = np.random.default_rng(21)
    cases = []
    for _ in range(40):
        amount = round(float(rng.lognormal(3, 1.2)), 2)
        second, weekday = int(rng.integers(0, 86400)), int(rng.integers(0, 7))
        places = [[float(rng.uniform(-85, 85)), float(rng.uniform(-180, 180))] for _ in range(3)]
        counts = sorted(int(n) for n in rng.integers(1, 40, 3))
        totals = sorted(round(amount + float(t), 2) for t in rng.uniform(0, 3000, 3))
        since = None if rng.random() < 0.2 else int(rng.integers(0, 900000))
        terminal = [int(rng.integers(1, 60)), *exact(rng.random(2))]
        cnp = bool(rng.random() < 0.3)
        hour = second / 3600
        (bill, ship, term) = places
        means = [t / n for t, n in zip(totals, counts)]
        features = [
            np.log1p(amount), int(cnp), np.sin(hour * 2 * np.pi / 24), np.cos(hour * 2 * np.pi / 24), int(hour < 6),
            int(weekday >= 5), haversine(*bill, *ship), haversine(*bill, *term), counts[0], means[0], counts[1],
            means[1], counts[2], means[2], min(604800, 604800 if since is None else since), amount / means[2],
            *terminal, amount,
        ]
        cases.append({"amount": amount, "cnp": cnp, "second": second, "weekday": weekday, "places": places,
                      "counts": counts, "totals": totals, "since": since, "terminal": terminal,
                      "features": exact(features)})
    write("fraud_features.json", cases)


def fraud_windows():
    """A stream of payments over two months, and the windows of each, found by looking at all of them again and again."""
    rng = np.random.default_rng(22)
    day = 86400
    times = np.sort(rng.integers(0, 60 * day, 500))
    times[100:104] = times[100]  # at the same second
    times[300] = times[299] + 7 * day if times[299] + 7 * day < times[301] else times[300]
    rows = [[int(t), int(rng.integers(0, 9)), int(rng.integers(1, 4)), round(float(rng.lognormal(3, 1)), 2)] for t in times]
    frauds = rng.random(len(rows)) < 0.15
    cases = []
    for place, (now, customer, till, amount) in enumerate(rows):
        so_far = rows[:place + 1]
        own = [row for row in so_far if row[1] == customer]
        windows = []
        for days in (1, 7, 30):
            inside = [row[3] for row in own if now - row[0] < days * day]
            windows.append([len(inside), math.fsum(inside)])
        here = [(row[0], frauds[index]) for index, row in enumerate(so_far) if row[2] == till]
        shares = []
        for days in (7, 30):
            old = [fraud for when, fraud in here if 7 * day <= now - when < (7 + days) * day]
            shares.append(sum(map(int, old)) / max(1, len(old)))
        cases.append({"at": now, "customer": customer, "till": till, "amount": amount, "fraud": bool(frauds[place]),
                      "windows": windows, "since": None if len(own) == 1 else now - own[-2][0],
                      "till_payments": sum(now - when < 7 * day for when, _ in here), "shares": shares})
    write("fraud_windows.json", cases)


fraud_rows()
fraud_features()
fraud_windows()


def pictures():
    """What Pillow makes of the sample: scaled and cut, as PNG, so that the comparison is of pixels."""
    from PIL import Image

    sample = Image.open(models / "samples" / "espresso.png").convert("RGB")

    def crop(image, short_side, width, height, filter):
        scale = short_side / min(image.size)
        image = image.resize((round(image.width * scale), round(image.height * scale)), filter)
        left, top = (image.width - width) // 2, (image.height - height) // 2
        return image.crop((left, top, left + width, top + height))

    crop(sample, 256, 224, 224, Image.BICUBIC).save(here / "espresso_bicubic_224.png", optimize=True)
    grey = sample.convert("L")
    scale = min(320 / grey.width, 240 / grey.height)
    grey = grey.resize((round(grey.width * scale), round(grey.height * scale)), Image.BILINEAR)
    grey.save(here / "espresso_grey_bilinear.png", optimize=True)
    # The same photograph as a JPEG of the kind a camera gives, and what Pillow decodes from it.
    big = sample.resize((1200, 800), Image.BICUBIC)
    big.save(here / "espresso_1200.jpg", quality=85)
    crop(Image.open(here / "espresso_1200.jpg").convert("RGB"), 256, 224, 224, Image.BICUBIC).save(
        here / "espresso_jpeg_bicubic_224.png", optimize=True)

    network = session("efficientnet_lite0_imagenet_int8_qdq.onnx")
    for name in ("espresso_bicubic_224", "espresso_jpeg_bicubic_224"):
        pixels = np.asarray(Image.open(here / f"{name}.png"), np.float32)
        planes = ((pixels / 255 - 0.5) / 0.5).transpose(2, 0, 1)[None].astype(np.float32)
        logits = network.run(None, {"input": planes})[0][0]
        shares = np.exp(logits - logits.max())
        write(f"{name}.json", {"shares": exact((shares / shares.sum())[[967, 968, 925, 960, 504]]),
                               "corners": exact([planes[0, 0, 0, 0], planes[0, 1, 0, 223], planes[0, 2, 223, 100]])})


pictures()


def cepstra():
    """MFCC of the spoken sample, as NumPy and SciPy compute them."""
    import wave

    from scipy.fft import dct

    with wave.open(str(models / "samples" / "refund.wav")) as clip:
        sound = np.frombuffer(clip.readframes(clip.getnframes()), np.int16).astype(np.float64) / 32768
    size, filters = 512, 64
    window = np.zeros(size)
    window[56:456] = np.hanning(401)[:400]
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 8000 / 700), filters + 2) / 2595) - 1)
    bins = np.linspace(0, 8000, size // 2 + 1)[:, None]
    up, down = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2]), (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    bank = np.maximum(0, np.minimum(up, down))
    padded = np.pad(sound, size // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::160] * window
    energy = np.log(np.abs(np.fft.rfft(frames, size)) ** 2 @ bank + 1e-6)
    found = dct(energy, type=2, norm="ortho", axis=1)[:, :13]
    write("refund_mfcc.json", {"frames": len(found), "every_tenth": [exact(row) for row in found[::10]]})


cepstra()
