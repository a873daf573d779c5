//! I1: models of LightGBM, XGBoost, scikit-learn and CatBoost as their converters write them, and every attribute of the tree
//! operators, answer as the original library and as ONNX Runtime do.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::path::Path;
use std::time::Duration;

use edgepos_inference::{Backend, LoadOptions, Session, Sha256, Stop, Tensor, Trees, VerifiedBytes};
use serde::Deserialize;
use support::{golden, golden_bytes};

/// What `golden/trees/make_models.py` writes. `null` is not a number.
#[derive(Deserialize)]
struct Model {
    input: String,
    integers: bool,
    label_port: Option<String>,
    score_port: String,
    columns: usize,
    width: usize,
    rows: Vec<Option<f32>>,
    label: Option<Vec<i64>>,
    runtime: Vec<Option<f32>>,
    library: Vec<Option<f32>>,
    /// Rows on which the converted file departs from the library.
    differs: Vec<usize>,
}

const MODELS: [(&str, usize); 23] = [
    ("catboost_binary", 0),
    ("catboost_multiclass", 0),
    ("catboost_regression", 0),
    // LightGBM keeps thresholds as doubles, which the file rounds: rows between the two go the other way.
    ("lightgbm_binary", 4),
    ("lightgbm_binary_tensor", 3),
    ("lightgbm_multiclass", 4),
    ("lightgbm_poisson", 8),
    ("lightgbm_regression", 6),
    ("lightgbm_split", 6),
    ("sklearn_extra_trees_multiclass", 0),
    ("sklearn_forest", 0),
    ("sklearn_forest_two_targets", 0),
    ("sklearn_forest_words", 0),
    ("sklearn_gradient_boosting", 0),
    ("sklearn_gradient_boosting_multiclass", 0),
    ("sklearn_gradient_boosting_regression", 0),
    ("sklearn_gradient_boosting_tensor", 0),
    ("sklearn_integers", 0),
    ("xgboost_binary", 0),
    ("xgboost_categories", 0),
    ("xgboost_categories_multiclass", 0),
    ("xgboost_multiclass", 0),
    ("xgboost_poisson", 0),
];

fn load(bytes: Vec<u8>) -> Box<dyn Session> {
    let (size, digest) = (bytes.len() as u64, Sha256::of(&bytes));
    let bytes = VerifiedBytes::check(Path::new("golden"), bytes, size, digest).unwrap();
    Trees.load(&bytes, &LoadOptions::default()).unwrap()
}

fn difference(found: f32, expected: Option<f32>) -> f32 {
    match expected {
        None if found.is_nan() => 0.0,
        Some(expected) if found.to_bits() == expected.to_bits() => 0.0,
        Some(expected) => (found - expected).abs() / expected.abs().max(1.0),
        None => f32::INFINITY,
    }
}

#[test]
fn models_of_the_libraries() {
    let mut named = MODELS.map(|(name, _)| format!("{name}.onnx")).to_vec();
    named.sort_unstable();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/trees");
    let mut there: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".onnx"))
        .collect();
    there.sort_unstable();
    assert_eq!(named, there);
    for (name, departs) in MODELS {
        let model: Model = golden(&format!("trees/{name}.json"));
        let mut session = load(golden_bytes(&format!("trees/{name}.onnx")));
        let rows = model.rows.len() / model.columns;
        let (from_runtime, from_library) = compare(&mut *session, &model, rows);
        println!("{name}: {from_runtime:e} from ONNX Runtime, {from_library:e} from the library");
        assert!(from_runtime <= 1e-6, "{name}: {from_runtime:e} from ONNX Runtime");
        assert!(from_library <= 2e-6, "{name}: {from_library:e} from the library");
        assert_eq!(model.differs.len(), departs, "{name}");
    }
}

/// The largest differences over all rows, asked together and one by one.
fn compare(session: &mut dyn Session, model: &Model, rows: usize) -> (f32, f32) {
    let values: Vec<f32> = model.rows.iter().map(|value| value.unwrap_or(f32::NAN)).collect();
    let tensor = |values: &[f32]| {
        let shape = [values.len() / model.columns, model.columns];
        if model.integers {
            Tensor::i64(shape, values.iter().map(|value| *value as i64).collect()).unwrap()
        } else {
            Tensor::f32(shape, values.to_vec()).unwrap()
        }
    };
    let stop = Stop::within(Duration::from_secs(120));
    let all = tensor(&values);
    let mut ask = |rows: &Tensor, port: &str| {
        session.run(&[(model.input.as_str(), rows)], &[port], &stop).unwrap().remove(0)
    };
    let scores = ask(&all, &model.score_port);
    assert_eq!(scores.shape(), [rows, model.width]);
    let scores = scores.as_f32().unwrap();
    if let (Some(port), Some(expected)) = (&model.label_port, &model.label) {
        assert_eq!(ask(&all, port).as_i64().unwrap(), expected);
    }
    let (mut from_runtime, mut from_library) = (0.0_f32, 0.0_f32);
    for row in 0..rows {
        let place = row * model.width..(row + 1) * model.width;
        let alone = ask(&tensor(&values[row * model.columns..(row + 1) * model.columns]), &model.score_port);
        assert_eq!(alone.as_f32().unwrap(), &scores[place.clone()]);
        for at in place {
            from_runtime = from_runtime.max(difference(scores[at], model.runtime[at]));
            if !model.differs.contains(&row) {
                from_library = from_library.max(difference(scores[at], model.library[at]));
            }
        }
    }
    (from_runtime, from_library)
}

/// What `golden/trees/make_operators.py` writes.
#[derive(Deserialize)]
struct Operators {
    rows: Vec<Option<f32>>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    from: usize,
    to: usize,
    /// Whose answer it is.
    by: String,
    label: Option<Vec<i64>>,
    scores: Vec<Score>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Score {
    Number(f32),
    Infinite(String),
    NotANumber,
}

#[test]
fn every_attribute_of_the_operators() {
    let Operators { rows, cases } = golden("trees/operators.json");
    let blob = golden_bytes("trees/operators.bin");
    let input =
        Tensor::f32([rows.len(), 1], rows.iter().map(|row| row.unwrap_or(f32::NAN)).collect()).unwrap();
    let stop = Stop::within(Duration::from_secs(120));
    let mut wrong = Vec::new();
    for case in &cases {
        let mut session = load(blob[case.from..case.to].to_vec());
        let outputs: Vec<String> = session.outputs().iter().map(|port| port.name.clone()).collect();
        let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
        let answers = session.run(&[("x", &input)], &outputs, &stop).unwrap();
        let label = answers.iter().find_map(Tensor::as_i64).map(<[i64]>::to_vec);
        let scores = answers.iter().find_map(Tensor::as_f32).unwrap();
        let close = |(found, expected): (&f32, &Score)| match expected {
            Score::Number(expected) => difference(*found, Some(*expected)) <= 1e-6,
            Score::Infinite(sign) => *found == if sign == "inf" { f32::INFINITY } else { f32::NEG_INFINITY },
            Score::NotANumber => found.is_nan(),
        };
        if label != case.label
            || scores.len() != case.scores.len()
            || !scores.iter().zip(&case.scores).all(close)
        {
            wrong.push(format!("{} ({}): label {label:?}, scores {scores:?}", case.name, case.by));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(cases.len() > 100);
}
