//! I1: the tree engine answers as ONNX Runtime does, on rows across the whole range of the shipped model.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::time::Duration;

use edgepos_inference::{Backend, LoadOptions, Manifest, Stop, Task, Tensor, Trees};
use serde::Deserialize;
use support::{golden, models};

#[derive(Deserialize)]
struct Rows {
    /// `null` is a missing value.
    rows: Vec<Vec<Option<f32>>>,
    label: Vec<i64>,
    probability: Vec<f32>,
}

#[test]
fn every_golden_row_one_by_one_and_all_at_once() {
    let manifest = Manifest::read(&models()).unwrap();
    let file = &manifest.for_task(Task::FRAUD).unwrap().variants[0].file;
    let bytes = file.read(&models()).unwrap();
    let mut session = Trees.load(&bytes, &LoadOptions::default()).unwrap();
    let golden: Rows = golden("fraud_rows.json");
    let flat: Vec<f32> = golden.rows.iter().flatten().map(|value| value.unwrap_or(f32::NAN)).collect();
    let stop = Stop::within(Duration::from_secs(120));
    let mut run = |values: &[f32]| {
        let tensor = Tensor::f32([values.len() / 20, 20], values.to_vec()).unwrap();
        let outputs = session.run(&[("input", &tensor)], &["label", "probabilities"], &stop).unwrap();
        (outputs[0].as_i64().unwrap().to_vec(), outputs[1].as_f32().unwrap().to_vec())
    };
    let (labels, scores) = run(&flat);
    assert_eq!(labels, golden.label);
    let mut worst = 0.0_f32;
    for (row, expected) in golden.probability.iter().enumerate() {
        let [other, score] = scores[row * 2..row * 2 + 2] else { unreachable!() };
        worst = worst.max((score - expected).abs());
        assert!((score + other - 1.0).abs() < 1e-6);
        let (alone_label, alone) = run(&flat[row * 20..row * 20 + 20]);
        assert_eq!((alone_label[0], alone[1].to_bits()), (labels[row], score.to_bits()));
    }
    println!("largest difference from ONNX Runtime over {} rows: {worst:e}", labels.len());
    assert!(worst <= 2.0 * f32::EPSILON, "largest difference {worst:e}");
}
