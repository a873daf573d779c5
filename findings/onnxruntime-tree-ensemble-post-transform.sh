#!/usr/bin/env bash
# onnxruntime 1.32.0, onnx 1.23.2 (PyPI): what becomes of a tree's sum.
#
# Expected: TreeEnsemble (ai.onnx.ml, opset 5) numbers its post_transform 0 NONE, 1 SOFTMAX, 2 LOGISTIC (the operator's
# specification), so 1 over two targets gives their softmax, and 2 the logistic of each. A TreeEnsembleRegressor (opset 3)
# with post_transform "LOGISTIC" gives the logistic of its sum.
#
# Seen: in TreeEnsemble with two targets, 1 is the logistic of each and 2 the softmax over both: the numbers are exchanged. With one
# target, both operators leave LOGISTIC out without a word and give the bare sum.
#
# Source: https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsemble.html
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.3.5
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper

print("onnxruntime", ort.__version__, "onnx", onnx.__version__)
ROW = np.array([[0.0]], dtype=np.float32)


def answer(node, targets, opset):
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, targets])],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", opset)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    onnx.checker.check_model(model)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": ROW})[0][0]


def trees(sums, transform):
    """One tree a target: x <= 1 leads to the leaf with this sum, and to the same one otherwise."""
    f32 = lambda name, values: helper.make_tensor(name, TensorProto.FLOAT, [len(values)], values)
    u8 = lambda name, values: helper.make_tensor(name, TensorProto.UINT8, [len(values)], values)
    n = len(sums)
    return helper.make_node(
        "TreeEnsemble", ["x"], ["y"], domain="ai.onnx.ml",
        n_targets=n, aggregate_function=1, post_transform=transform,
        tree_roots=list(range(n)), nodes_featureids=[0] * n,
        nodes_modes=u8("modes", [0] * n), nodes_splits=f32("splits", [1.0] * n),
        nodes_truenodeids=[2 * i for i in range(n)], nodes_trueleafs=[1] * n,
        nodes_falsenodeids=[2 * i + 1 for i in range(n)], nodes_falseleafs=[1] * n,
        leaf_targetids=[i for i in range(n) for _ in range(2)],
        leaf_weights=f32("weights", [s for s in sums for _ in range(2)]),
    )


def regressor(total):
    return helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml",
        n_targets=1, post_transform="LOGISTIC",
        nodes_treeids=[0, 0, 0], nodes_nodeids=[0, 1, 2], nodes_featureids=[0, 0, 0],
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"], nodes_values=[1.0, 0.0, 0.0],
        nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 0, 0],
        target_treeids=[0, 0], target_nodeids=[1, 2], target_ids=[0, 0], target_weights=[total, total],
    )


logistic = lambda v: 1 / (1 + np.exp(-v))
sums = np.array([1.0, -2.0])
softmax = np.exp(sums) / np.exp(sums).sum()
cases = [
    ("two targets, post_transform 1 (SOFTMAX by the specification)", answer(trees([1.0, -2.0], 1), 2, 5), logistic(sums)),
    ("two targets, post_transform 2 (LOGISTIC by the specification)", answer(trees([1.0, -2.0], 2), 2, 5), softmax),
    ("one target, TreeEnsembleRegressor with LOGISTIC", answer(regressor(0.7), 1, 3), np.array([0.7])),
]
for name, seen, stated in cases:
    print(f"{name}: {np.round(seen, 6).tolist()}")
    assert np.allclose(seen, stated, atol=1e-5), f"no longer as stated: {stated}"
print("as stated")
PY
