"""The Python side of the benchmark `inference_peers`, which starts it: one piece of work for each line on standard input.

Needs onnxruntime 1.32, pillow and numpy. Arguments: a JPEG, the product model, how many threads a run may use. Each line is
answered with the nanoseconds that the work took.
"""
import io
import sys
import time

import numpy as np
import onnxruntime as ort
import PIL
from PIL import Image

photo, model, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
with open(photo, "rb") as file:
    jpeg = file.read()
options = ort.SessionOptions()
options.intra_op_num_threads = threads
session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def prepare():
    """As the manifest says: short side to 256, bicubic, the middle 224 × 224, normalised, channels first."""
    image = Image.open(io.BytesIO(jpeg)).convert("RGB")
    scale = 256 / min(image.size)
    image = image.resize((round(image.width * scale), round(image.height * scale)), Image.BICUBIC)
    left, top = (image.width - 224) // 2, (image.height - 224) // 2
    pixels = np.asarray(image.crop((left, top, left + 224, top + 224)), np.float32)
    pixels = (pixels * np.float32(1 / 255) - np.float32(0.5)) / np.float32(0.5)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])


def recognise():
    # The same three outputs that the pipeline asks for.
    logits = session.run(["logits", "embedding", "activation"], {"input": prepare()})[0][0]
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    best = np.argsort(-shares)[:5]
    assert best[0] == 967, best


WORK = {"prepare": prepare, "recognise": recognise}
print(f"onnxruntime {ort.__version__}, Pillow {PIL.__version__}, NumPy {np.__version__}", flush=True)
for line in sys.stdin:
    start = time.perf_counter_ns()
    WORK[line.strip()]()
    print(time.perf_counter_ns() - start, flush=True)
