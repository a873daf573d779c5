#!/usr/bin/env bash
# demandplan 0.4.0 (PyPI): an article that was sold once in thirty days is forecast to sell thirty times in the next thirty.
#
# Expected: Croston's method divides the size of the sales by the interval between them; after one sale in thirty days the interval is no
# less than the days that were seen, and of a steady seven each seventh day the forecast is one a day.
#
# Seen: the interval begins with 1 at the first sale, however long that took, and moves towards the real one by a tenth at each sale. After
# one sale the forecast is one a day, and so is every quantile, from the fifth percentile to the 95th: the model is certain. Three
# sales, one each tenth day, are forecast as eleven in thirty days, and seven each seventh day, 28 in thirty days, as 80. SBA takes five
# percent off that. TSB of the same package says 3.0, 4.5 and 32. With alpha 1 the interval is the last one seen, and the forecasts are right.
#
# Source: Croston, Forecasting and stock control for intermittent demands (1972); https://pypi.org/project/demandplan/ (CrostonForecaster)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.3.5 pandas==2.3.3 scipy==1.16.3
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps demandplan==0.4.0
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import pandas as pd
from demandplan.models.intermittent import CrostonForecaster, SBAForecaster, TSBForecaster

DAYS = pd.date_range("2026-11-01", periods=30)


def fit(model, sold):
    return model.fit(pd.DataFrame({"unique_id": "117", "ds": DAYS, "y": np.array(sold, float)}))


def expected(model, sold):
    """What the fitted model expects for thirty days: its points, which the quantiles are made around."""
    return round(float(fit(model, sold)._predict_points(30)["117"].sum()), 1)


once = [0] * 29 + [1]
quantiles = fit(CrostonForecaster(), once).predict(30).drop(columns=["unique_id", "ds"])
print("one sale in thirty days, quantiles of the next day:", quantiles.iloc[0].to_dict(), "and in sum", quantiles["q50"].sum())
assert (quantiles == 1.0).all(axis=None), "no longer as stated"
tenth, seventh = ([0] * 9 + [1]) * 3, ([0] * 6 + [7]) * 4 + [0, 0]
for name, sold, stated in [
    ("once", once, (30.0, 28.5, 3.0)),
    ("each tenth day", tenth, (11.1, 10.5, 4.5)),
    ("seven a week", seventh, (80.0, 76.0, 32.1)),
]:
    seen = tuple(expected(model(), sold) for model in (CrostonForecaster, SBAForecaster, TSBForecaster))
    print(f"{name}: {sum(sold)} in thirty days; Croston, SBA and TSB say {seen}")
    assert seen == stated, "no longer as stated"
last = [expected(CrostonForecaster(alpha=1.0), sold) for sold in (tenth, seventh)]
assert last == [3.0, 30.0], "alpha 1 is no longer as stated"
print("as stated")
PY
