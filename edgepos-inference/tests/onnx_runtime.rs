//! I1, I2: ONNX Runtime where its library is found: the same answers as the embedded engines, and runs that can be stopped.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(feature = "onnxruntime")]

mod support;

use std::path::PathBuf;
use std::time::Duration;

use edgepos_inference::{
    Backend, Engines, FraudConfig, FraudScorer, LibrarySearch, LoadOptions, Manifest, OnnxRuntime,
    PlacementConfig, ProductConfig, ProductRecognizer, Provider, Stop, Task, Tensor, Trees,
};
use support::{any_speed, fetched, file, models, patient, product};

fn library() -> Option<PathBuf> {
    let directory = fetched("cpu")?;
    let search = LibrarySearch::nowhere().directory(&directory);
    Some(search.paths().next().expect("the directory has a library").to_path_buf())
}

#[test]
fn both_engines_give_the_same_answer_side_by_side() {
    let Some(library) = library() else { return };
    let engines = Engines::accelerated(&LibrarySearch::nowhere().file(library));
    let fast = ProductRecognizer::load_with(&models(), product(), &engines).unwrap();
    println!("{}", fast.report());
    assert!(fast.report().engine.starts_with("onnxruntime/"), "{}", fast.report());
    let photo = file("samples/espresso.png");
    let answer = fast.recognise(&photo).answer().unwrap();
    assert_eq!(answer.best().label, "espresso");
    assert!((answer.best().confidence - 0.945).abs() < 0.02, "{:?}", answer.best());
    #[cfg(feature = "embedded")]
    {
        let slow = ProductRecognizer::load(&models(), product()).unwrap();
        let other = slow.recognise(&photo).answer().unwrap();
        println!("onnxruntime {:?}\nembedded    {:?}", answer.best(), other.best());
        assert_eq!(other.best().class, answer.best().class);
        assert!((other.best().confidence - answer.best().confidence).abs() < 0.03);
    }
    // The providers that this library or machine lacks are refused, each with its reason.
    assert!(fast.report().refused.iter().any(|refusal| refusal.engine == "onnxruntime/cuda"));
    assert!(fast.report().refused.iter().all(|refusal| !refusal.reason.is_empty()));
}

#[test]
fn trees_agree_with_the_runtime_to_the_last_bits() {
    let Some(library) = library() else { return };
    let search = LibrarySearch::nowhere().file(library);
    let manifest = Manifest::read(&models()).unwrap();
    let bytes = manifest.for_task(Task::FRAUD).unwrap().variants[0].file.read(&models()).unwrap();
    // Values across the whole range of the features, every tenth row at the edges.
    let rows: Vec<f32> = (0..2000_u32 * 20)
        .map(|at| {
            let spread = (at.wrapping_mul(2_654_435_761) >> 8) as f32 / 16_777_216.0;
            match at / 20 % 10 {
                0 => [0.0, -1.0, 1.0, 1e9, -1e9][at as usize % 5],
                row => spread * [1.0, 8.0, 50.0, 1000.0, 9000.0, 6e5][row as usize % 6],
            }
        })
        .collect();
    let input = Tensor::f32([2000, 20], rows).unwrap();
    let runtime = OnnxRuntime::open(&search).unwrap();
    let answer = |engine: &dyn Backend| {
        let mut session = engine.load(&bytes, &LoadOptions::default()).unwrap();
        let stop = Stop::within(support::PATIENT);
        let outputs = session.run(&[("input", &input)], &["label", "probabilities"], &stop).unwrap();
        (outputs[0].as_i64().unwrap().to_vec(), outputs[1].as_f32().unwrap().to_vec())
    };
    let (labels, scores) = answer(&Trees);
    let (expected_labels, expected) = answer(&runtime);
    assert_eq!(labels, expected_labels);
    let worst = scores.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    println!("largest difference over 2,000 rows: {worst:e}");
    assert!(worst <= 2.0 * f32::EPSILON, "{worst:e}");

    let config = FraudConfig { worker: patient(), placement: any_speed(), ..FraudConfig::default() };
    let scorer = FraudScorer::load_with(&models(), config, &Engines::accelerated(&search)).unwrap();
    assert_eq!(scorer.report().engine, "onnxruntime/cpu");
}

#[test]
fn a_run_that_is_told_to_stop_ends_and_the_session_serves_on() {
    let Some(library) = library() else { return };
    let runtime = OnnxRuntime::open(&LibrarySearch::nowhere().file(library)).unwrap().with(Provider::Cpu);
    let manifest = Manifest::read(&models()).unwrap();
    let bytes = manifest.for_task(Task::PRODUCT).unwrap().variants[0].file.read(&models()).unwrap();
    let mut session = runtime.load(&bytes, &LoadOptions::default()).unwrap();
    let picture = |batch: usize| Tensor::f32([batch, 3, 224, 224], vec![0.1; batch * 3 * 224 * 224]).unwrap();
    let late = Stop::within(Duration::from_millis(1));
    let stopped = session.run(&[("input", &picture(64))], &["logits"], &late);
    assert!(stopped.is_err(), "a late answer counts as stopped");
    let stop = std::sync::Arc::new(Stop::within(Duration::from_secs(60)));
    let asked = std::sync::Arc::clone(&stop);
    let asker = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        asked.ask();
    });
    assert!(session.run(&[("input", &picture(200))], &["logits"], &stop).is_err());
    asker.join().unwrap();
    let patient = Stop::within(support::PATIENT);
    assert!(session.run(&[("input", &picture(1))], &["logits"], &patient).is_ok());
}

#[test]
fn files_of_integers_can_be_forbidden() {
    let Some(library) = library() else { return };
    let engines = Engines::accelerated(&LibrarySearch::nowhere().file(library));
    let placement = PlacementConfig { allow_quantised: false, ..any_speed() };
    let error = ProductRecognizer::load_with(&models(), ProductConfig { placement, ..product() }, &engines)
        .expect_err("the shipped product model has 8-bit weights only");
    assert!(error.to_string().contains("8-bit files are not allowed"), "{error}");
}
