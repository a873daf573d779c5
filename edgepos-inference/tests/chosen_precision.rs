//! I2, I10: of several files of one model the faster one serves, by measurement on this machine; one that a vendor left
//! out is no error.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use edgepos_inference::{
    Backend, EngineError, Engines, FraudConfig, FraudScorer, LoadOptions, Manifest, PlacementConfig, Port,
    Precision, RunError, Session, Stop, Tensor, Trees, VerifiedBytes,
};
use support::{any_speed, copy_of_models, patient};

/// The tree engine, on which the first file that it loads runs slowly.
#[derive(Clone, Default)]
struct Uneven(Arc<AtomicBool>);

struct UnevenSession {
    inner: Box<dyn Session>,
    slow: bool,
}

impl Backend for Uneven {
    fn name(&self) -> &'static str {
        "uneven"
    }
    fn load(&self, model: &VerifiedBytes, options: &LoadOptions) -> Result<Box<dyn Session>, EngineError> {
        let slow = !self.0.swap(true, Ordering::SeqCst);
        Ok(Box::new(UnevenSession { inner: Trees.load(model, options)?, slow }))
    }
}

impl Session for UnevenSession {
    fn inputs(&self) -> &[Port] {
        self.inner.inputs()
    }
    fn outputs(&self) -> &[Port] {
        self.inner.outputs()
    }
    fn run(
        &mut self,
        inputs: &[(&str, &Tensor)],
        outputs: &[&str],
        stop: &Stop,
    ) -> Result<Vec<Tensor>, RunError> {
        if self.slow {
            // What is measured is time, so it takes time: far more than the trees on the slowest machine.
            std::thread::sleep(Duration::from_millis(300));
        }
        self.inner.run(inputs, outputs, stop)
    }
}

/// The fraud model in two precisions (the same trees), and a third that is not there.
fn models() -> tempfile::TempDir {
    let models = copy_of_models();
    let mut manifest = Manifest::read(models.path()).unwrap();
    let entry = manifest.models.iter_mut().find(|entry| entry.task.0 == "fraud").unwrap();
    let mut second = entry.variants[0].clone();
    second.precision = Precision::Int8;
    let mut absent = entry.variants[0].clone();
    (absent.optional, absent.file.file) = (true, "not-shipped.onnx".into());
    entry.variants.extend([second, absent]);
    std::fs::write(models.path().join("manifest.json"), serde_json::to_vec(&manifest).unwrap()).unwrap();
    models
}

fn load(placement: PlacementConfig) -> FraudScorer {
    let config = FraudConfig { worker: patient(), placement, ..FraudConfig::default() };
    FraudScorer::load_with(models().path(), config, &Engines::none().then(Uneven::default())).unwrap()
}

#[test]
fn the_faster_file_serves_and_the_report_says_why() {
    let scorer = load(any_speed());
    let report = scorer.report();
    assert_eq!(report.precision, Precision::Int8, "{report}");
    assert_eq!(report.refused.len(), 1);
    assert_eq!(report.refused[0].to_string(), "uneven (fp32): slower than int8");
}

#[test]
fn the_slower_one_serves_where_integers_are_not_allowed() {
    let scorer = load(PlacementConfig { allow_quantised: false, ..any_speed() });
    assert_eq!(scorer.report().precision, Precision::Fp32);
    assert!(scorer.report().refused[0].reason.contains("not allowed"), "{}", scorer.report());
}

#[test]
fn a_budget_that_none_keeps_is_an_error_that_says_so() {
    let placement = PlacementConfig { latency_budget: Duration::ZERO, ..any_speed() };
    let config = FraudConfig { worker: patient(), placement, ..FraudConfig::default() };
    let engines = Engines::none().then(Uneven::default());
    let error = FraudScorer::load_with(models().path(), config, &engines).unwrap_err();
    assert_eq!(error.to_string().matches("the budget is 0").count(), 2, "{error}");
}
