"""Write a MobileNetV3-Small graph (Howard et al., 2019) with random weights, for benchmarks of the runtime alone.

No trained weights of it can be had under a licence that lets them ship, and random ones would answer, wrongly; how long the
graph takes does not depend on them. Batch normalisation is folded into the convolutions, as an exporter leaves it.

    pip install numpy onnx==1.23.2
    python mobilenet_v3_small.py ../../target/models/mobilenet_v3_small.onnx
"""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

target = pathlib.Path(sys.argv[1])
rng = np.random.default_rng(0)
nodes, weights = [], []


def constant(values, dtype=np.float32):
    weights.append(numpy_helper.from_array(np.asarray(values, dtype), f"w{len(weights)}"))
    return weights[-1].name


def node(operator, *inputs, **attributes):
    nodes.append(helper.make_node(operator, list(inputs), [f"v{len(nodes)}"], **attributes))
    return nodes[-1].output[0]


def conv(x, inputs, outputs, side=1, stride=1, groups=1):
    fan_in = inputs // groups * side * side
    kernel = rng.normal(0, np.sqrt(2 / fan_in), (outputs, inputs // groups, side, side))
    return node("Conv", x, constant(kernel), constant(rng.normal(0, 0.01, outputs)), kernel_shape=[side, side],
                strides=[stride, stride], pads=[side // 2] * 4, group=groups)


def hard_sigmoid(x):
    return node("HardSigmoid", x, alpha=1 / 6, beta=0.5)


def activate(x, hard):
    return node("Mul", x, hard_sigmoid(x)) if hard else node("Relu", x)


def squeeze(x, channels):
    """Squeeze and excitation."""
    narrow = max(8, (channels // 4 + 4) // 8 * 8)
    pooled = node("GlobalAveragePool", x)
    inner = node("Relu", conv(pooled, channels, narrow))
    return node("Mul", x, hard_sigmoid(conv(inner, narrow, channels)))


def dense(x, inputs, outputs):
    kernel = rng.normal(0, np.sqrt(2 / inputs), (outputs, inputs))
    return node("Gemm", x, constant(kernel), constant(np.zeros(outputs)), transB=1)


# Table 2 of the paper: kernel, expansion, output, squeeze, hard swish, stride.
BLOCKS = [
    (3, 16, 16, True, False, 2), (3, 72, 24, False, False, 2), (3, 88, 24, False, False, 1),
    (5, 96, 40, True, True, 2), (5, 240, 40, True, True, 1), (5, 240, 40, True, True, 1),
    (5, 120, 48, True, True, 1), (5, 144, 48, True, True, 1), (5, 288, 96, True, True, 2),
    (5, 576, 96, True, True, 1), (5, 576, 96, True, True, 1),
]
x, width = activate(conv("input", 3, 16, 3, 2), True), 16
for side, expansion, outputs, squeezed, hard, stride in BLOCKS:
    inner = x if expansion == width else activate(conv(x, width, expansion), hard)
    inner = activate(conv(inner, expansion, expansion, side, stride, expansion), hard)
    if squeezed:
        inner = squeeze(inner, expansion)
    inner = conv(inner, expansion, outputs)
    x, width = (node("Add", x, inner) if stride == 1 and width == outputs else inner), outputs
x = activate(conv(x, width, 576), True)
x = node("Flatten", node("GlobalAveragePool", x))
x = dense(activate(dense(x, 576, 1024), True), 1024, 1000)
nodes.append(helper.make_node("Identity", [x], ["logits"]))

graph = helper.make_graph(
    nodes, "mobilenet_v3_small", [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, 224, 224])],
    [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 1000])], weights,
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
onnx.checker.check_model(model, full_check=True)
target.parent.mkdir(parents=True, exist_ok=True)
onnx.save(model, target)
print(target, sum(int(np.prod(weight.dims)) for weight in weights), "parameters")
