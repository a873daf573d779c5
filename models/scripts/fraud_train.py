"""Train the fraud model: gradient-boosted trees on the payments that fraud_data.py makes, calibrated, with a threshold.

    pip install numpy==2.4.6 pandas==3.1.1 pyarrow scikit-learn==1.9.1 xgboost-cpu==3.2.0 onnxmltools==1.16.0 skl2onnx==1.20.0 \
        onnx==1.23.2 onnxruntime==1.32.0
    python fraud_train.py DIRECTORY ../fraud_xgb20.onnx

Each payment is seen as different tills see it: with the generator's amounts and with those of retail baskets, with places and the
kind of payment and without, at busy tills and at quiet ones. Trained on the first weeks, or on some of the people; calibrated and given its threshold on the others.
fraud_test.py examines what comes out on sets that neither saw.
"""
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime as ort
import pandas as pd
import xgboost as xgb
from onnxmltools.convert import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score

import fraud_data
from fraud_features import DAY, FEATURES, features

BANDS = [0, 10, 25, 50, 100, 200, np.inf]
UNPLACED = ["customer", "terminal", "seconds", "amount", "fraud"]


def sets(directory):
    """(name, columns, label, part) of each view; part 0 trains, part 1 calibrates, anything else is left out."""
    rng = np.random.default_rng(5)
    table = pd.read_parquet(directory / "synccfd.parquet").sort_values("seconds", kind="stable").reset_index(drop=True)
    day = table.seconds // DAY - 2
    part = np.select([(day >= 20) & (day < 55), day >= 62], [0, 1], 2)
    half = (table.customer % 2 == 0).to_numpy()
    for name, amounts in (("its amounts", table), ("baskets", fraud_data.retail_amounts(table, rng))):
        yield f"synccfd, {name}", features(amounts), table.fraud.to_numpy(), part
        unplaced = amounts[UNPLACED]
        yield f"synccfd, {name}, no places", features(unplaced), table.fraud.to_numpy(), part
        yield f"synccfd, {name}, no places, quiet tills", features(unplaced[half]), table.fraud.to_numpy()[half], part[half]
    table = pd.read_parquet(directory / "finforge.parquet").sort_values("seconds", kind="stable").reset_index(drop=True)
    first = table.seconds.to_numpy() // DAY < 33
    yield "finforge", features(table), table.fraud.to_numpy(), np.where(first, 2, (table.customer % 4 == 0).astype(int))
    for place, seed in enumerate((11, 12)):
        file = directory / ("shop.parquet" if seed == 11 else f"shop{seed}.parquet")
        if not file.exists():
            fraud_data.shop(file, seed)
        table = pd.read_parquet(file)
        yield f"shop {seed}", features(table), table.fraud.to_numpy(), np.where(table.seconds // DAY < 31, 2, place)


def auc(label, score):
    return roc_auc_score(label, score) if 0 < label.sum() < len(label) else float("nan")


def reliability(label, share):
    """What share was fraud among payments of about the same score."""
    edges = [0, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0001]
    for low, high in zip(edges, edges[1:]):
        inside = (share >= low) & (share < high)
        if inside.any():
            print(f"    {low:5.3f} to {min(high, 1):5.3f}: {inside.sum():7d} payments, mean score {share[inside].mean():.4f}, "
                  f"fraud {label[inside].mean():.4f}")


def calibrate(model, a, b):
    """Stretches and shifts the margins of the converted model: a × margin + b."""
    node = model.graph.node[0]
    for attribute in node.attribute:
        if attribute.name == "class_weights":
            attribute.floats[:] = [a * weight for weight in attribute.floats]
        if attribute.name == "base_values":
            attribute.floats[:] = [a * value + b for value in attribute.floats]


def main():
    directory, target = map(pathlib.Path, sys.argv[1:3])
    views = list(sets(directory))
    for name, _, label, part in views:
        print(f"{name}: {label[part == 0].sum()} frauds of {(part == 0).sum()} to train on, {label[part == 1].sum()} of "
              f"{(part == 1).sum()} to calibrate on")
    join = lambda of: (np.concatenate([x[part == of] for _, x, _, part in views]),
                       np.concatenate([label[part == of] for _, _, label, part in views]))
    x, label = join(0)
    model = xgb.XGBClassifier(n_estimators=200, max_depth=6, learning_rate=0.08, subsample=0.8, colsample_bytree=0.8,
                              min_child_weight=5, tree_method="hist", n_jobs=2, random_state=0).fit(x, label)
    kept, kept_label = join(1)
    margin = model.predict(kept, output_margin=True)
    fit = LogisticRegression(C=1e6).fit(margin[:, None], kept_label)
    a, b = float(fit.coef_[0, 0]), float(fit.intercept_[0])
    converted = convert_xgboost(model, initial_types=[("input", FloatTensorType([None, len(FEATURES)]))], target_opset=15)
    calibrate(converted, a, b)
    target.write_bytes(converted.SerializeToString())
    session = ort.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    ask = lambda rows: session.run(["probabilities"], {"input": rows})[0][:, 1]
    share = ask(kept)
    print(f"margins × {a:.3f} + {b:.3f}; largest difference from XGBoost", np.abs(share - 1 / (1 + np.exp(-(a * margin + b)))).max())
    reliability(kept_label, share)
    # The lowest threshold that flags no more than a fifth of the allowed one per cent of honest baskets in any band of amounts.
    _, x, label, part = views[-1]
    honest = (part == 1) & (label == 0)
    score, amount = ask(x), x[:, FEATURES.index("amount")]
    worst = lambda at: max(np.mean(score[honest & (amount >= low) & (amount < high)] >= at) for low, high in zip(BANDS, BANDS[1:]))
    threshold = next(at / 100 for at in range(20, 100) if worst(at / 100) <= 0.002)
    print("threshold", threshold)
    for name, x, label, part in views:
        score, kept = ask(x[part == 1]), label[part == 1]
        if len(score):
            flagged = score >= threshold
            print(f"{name}: AUC {auc(kept, score):.3f}, average precision {average_precision_score(kept, score):.3f} at {kept.mean():.2%} "
                  f"fraud; flagged {flagged[kept == 1].mean():.1%} of the frauds, {flagged[kept == 0].mean():.3%} of the honest")


if __name__ == "__main__":
    main()
