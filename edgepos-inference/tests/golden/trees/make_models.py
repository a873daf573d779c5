"""Small models of the libraries that people train trees with, converted to ONNX, with rows and two sets of answers: those of
the original library and those of ONNX Runtime on the converted file.

    pip install numpy==2.4.6 pandas==3.1.1 scikit-learn==1.9.1 lightgbm==4.7.0 xgboost-cpu==3.2.0 catboost==1.2.10 \
        onnx==1.23.2 onnxmltools==1.16.0 skl2onnx==1.20.0 onnxruntime==1.32.0
    python make_models.py

Each model is written as NAME.onnx and NAME.json. Rows are drawn at random with gaps, lie exactly on thresholds of the model, or
hold each category in turn. `differs` lists the rows on which the converted file itself departs from the library.
"""
import json
import pathlib
import warnings

import lightgbm
import numpy as np
import onnx
import onnxruntime as ort
import pandas as pd
import xgboost
from catboost import CatBoostClassifier, CatBoostRegressor
from onnxmltools.convert import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType as SkFloat, Int64TensorType as SkInt
from sklearn.ensemble import (ExtraTreesClassifier, GradientBoostingClassifier, GradientBoostingRegressor,
                              RandomForestClassifier, RandomForestRegressor)
from sklearn.tree import DecisionTreeClassifier

warnings.filterwarnings("ignore")
ort.set_default_logger_severity(4)
here = pathlib.Path(__file__).parent
rng = np.random.default_rng(4)
COLUMNS, CATEGORIES = 5, 12

x = rng.normal(size=(3000, COLUMNS)).astype(np.float32)
x[:, 4] = rng.integers(0, CATEGORIES, len(x))
gaps = rng.random(x.shape) < 0.08
gaps[:, 4] = False
x[gaps] = np.nan
signal = np.nan_to_num(x[:, 0]) + 1.5 * np.isin(x[:, 4], [1, 5, 7]) + np.isnan(x[:, 1]) - 0.6
two = (signal + rng.normal(size=len(x)) * 0.3 > 0).astype(int)
three = np.digitize(signal, [-0.3, 0.8])
whole = np.nan_to_num(x, nan=0.25)


def frame(rows):
    """With the last column as a category, as XGBoost wants it."""
    table = pd.DataFrame(rows, columns=[f"f{column}" for column in range(COLUMNS)])
    table["f4"] = pd.Categorical(table.f4.astype(int), categories=range(CATEGORIES))
    return table


def rows_for(model, with_gaps):
    """Random rows, one for each category, and rows that lie on thresholds to the last bit, or beside them."""
    random = rng.normal(size=(60, COLUMNS)).astype(np.float32)
    random[:, 4] = rng.integers(0, CATEGORIES, 60)
    random[:CATEGORIES, 4] = range(CATEGORIES)
    if with_gaps:
        random[30:50, :4][rng.random((20, 4)) < 0.4] = np.nan
        random[50, :4] = np.nan
    edge = random[:48].copy()
    edges = [(int(feature), np.float32(value))
             for node in model.graph.node if node.op_type.startswith("TreeEnsemble")
             for feature, value, mode in zip(*(attribute(node, f"nodes_{name}") for name in ("featureids", "values", "modes")))
             if mode != b"LEAF" and feature != 4]
    for place, row in enumerate(edge):
        feature, value = edges[place * 7 % len(edges)]
        row[feature] = [value, np.nextafter(value, np.float32(9)), np.nextafter(value, np.float32(-9))][place % 3]
    # LightGBM has thresholds of 1.8e308 where only a gap goes another way.
    return np.clip(np.concatenate([random, edge]), -3e38, 3e38).astype(np.float32)


def attribute(node, name):
    return next(onnx.helper.get_attribute_value(found) for found in node.attribute if found.name == name)


def exact(values):
    """Shortest decimals that read back as the same float32."""
    return [None if np.isnan(v) else float(np.format_float_positional(np.float32(v), unique=True, trim="0"))
            for v in np.asarray(values, np.float32).ravel()]


def scores_of(answer):
    """An output as rows of scores: a ZipMap's maps are in the order of the classes."""
    if isinstance(answer, list):
        answer = [list(row.values()) for row in answer]
    return np.asarray(answer, np.float32).reshape(len(answer), -1)


def write(name, model, library, with_gaps=True, integers=False):
    """`library` gives the original's scores for rows."""
    model.doc_string, model.producer_name = "", ""
    data = model.SerializeToString()
    (here / f"{name}.onnx").write_bytes(data)
    rows = rows_for(model, with_gaps)
    if integers:
        rows = np.round(rows)
    session = ort.InferenceSession(data, providers=["CPUExecutionProvider"])
    fed = rows.astype(np.int64) if integers else rows
    answers = session.run(None, {session.get_inputs()[0].name: fed})
    names = [output.name for output in session.get_outputs()]
    label = np.asarray(answers[0]) if len(answers) == 2 else None
    runtime = scores_of(answers[-1])
    original = np.asarray(library(rows), np.float64).reshape(len(rows), -1)
    differs = np.flatnonzero(np.abs(runtime - original).max(1) > 1e-5 * np.maximum(1, np.abs(original).max(1)))
    agree = np.delete(np.abs(runtime - original), differs, axis=0).max()
    print(f"{name}: {len(data)} bytes, {len(rows)} rows, largest difference {agree:.1e}, other on {len(differs)} rows")
    record = {
        "input": session.get_inputs()[0].name,
        "integers": integers,
        "label_port": names[0] if label is not None and label.dtype.kind == "i" else None,
        "score_port": names[-1],
        "columns": COLUMNS,
        "width": runtime.shape[1],
        "rows": exact(rows),
        "label": label.tolist() if label is not None and label.dtype.kind == "i" else None,
        "runtime": exact(runtime),
        "library": exact(original),
        "differs": differs.tolist(),
    }
    (here / f"{name}.json").write_text(json.dumps(record, separators=(",", ":")) + "\n", encoding="utf-8")


floats = [("input", FloatTensorType([None, COLUMNS]))]
small = {"n_estimators": 12, "num_leaves": 12, "verbose": -1, "n_jobs": 1, "random_state": 0}


def lightgbm_models():
    categorical = {"categorical_feature": [4]}
    model = lightgbm.LGBMClassifier(**small).fit(x, two, **categorical)
    write("lightgbm_binary", convert_lightgbm(model, initial_types=floats), model.predict_proba)
    write("lightgbm_binary_tensor", convert_lightgbm(model, initial_types=floats, zipmap=False), model.predict_proba)
    model = lightgbm.LGBMClassifier(**small).fit(x, three, **categorical)
    write("lightgbm_multiclass", convert_lightgbm(model, initial_types=floats), model.predict_proba)
    model = lightgbm.LGBMRegressor(**small).fit(x, signal)
    write("lightgbm_regression", convert_lightgbm(model, initial_types=floats), model.predict)
    write("lightgbm_split", convert_lightgbm(model, initial_types=floats, split=3), model.predict)
    model = lightgbm.LGBMRegressor(objective="poisson", **small).fit(x, np.maximum(0, signal))
    write("lightgbm_poisson", convert_lightgbm(model, initial_types=floats), model.predict)


def xgboost_models():
    some = {"n_estimators": 12, "max_depth": 4, "n_jobs": 1, "tree_method": "hist"}
    model = xgboost.XGBClassifier(**some).fit(x, two)
    write("xgboost_binary", convert_xgboost(model, initial_types=floats), model.predict_proba)
    # Without one-hot splits: a split is a set of categories.
    sets = xgboost.XGBClassifier(enable_categorical=True, max_cat_to_onehot=1, **some).fit(frame(x), two)
    write("xgboost_categories", convert_xgboost(sets, initial_types=floats), lambda rows: sets.predict_proba(frame(rows)))
    sets_of_three = xgboost.XGBClassifier(enable_categorical=True, max_cat_to_onehot=1, **some).fit(frame(x), three)
    write("xgboost_categories_multiclass", convert_xgboost(sets_of_three, initial_types=floats),
          lambda rows: sets_of_three.predict_proba(frame(rows)))
    model = xgboost.XGBClassifier(**some).fit(x, three)
    write("xgboost_multiclass", convert_xgboost(model, initial_types=floats), model.predict_proba)
    model = xgboost.XGBRegressor(objective="count:poisson", **some).fit(x, np.maximum(0, signal))
    write("xgboost_poisson", convert_xgboost(model, initial_types=floats), model.predict)


def sklearn_models():
    kind = [("input", SkFloat([None, COLUMNS]))]
    some = {"n_estimators": 12, "max_depth": 4, "random_state": 0}
    words = np.array(["no", "yes"])[two]
    for name, model, target in (
        ("sklearn_gradient_boosting", GradientBoostingClassifier(**some), two),
        ("sklearn_gradient_boosting_multiclass", GradientBoostingClassifier(**some), three),
        ("sklearn_forest", RandomForestClassifier(**some), two),
        ("sklearn_forest_words", RandomForestClassifier(**some), words),
        ("sklearn_extra_trees_multiclass", ExtraTreesClassifier(**some), three),
    ):
        model.fit(whole, target)
        write(name, convert_sklearn(model, initial_types=kind), model.predict_proba, with_gaps=False)
    model = GradientBoostingClassifier(**some).fit(whole, two)
    write("sklearn_gradient_boosting_tensor", convert_sklearn(model, initial_types=kind, options={"zipmap": False}),
          model.predict_proba, with_gaps=False)
    for name, model, target in (
        ("sklearn_gradient_boosting_regression", GradientBoostingRegressor(**some), signal),
        ("sklearn_forest_two_targets", RandomForestRegressor(**some), np.c_[signal, -2 * signal]),
    ):
        model.fit(whole, target)
        write(name, convert_sklearn(model, initial_types=kind), model.predict, with_gaps=False)
    model = DecisionTreeClassifier(max_depth=5, random_state=0).fit(np.round(whole).astype(int), three)
    write("sklearn_integers", convert_sklearn(model, initial_types=[("input", SkInt([None, COLUMNS]))]),
          lambda rows: model.predict_proba(rows.astype(int)), with_gaps=False, integers=True)


def catboost_models():
    some = {"iterations": 12, "depth": 4, "verbose": 0, "allow_writing_files": False, "thread_count": 1, "random_seed": 0}
    for name, model, target, ask in (
        ("catboost_binary", CatBoostClassifier(**some), two, "predict_proba"),
        ("catboost_multiclass", CatBoostClassifier(**some), three, "predict_proba"),
        ("catboost_regression", CatBoostRegressor(**some), signal, "predict"),
    ):
        model.fit(x, target)
        file = here / "catboost.tmp"
        model.save_model(str(file), format="onnx")
        write(name, onnx.load(str(file)), getattr(model, ask))
        file.unlink()


lightgbm_models()
xgboost_models()
sklearn_models()
catboost_models()
