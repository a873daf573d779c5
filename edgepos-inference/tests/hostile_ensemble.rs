//! I3: a model of trees in which single bytes are wrong is refused or answers; it neither panics nor runs without end.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::path::Path;
use std::time::Duration;

use edgepos_inference::{
    Backend, Element, LoadOptions, RunError, Sha256, Stop, Tensor, Trees, VerifiedBytes,
};
use serde::Deserialize;
use support::{golden, golden_bytes};

#[derive(Deserialize)]
struct Operators {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    from: usize,
    to: usize,
}

/// Loads and runs; `true` when it loads.
fn survives(bytes: Vec<u8>) -> bool {
    let (size, digest) = (bytes.len() as u64, Sha256::of(&bytes));
    let bytes = VerifiedBytes::check(Path::new("hostile"), bytes, size, digest).unwrap();
    let Ok(mut session) = Trees.load(&bytes, &LoadOptions::default()) else { return false };
    let port = session.inputs()[0].clone();
    let columns = port.shape.as_ref().and_then(|shape| shape[1]).unwrap_or(5).min(1000);
    let tensor = if port.element == Element::I64 {
        Tensor::i64([2, columns], vec![1; 2 * columns]).unwrap()
    } else {
        Tensor::f32([2, columns], (0..2 * columns).map(|at| at as f32 - 1.0).collect()).unwrap()
    };
    let outputs: Vec<String> = session.outputs().iter().map(|port| port.name.clone()).collect();
    let stop = Stop::within(Duration::from_secs(120));
    for output in outputs {
        let answer = session.run(&[(port.name.as_str(), &tensor)], &[&output], &stop);
        assert_ne!(answer.err(), Some(RunError::Stopped));
    }
    true
}

#[test]
fn every_byte_of_a_model_changed_in_turn() {
    let Operators { cases } = golden("trees/operators.json");
    let blob = golden_bytes("trees/operators.bin");
    let wanted = ["three classes, SOFTMAX, base None", "opset 5, members, 0", "opset 5, a shared leaf"];
    let mut models: Vec<Vec<u8>> = cases
        .iter()
        .filter(|case| wanted.contains(&case.name.as_str()))
        .map(|case| blob[case.from..case.to].to_vec())
        .collect();
    assert_eq!(models.len(), wanted.len());
    models.push(golden_bytes("trees/sklearn_integers.onnx"));
    let (mut refused, mut loaded) = (0, 0);
    for model in &models {
        assert!(survives(model.clone()));
        for place in 0..model.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut changed = model.clone();
                changed[place] ^= change;
                if survives(changed) { loaded += 1 } else { refused += 1 }
            }
            if place % 7 == 0 && !survives(model[..place].to_vec()) {
                refused += 1;
            }
        }
    }
    println!("{refused} refused, {loaded} loaded");
    assert!(refused > 1000 && loaded > 1000);
}

#[test]
fn every_byte_of_an_operator_around_the_trees_changed_in_turn() {
    for name in ["lightgbm_split", "xgboost_poisson"] {
        let model = golden_bytes(&format!("trees/{name}.onnx"));
        // What stands around the trees is small, and behind them.
        for place in model.len() - 400..model.len() {
            let mut changed = model.clone();
            changed[place] ^= 0x05;
            survives(changed);
        }
    }
}
