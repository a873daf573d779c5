#!/usr/bin/env bash
# onnxruntime 1.32.0, onnx 1.23.2 (PyPI): a set of categories that has a large number in it takes fractions for whole numbers.
#
# Expected: a node BRANCH_MEMBER of TreeEnsemble (ai.onnx.ml, opset 5) is true where the feature's value is in the set, as the
# operator's specification says and its reference evaluator does: 2.9 and 40.5 are in no set of whole numbers.
#
# Seen: with the set {2, 4} the values are compared as they are. With {2, 40}, or {40} alone, the fraction is cut off before: 2.9
# counts as 2 and 40.5 as 40. So a model changes its answer for the same row when a category is added to the set that the row is not in.
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
from onnx.reference import ReferenceEvaluator

print("onnxruntime", ort.__version__, "onnx", onnx.__version__)
VALUES = [1.0, 2.0, 2.5, 2.9, 3.0, 4.0, 4.5, 40.0, 40.5, 41.0]
ROWS = np.array([[value] for value in VALUES], dtype=np.float32)


def member(members):
    """One node: 1 where the value is in the set, 0 otherwise."""
    f32 = lambda name, values: helper.make_tensor(name, TensorProto.FLOAT, [len(values)], values)
    node = helper.make_node(
        "TreeEnsemble", ["x"], ["y"], domain="ai.onnx.ml", n_targets=1, aggregate_function=1, post_transform=0,
        tree_roots=[0], nodes_featureids=[0], nodes_modes=helper.make_tensor("modes", TensorProto.UINT8, [1], [6]),
        nodes_splits=f32("splits", [0.0]), nodes_truenodeids=[0], nodes_trueleafs=[1], nodes_falsenodeids=[1],
        nodes_falseleafs=[1], leaf_targetids=[0, 0], leaf_weights=f32("weights", [1.0, 0.0]),
        membership_values=f32("members", [*members, float("nan")]),
    )
    graph = helper.make_graph(
        [node], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 5)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    onnx.checker.check_model(model)
    return model


def inside(answers):
    return [value for value, answer in zip(VALUES, answers.ravel()) if answer == 1.0]


cases = [
    ([2.0, 4.0], [2.0, 4.0]),
    ([40.0], [40.0, 40.5]),
    ([2.0, 40.0], [2.0, 2.5, 2.9, 40.0, 40.5]),
    ([2.0, 4.0, 40.0], [2.0, 2.5, 2.9, 4.0, 4.5, 40.0, 40.5]),
]
for members, stated in cases:
    model = member(members)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    seen = inside(session.run(None, {"x": ROWS})[0])
    reference = inside(ReferenceEvaluator(model).run(None, {"x": ROWS})[0])
    print(f"in {members}: {seen}, by the reference {reference}")
    assert reference == members, "the reference is no longer as stated"
    assert seen == stated, f"no longer as stated: {stated}"
print("as stated")
PY
