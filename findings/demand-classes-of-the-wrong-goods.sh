#!/usr/bin/env bash
# sbc-classification 0.0.4, pyInterDemand 1.4.3 (PyPI): steady sales are put into the class of erratic ones, and the class depends on the unit.
#
# Expected: demand is classified by the mean interval between sales (1.32) and the square of the coefficient of variation of their sizes
# (0.49): Croston's method where both are below, the corrected one (SBA) elsewhere. Both numbers are the same for pieces, dozens and grams.
#
# Seen: sbc-classification compares the second number the other way round: an article that sells 8 to 12 pieces every day gets SBA, one
# that sells 1 or 30 gets Croston. The two numbers that it shows are right. pyInterDemand divides by the mean where its square belongs, and
# by the mean of all days: the same article is Smooth in pieces and Erratic in grams, one that sells exactly 5 pieces now and then
# (no variation at all) is Lumpy in pieces and Intermittent in boxes of ten. No error is raised.
#
# Source: Syntetos, Boylan, Croston, On the categorization of demand patterns, JORS 56 (2005)
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sbc-classification==0.0.4 pyInterDemand==1.4.3 pandas==2.3.3 numpy==2.4.6
MPLBACKEND=agg MPLCONFIGDIR="$folder" "$folder/venv/bin/python" -W ignore - <<'PY'
import contextlib
import io

import numpy as np
import pandas as pd
from pyInterDemand.algorithm import classification
from sbc.sbc_class import sbc_class

sales = {
    "steady": [8, 10, 12, 9, 11] * 12,
    "erratic": [1, 1, 1, 2, 30] * 12,
    "now and then": [0, 0, 5] * 20,
    "lumpy": [0, 0, 1, 0, 30] * 12,
}
stated = {"steady": "SBA", "erratic": "Croston", "now and then": "SBA", "lumpy": "SBA"}


def named(days, unit):
    with contextlib.redirect_stdout(io.StringIO()) as text:
        classification(pd.Series(np.array(days) * unit, index=pd.date_range("2026-01-01", periods=len(days))))
    return text.getvalue().split("Type:")[1].strip()


classes = {}
for name, days in sales.items():
    sold = np.array([day for day in days if day], float)
    interval, variation = len(days) / len(sold), (sold.std(ddof=1) / sold.mean()) ** 2
    meant = "Croston" if interval < 1.32 and variation < 0.49 else "SBA"
    [seen] = sbc_class(days).to_dict("records")
    classes[name] = [named(days, unit) for unit in (1.0, 0.1, 1000.0)]
    print(f"{name}: {interval:.2f}, {variation:.2f}, meant {meant}; sbc-classification {seen['model']}, pyInterDemand", classes[name])
    assert abs(seen["CV Squared"] - variation) < 1e-9 and abs(seen["p"] - interval) < 1e-9, "the numbers are no longer right"
    assert seen["model"] == stated[name], "sbc-classification is no longer as stated"
    assert (seen["model"] == meant) == (interval > 1.32), "sbc-classification is no longer as stated"
assert classes["steady"] == ["Smooth", "Smooth", "Erratic"], "pyInterDemand is no longer as stated"
assert classes["now and then"] == ["Lumpy", "Intermittent", "Lumpy"], "pyInterDemand is no longer as stated"
print("as stated")
PY
