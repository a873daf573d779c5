"""Quantise the exported network to 8 bits: QDQ, unsigned activations, signed weights per channel.

Unsigned activations matter: on x86 processors signed ones run at a third of the speed.

    pip install onnxruntime==1.32.0 onnx pillow numpy
    python product_quantise.py lite0_fp32.onnx calibration_photos/ lite0_int8.onnx

`calibration_photos` is any folder of a few dozen photographs; the shipped file used 21 from scikit-image's data and four
views of each. Then run product_outputs.py.
"""
import pathlib
import sys

import numpy as np
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from PIL import Image

source, photos, target = sys.argv[1:4]


def prepare(path, view):
    """Scale, cut and normalise as the manifest says; views differ in scale and are mirrored."""
    image = Image.open(path).convert("RGB")
    if view % 2:
        image = image.transpose(Image.FLIP_LEFT_RIGHT)
    scale = (256 + 32 * (view // 2)) / min(image.size)
    size = [max(224, round(side * scale)) for side in image.size]
    image = image.resize(size, Image.BICUBIC)
    left, top = (image.width - 224) // 2, (image.height - 224) // 2
    pixels = np.asarray(image.crop((left, top, left + 224, top + 224)), np.float32)
    return ((pixels / 255 - 0.5) / 0.5).transpose(2, 0, 1)[None].astype(np.float32)


class Photos(CalibrationDataReader):
    def __init__(self):
        paths = sorted(path for path in pathlib.Path(photos).iterdir() if path.suffix.lower() in (".png", ".jpg", ".jpeg"))
        self.rows = iter([{"input": prepare(path, view)} for path in paths for view in range(4)])

    def get_next(self):
        return next(self.rows, None)


prepared = target + ".prepared"
quant_pre_process(source, prepared, skip_symbolic_shape=True)
quantize_static(
    prepared, target, Photos(), quant_format=QuantFormat.QDQ, per_channel=True,
    activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
)
pathlib.Path(prepared).unlink()
