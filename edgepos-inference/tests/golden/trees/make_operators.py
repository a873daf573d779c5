"""Every combination of the tree operators' attributes on two stumps, with the answers of ONNX Runtime, or of the specification
where ONNX Runtime 1.32 departs from it (`by` says which).

    pip install numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0
    python make_operators.py

The files are one after the other in operators.bin; operators.json says where each lies, and what it gives.
"""
import json
import pathlib

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper

here = pathlib.Path(__file__).parent
ort.set_default_logger_severity(4)
ROWS = np.array([[0.0], [0.5], [1.0], [1.5], [1.75], [2.0], [40.0], [-1.0], [np.nan]], np.float32)
options = ort.SessionOptions()
options.intra_op_num_threads = 1

# What the two leaves of each of the two trees say: (class or target, weight).
FIRST = [[[(0, 0.2)], [(0, 0.9)]], [[(0, -0.4)], [(0, 0.3)]]]
FIRST_SHARES = [[[(0, 0.2)], [(0, 0.5)]], [[(0, 0.1)], [(0, 0.3)]]]
SECOND = [[[(1, 0.2)], [(1, 0.9)]], [[(1, -0.4)], [(1, 0.3)]]]
SECOND_SHARES = [[[(1, 0.2)], [(1, 0.5)]], [[(1, 0.1)], [(1, 0.3)]]]
OPPOSED = [[[(0, -0.2), (1, 0.2)], [(0, -0.9), (1, 0.9)]], [[(0, 0.4), (1, -0.4)], [(0, -0.3), (1, 0.3)]]]
SHARED = [[[(0, 0.8), (1, 0.2)], [(0, 0.1), (1, 0.9)]], [[(0, 0.7), (1, 0.3)], [(0, 0.4), (1, 0.6)]]]
THREE = [[[(0, 0.2), (1, 0.5), (2, -0.3)], [(0, 0.0), (1, 0.1), (2, 0.9)]], [[(0, 0.4)], [(2, 0.7)]]]
POSTS = ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"]
blob, cases = b"", []


def model(operator, attributes, width, label, opset, kind=TensorProto.FLOAT):
    outputs = [helper.make_tensor_value_info("s", TensorProto.FLOAT, [None, width])]
    if label:
        outputs.insert(0, helper.make_tensor_value_info("l", TensorProto.INT64, [None]))
    node = helper.make_node(operator, ["x"], [output.name for output in outputs], domain="ai.onnx.ml", **attributes)
    graph = helper.make_graph([node], "g", [helper.make_tensor_value_info("x", kind, [None, 1])], outputs)
    opsets = [helper.make_opsetid("ai.onnx.ml", opset), helper.make_opsetid("", 18)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()


def runtime(data, rows=ROWS):
    session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": rows})


def case(name, data, scores=None, label=None, by="ONNX Runtime"):
    global blob
    if scores is None:
        answers = runtime(data)
        scores, label = answers[-1], answers[0].tolist() if len(answers) == 2 else None
    scores = [None if np.isnan(v) else float(v) if np.isfinite(v) else ("inf" if v > 0 else "-inf") for v in np.ravel(scores)]
    cases.append({"name": name, "from": len(blob), "to": len(blob) + len(data), "by": by, "label": label, "scores": scores})
    blob += data


def stumps(votes, post, base=None, mode="BRANCH_LEQ", missing=None):
    attributes = {
        "nodes_treeids": [0] * 3 + [1] * 3, "nodes_nodeids": [0, 1, 2] * 2, "nodes_featureids": [0] * 6,
        "nodes_values": [0.5, 0, 0, 1.5, 0, 0], "nodes_modes": [mode, "LEAF", "LEAF"] * 2,
        "nodes_truenodeids": [1, 0, 0] * 2, "nodes_falsenodeids": [2, 0, 0] * 2, "post_transform": post,
    }
    said = [(tree, leaf + 1, *vote) for tree in (0, 1) for leaf in (0, 1) for vote in votes[tree][leaf]]
    if base:
        attributes["base_values"] = base
    if missing:
        attributes["nodes_missing_value_tracks_true"] = missing
    return attributes, [list(column) for column in zip(*said)]


def classifier(votes, labels, post, **more):
    attributes, (trees, nodes, classes, weights) = stumps(votes, post, **more)
    return model("TreeEnsembleClassifier", {**attributes, "class_treeids": trees, "class_nodeids": nodes, "class_ids": classes,
                 "class_weights": weights, "classlabels_int64s": labels}, len(labels), True, 3)


def regressor(votes, targets, post, aggregate="SUM", **more):
    attributes, (trees, nodes, ids, weights) = stumps(votes, post, **more)
    return model("TreeEnsembleRegressor", {**attributes, "target_treeids": trees, "target_nodeids": nodes, "target_ids": ids,
                 "target_weights": weights, "n_targets": targets, "aggregate_function": aggregate}, targets, False, 3)


for post in POSTS:
    for base in (None, [0.1]):
        for name, votes in (("first", FIRST), ("first, shares", FIRST_SHARES)):
            if post != "PROBIT":
                case(f"two classes, {name}, {post}, base {base}", classifier(votes, [3, 8], post, base=base))
        if post == "NONE" or post == "PROBIT":
            for aggregate in ("SUM", "AVERAGE", "MIN", "MAX"):
                data = regressor(FIRST_SHARES, 1, post, aggregate, base=base)
                case(f"one target, {aggregate}, {post}, base {base}", data)
    for name, votes in (("second", SECOND), ("second, shares", SECOND_SHARES)):
        case(f"two classes, {name}, {post}", classifier(votes, [3, 8], post))
    # Where leaves vote for both, ONNX Runtime says 1 wherever the second class's score is above 0, and 0 elsewhere, whatever
    # the classes are called.
    for name, votes in (("opposed", OPPOSED), ("shared", SHARED)):
        data = classifier(votes, [3, 8], post)
        sums = runtime(classifier(votes, [3, 8], "NONE"))[1]
        case(f"two classes, {name}, {post}", data, runtime(data)[1], [[3, 8][np.argmax(row)] for row in sums], "the specification")
    for base in (None, [0.1, 0.3, -0.2]):
        case(f"three classes, {post}, base {base}", classifier(THREE, [5, 6, 9], post, base=base))
    for base in (None, [0.25, -0.1]):
        case(f"two targets, {post}, base {base}", regressor(SHARED, 2, post, base=base))
# ONNX Runtime leaves it out where there is one target.
raw = runtime(regressor(FIRST, 1, "NONE"))[0]
case("one target, LOGISTIC", regressor(FIRST, 1, "LOGISTIC"), 1 / (1 + np.exp(-raw.astype(float))), None, "the specification")
for aggregate in ("AVERAGE", "MIN", "MAX"):
    case(f"two targets, {aggregate}", regressor(SHARED, 2, "NONE", aggregate, base=[0.25, -0.1]))
for mode in ("LT", "LEQ", "GT", "GTE", "EQ", "NEQ"):
    for missing in (None, [1, 0, 0, 0, 0, 0]):
        case(f"{mode}, missing {missing}", regressor(FIRST, 1, "NONE", mode=f"BRANCH_{mode}", missing=missing))


def tensor(values, kind):
    return helper.make_tensor("t", kind, [len(values)], values)


def fifth(post=0, aggregate=1, targets=1, modes=(0, 0), members=None, ids=(0, 0, 0, 0), kind=TensorProto.FLOAT, **more):
    attributes = {
        "n_targets": targets, "aggregate_function": aggregate, "post_transform": post, "tree_roots": [0, 1],
        "nodes_featureids": [0, 0], "nodes_splits": tensor([0.5, 1.5], kind),
        "nodes_modes": helper.make_tensor("t", TensorProto.UINT8, [2], bytes(modes), raw=True),
        "nodes_truenodeids": [0, 2], "nodes_falsenodeids": [1, 3], "nodes_trueleafs": [1, 1], "nodes_falseleafs": [1, 1],
        "leaf_targetids": list(ids), "leaf_weights": tensor([0.2, 0.9, -0.4, 0.3], kind), **more,
    }
    if members:
        attributes["membership_values"] = tensor(members, kind)
    return model("TreeEnsemble", attributes, targets, False, 5, kind)


for aggregate, name in enumerate(("AVERAGE", "SUM", "MIN", "MAX")):
    case(f"opset 5, {name}", fifth(aggregate=aggregate))
for mode in range(6):
    case(f"opset 5, mode {mode}", fifth(modes=(mode, mode)))
    case(f"opset 5, mode {mode}, missing", fifth(modes=(mode, mode), nodes_missing_value_tracks_true=[1, 0]))
# The specification numbers SOFTMAX 1 and LOGISTIC 2, ONNX Runtime the other way round.
for post, as_runtime_numbers in enumerate((0, 2, 1, 3, 4)):
    answer = runtime(fifth(as_runtime_numbers, targets=2, ids=(0, 1, 0, 1)))[0]
    by = "ONNX Runtime" if post == as_runtime_numbers else "the specification"
    case(f"opset 5, two targets, post transform {post}", fifth(post, targets=2, ids=(0, 1, 0, 1)), answer, None, by)
NAN = float("nan")
for name, members in (("", [1, 1.5, NAN, 2, 40, NAN]), (", no last delimiter", [1, 2, NAN, 0])):
    for missing in ({}, {"nodes_missing_value_tracks_true": [1, 0]}):
        case(f"opset 5, members{name}, {len(missing)}", fifth(modes=(6, 6), members=members, **missing))
# One comparison, two sets: their branches lead to leaves that both trees share.
case("opset 5, a shared leaf", fifth(modes=(1, 6), members=[2, NAN], nodes_truenodeids=[0, 1], nodes_falsenodeids=[1, 0],
     leaf_targetids=[0, 0], leaf_weights=tensor([0.2, 0.9], TensorProto.FLOAT)))
wide = fifth(kind=TensorProto.DOUBLE, nodes_splits=tensor([0.4999999999, 1.5000000001], TensorProto.DOUBLE))
case("opset 5, doubles", wide, [-0.2, 0.5, 0.5, 0.5, 1.2, 1.2, 1.2, -0.2, 1.2], None, "the specification")
(here / "operators.bin").write_bytes(blob)
(here / "operators.json").write_text(json.dumps({"rows": [None if np.isnan(v) else float(v) for v in ROWS[:, 0]],
                                                 "cases": cases}, separators=(",", ":")) + "\n", encoding="utf-8")
print(len(cases), "cases,", len(blob), "bytes")
