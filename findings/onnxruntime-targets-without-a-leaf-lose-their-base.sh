#!/usr/bin/env bash
# onnxruntime 1.32.0 (PyPI): a target that no leaf of a tree ensemble counts for is 0, whatever its base value says.
#
# Expected: base values are added to what the trees say; where they say nothing about a target, it is its base value. ONNX's own reference
# implementation gives just that.
#
# Seen: a forecast for three shops, whose usual sales of 5, 7 and 9 are the base values and whose trees correct the first shop always and
# the second one for some inputs: the third shop gets 0 in place of 9, always, and the second one 0 in place of 7 where its leaf is not
# reached, 8 where it is. A leaf with the weight 0 for each target makes all of them right. The same holds for AVERAGE, MIN and MAX, for
# one row and for many. No error is raised.
#
# Source: https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsembleRegressor.html (base_values: "added to final prediction")
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

BASE = [5.0, 7.0, 9.0]


def model(leaves, how):
    """One tree: up to 1.5 its leaf 1, above its leaf 2; a leaf says (node, target, weight)."""
    nodes, targets, weights = zip(*leaves)
    node = helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", n_targets=3, aggregate_function=how, base_values=BASE,
        nodes_treeids=[0] * 3, nodes_nodeids=[0, 1, 2], nodes_featureids=[0] * 3, nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"],
        nodes_values=[1.5, 0.0, 0.0], nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 0, 0], nodes_missing_value_tracks_true=[0] * 3,
        target_treeids=[0] * len(leaves), target_nodeids=nodes, target_ids=targets, target_weights=weights)
    sides = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, width]) for name, width in (("x", 1), ("y", 3))]
    versions = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(helper.make_graph([node], "sales", [sides[0]], [sides[1]]), opset_imports=versions, ir_version=10)


def run(leaves, how="SUM", rows=1):
    built, asked = model(leaves, how), np.array([[1.0], [2.0]] * rows, np.float32)
    session = onnxruntime.InferenceSession(built.SerializeToString(), providers=["CPUExecutionProvider"])
    seen, meant = session.run(None, {"x": asked})[0], ReferenceEvaluator(built).run(None, {"x": asked})[0]
    return [side[:2].tolist() for side in (seen, meant)]


sparse = [(1, 0, 0.5), (2, 0, -0.5), (2, 1, 1.0)]
full = sparse + [(1, 1, 0.0), (1, 2, 0.0), (2, 2, 0.0)]
seen, meant = run(sparse)
print("seen", seen, "meant", meant)
assert meant == [[5.5, 7.0, 9.0], [4.5, 8.0, 9.0]], "the reference is no longer as stated"
for how in ("SUM", "AVERAGE", "MIN", "MAX"):
    for rows in (1, 500):
        assert run(sparse, how, rows)[0] == [[5.5, 0.0, 0.0], [4.5, 8.0, 0.0]], "no longer as stated"
    assert run(full, how) == [meant, meant], "a leaf for each target no longer helps"
print("as stated")
PY
