#!/usr/bin/env bash
# croston 0.1.2.4 (PyPI): the forecast for a day knows what is sold on that day, and the article that sells every other day sells more.
#
# Expected: the value that is fitted to a day is the forecast that was made before it; its error is what the smoothing is chosen by. The
# time up to the first sale is counted as the other intervals are: of four pieces on each second day the rate is two a day.
#
# Seen: a fitted value uses the sale of its own day: with 900 in place of 9 on the fifth day the forecast for that day is 225 in place of
# 2.25. The smoothing is chosen by these errors, here 1, which is none, and who compares them with those of another method finds this one
# better than it is. The first interval is one too short, since days are counted from zero: four on each second day are 2.13 a day, three
# on each third 1.06, and one sale on the sixth day is 1 in 5. A series that sells only on its first day has no forecast, and no error says so.
#
# Source: Croston (1972); Kourentzes, tsintermittent (crost, whose days are counted from one); https://pypi.org/project/croston/
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check croston==0.1.2.4 numpy==2.3.5 pandas==2.3.3 scipy==1.16.3
"$folder/venv/bin/python" - <<'PY'
import numpy as np
from croston import croston


def fit(sold):
    result = croston.fit_croston(np.array(sold, float), 1, "original")
    model = result["croston_model"]
    return result["croston_fittedvalues"], result["croston_forecast"], model and model["a_demand"]


for pieces, stated in ((9, 2.25), (900, 225.0)):
    fitted, _, smoothing = fit([1, 0, 0, 0, pieces, 0, 0, 2, 0, 0, 0, 0, 7, 0])
    print(f"{pieces} sold on the fifth day: the forecast for it is {fitted[4]:.2f}, for the day before {fitted[3]:.2f}, smoothing {smoothing:.2f}")
    assert round(fitted[4], 2) == stated and round(fitted[3], 2) == 0.33, "no longer as stated"
    assert round(smoothing, 2) == 1, "the smoothing is no longer as stated"
for name, sold, stated in [
    ("four on each second day", [0, 4] * 8, 2.13),
    ("three on each third day", [0, 0, 3] * 6, 1.06),
    ("one on the sixth day", [0] * 5 + [1], 0.2),
]:
    _, forecast, _ = fit(sold)
    print(f"{name}: {forecast[0]:.2f} a day")
    assert round(forecast[0], 2) == stated, "no longer as stated"
assert fit([3, 0, 0, 0, 0, 0]) == (None, None, None), "a sale on the first day is no longer as stated"
print("as stated")
PY
