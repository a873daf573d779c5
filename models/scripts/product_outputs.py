"""Give the product network two more outputs, without touching a weight.

- `embedding` [n, 1280]: the pooled features, for recognising a shop's own products by nearest neighbour.
- `activation` [n, 7, 7]: how much each cell of the last feature map speaks for the winning class (class activation
  mapping, Zhou et al., 2016; exact here, since the network ends in global average pooling and one dense layer).

    pip install onnx==1.23.2 numpy onnxruntime==1.32.0
    python product_outputs.py in.onnx out.onnx
"""
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

source, target = sys.argv[1:3]
model = onnx.load(source)
graph = model.graph


def producer(name):
    return next(node for node in graph.node if name in node.output)


def only(operator):
    nodes = [node for node in graph.node if node.op_type == operator]
    assert len(nodes) == 1, (operator, len(nodes))
    return nodes[0]


pool, dense = only("GlobalAveragePool"), only("Gemm")
features = pool.input[0]  # [n, 1280, 7, 7]
embedding = dense.input[0]  # [n, 1280]
weights = dense.input[1]  # [1000, 1280]
assert any(a.name == "transB" and a.i == 1 for a in dense.attribute)


def constant(name, values):
    graph.initializer.append(numpy_helper.from_array(np.array(values, np.int64), name))
    return name


graph.node.extend([
    helper.make_node("Identity", [embedding], ["embedding"], name="embedding_out"),
    helper.make_node("ArgMax", ["logits"], ["cam_winner"], name="cam_argmax", axis=1, keepdims=0),
    helper.make_node("Gather", [weights, "cam_winner"], ["cam_row"], name="cam_gather", axis=0),
    helper.make_node("Unsqueeze", ["cam_row", constant("cam_axis", [1])], ["cam_row3"], name="cam_unsqueeze"),
    helper.make_node("Reshape", [features, constant("cam_flat", [0, 0, 49])], ["cam_features"], name="cam_flatten"),
    helper.make_node("MatMul", ["cam_row3", "cam_features"], ["cam_map"], name="cam_matmul"),
    helper.make_node("Reshape", ["cam_map", constant("cam_grid", [-1, 7, 7])], ["activation"], name="cam_shape"),
])
graph.output.extend([
    helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 1280]),
    helper.make_tensor_value_info("activation", TensorProto.FLOAT, ["n", 7, 7]),
])
# What a simplifier wrote about its own work, and domains that no node uses.
del model.metadata_props[:]
used = {node.domain for node in graph.node}
kept = [opset for opset in model.opset_import if opset.domain in used]
del model.opset_import[:]
model.opset_import.extend(kept)
onnx.checker.check_model(model)
onnx.save(model, target)

before, after = (ort.InferenceSession(path, providers=["CPUExecutionProvider"]) for path in (source, target))
x = np.random.default_rng(0).normal(size=(2, 3, 224, 224)).astype(np.float32)
assert np.array_equal(before.run(["logits"], {"input": x})[0], after.run(["logits"], {"input": x})[0])
logits, pooled, cells = after.run(["logits", "embedding", "activation"], {"input": x})
print(target, logits.shape, pooled.shape, cells.shape)
