#!/usr/bin/env bash
# pyInterDemand 1.4.3 (PyPI): the forecast does not know of the last day's sale, and starts from a first day on which nothing was sold.
#
# Expected: a forecast for tomorrow counts all days until today; an article of which three pieces are sold every third day is forecast at
# one a day, and n_steps days are forecast.
#
# Seen: the last day is left out: nine pieces that are sold today, for the first time, give a forecast of 0, with Croston's method and with
# SBA, SBJ and TSB, and any other sale of today changes nothing. The first day counts as a sale, also where nothing was sold: three pieces
# every third day are forecast at 0.68 after 18 days and at 0.97 after 72. n_steps=4 gives three days. intermittent-forecast 1.0.0 gives
# 1.00 after 18 days, and counts the last day. No error is raised.
#
# Source: Croston, Forecasting and stock control for intermittent demands (1972); https://github.com/Valdecy/pyInterDemand
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyInterDemand==1.4.3 pandas==2.3.3 numpy==2.4.6 intermittent-forecast==1.0.0
MPLBACKEND=agg MPLCONFIGDIR="$folder" "$folder/venv/bin/python" -W ignore - <<'PY'
import numpy as np
import pandas as pd
from intermittent_forecast.forecasters.croston import Croston
from pyInterDemand.algorithm import croston_method, sba_method, sbj_method, tsb_method


def ahead(days, method=croston_method, steps=4):
    series = pd.Series(np.array(days, float), index=pd.date_range("2026-01-01", periods=len(days)))
    return method(series, n_steps=steps)[2].iloc[len(days):].round(2).tolist()


def other(days):
    return round(float(Croston().fit(days, variant="CRO", alpha=0.1, beta=0.1).forecast(start=0, end=len(days) + 1)[-1]), 2)


METHODS = [croston_method, sba_method, sbj_method, tsb_method]
third = [0, 0, 3] * 6
print(f"every third day: {ahead(third)} after 18 days, {ahead(third * 4)} after 72; intermittent-forecast {other(third)}")
assert (ahead(third), ahead(third * 4), other(third)) == ([0.68] * 3, [0.97] * 3, 1.0), "no longer as stated"
for method in METHODS:
    first = ahead([0] * 17 + [9], method)
    print(f"{method.__name__}: nine pieces today, none before: {first}")
    assert first == [0.0] * 3, "no longer as stated"
    assert ahead(third[:-1] + [0], method) == ahead(third[:-1] + [300], method) == ahead(third, method), "the last day counts"
assert other(third[:-1] + [300]) > other(third), "intermittent-forecast no longer counts the last day"
print("as stated")
PY
