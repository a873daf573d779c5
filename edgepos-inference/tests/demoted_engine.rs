//! I2: an engine that fails at run time is demoted, the next takes over, and the report says so.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use edgepos_inference::{
    Backend, BreakerConfig, EngineError, Engines, FraudConfig, FraudScorer, LoadOptions, Outcome,
    PlacementConfig, Port, RunError, Session, Stop, Tensor, Trees, VerifiedBytes,
};
use support::{PATIENT, any_speed, models, patient, payment};

/// What the flaky engine does with a run.
const HEALTHY: u32 = 0;
const FAILS: u32 = 1;
const PANICS: u32 = 2;

/// The tree engine under another name, that fails when told to.
#[derive(Clone, Default)]
struct Flaky {
    mood: Arc<AtomicU32>,
    loads: Arc<AtomicU32>,
}

impl Backend for Flaky {
    fn name(&self) -> &'static str {
        "flaky"
    }
    fn load(&self, model: &VerifiedBytes, options: &LoadOptions) -> Result<Box<dyn Session>, EngineError> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(FlakySession { inner: Trees.load(model, options)?, mood: Arc::clone(&self.mood) }))
    }
}

struct FlakySession {
    inner: Box<dyn Session>,
    mood: Arc<AtomicU32>,
}

impl Session for FlakySession {
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
        match self.mood.load(Ordering::SeqCst) {
            FAILS => Err(RunError::Failed { engine: "flaky", reason: "device lost".into() }),
            PANICS => panic!("the engine panics"),
            _ => self.inner.run(inputs, outputs, stop),
        }
    }
}

fn scorer(flaky: &Flaky, cool_down: Duration) -> FraudScorer {
    let breaker = BreakerConfig { failures: 3, cool_down, ..BreakerConfig::default() };
    let config = FraudConfig {
        worker: patient(),
        placement: PlacementConfig { breaker, ..any_speed() },
        ..FraudConfig::default()
    };
    let engines = Engines::none().then(flaky.clone()).then(Trees);
    FraudScorer::load_with(&models(), config, &engines).unwrap()
}

#[test]
fn three_failures_in_a_row_change_the_engine() {
    for mood in [FAILS, PANICS] {
        let flaky = Flaky::default();
        let scorer = scorer(&flaky, Duration::from_secs(3600));
        assert_eq!(scorer.report().engine, "flaky");
        let Outcome::Answer(before) = scorer.score(&payment()) else { panic!("no score") };
        flaky.mood.store(mood, Ordering::SeqCst);
        for _ in 0..3 {
            assert!(scorer.score(&payment()).is_fallback());
        }
        // The fourth customer is served by the other engine, with the same answer.
        assert_eq!(scorer.score(&payment()), Outcome::Answer(before));
        assert_eq!((scorer.report().engine, scorer.live_report().engine), ("flaky", "trees"));
        assert_eq!(flaky.loads.load(Ordering::SeqCst), 1, "it rests");
    }
}

#[test]
fn a_recovered_engine_comes_back_after_its_rest() {
    let flaky = Flaky::default();
    let scorer = scorer(&flaky, Duration::from_millis(1));
    flaky.mood.store(FAILS, Ordering::SeqCst);
    for _ in 0..3 {
        assert!(scorer.score(&payment()).is_fallback());
    }
    flaky.mood.store(HEALTHY, Ordering::SeqCst);
    // It is tried on a thread of its own while the other engine serves.
    let patience = Instant::now() + PATIENT;
    while scorer.live_report().engine != "flaky" {
        assert!(!scorer.score(&payment()).is_fallback());
        assert!(Instant::now() < patience, "it never came back");
    }
}

/// An engine that never comes back from loading, as some drivers do.
struct NeverLoads;

impl Backend for NeverLoads {
    fn name(&self) -> &'static str {
        "never loads"
    }
    fn load(&self, _: &VerifiedBytes, _: &LoadOptions) -> Result<Box<dyn Session>, EngineError> {
        loop {
            std::thread::park();
        }
    }
}

#[test]
fn an_engine_that_never_comes_back_from_loading_is_given_up() {
    let placement = PlacementConfig { load_limit: Duration::from_millis(100), ..any_speed() };
    let config = FraudConfig { worker: patient(), placement, ..FraudConfig::default() };
    let scorer = FraudScorer::load_with(&models(), config, &Engines::none().then(NeverLoads).then(Trees));
    // On a busy machine the second engine may not make it either, and then it is refused for the same reason.
    match scorer {
        Ok(scorer) => {
            assert_eq!(scorer.report().engine, "trees");
            assert!(scorer.report().refused[0].reason.contains("within 100ms"), "{}", scorer.report());
        }
        Err(error) => assert_eq!(error.to_string().matches("within 100ms").count(), 2, "{error}"),
    }
}
