//! I6: ten thousand calls that time out, blocking and not, leave no thread and no request behind.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::sync::mpsc::channel;
use std::time::Duration;

use edgepos_inference::{
    Backend, Element, EngineError, Engines, FraudConfig, FraudScorer, LoadOptions, Outcome, Port, Priority,
    Reason, RunError, Session, Stop, Tensor, VerifiedBytes, WorkerConfig,
};
use support::{any_speed, block_on, comes_to_threads, payment, threads, without_known_answer};

/// An engine that never finishes, but listens when told to stop.
struct Endless;

impl Backend for Endless {
    fn name(&self) -> &'static str {
        "endless"
    }
    fn load(&self, _: &VerifiedBytes, _: &LoadOptions) -> Result<Box<dyn Session>, EngineError> {
        let port = |name: &str, sides: &[Option<usize>], element| Port {
            name: name.into(),
            shape: Some(sides.to_vec()),
            element,
        };
        let inputs = vec![port("input", &[None, Some(20)], Element::F32)];
        let outputs =
            vec![port("label", &[None], Element::I64), port("probabilities", &[None, Some(2)], Element::F32)];
        Ok(Box::new(EndlessSession { inputs, outputs }))
    }
}

struct EndlessSession {
    inputs: Vec<Port>,
    outputs: Vec<Port>,
}

impl Session for EndlessSession {
    fn inputs(&self) -> &[Port] {
        &self.inputs
    }
    fn outputs(&self) -> &[Port] {
        &self.outputs
    }
    fn run(&mut self, _: &[(&str, &Tensor)], _: &[&str], stop: &Stop) -> Result<Vec<Tensor>, RunError> {
        let (asked, told) = channel();
        stop.on_ask(move || {
            let _ = asked.send(());
        });
        let _ = told.recv();
        stop.clear();
        Err(RunError::Stopped)
    }
}

const CALLS: usize = 10_000;

/// One test, because it counts the threads of the whole process.
#[test]
fn ten_thousand_timeouts_leak_nothing() {
    let models = without_known_answer();
    let worker = WorkerConfig { deadline: Duration::from_micros(200), ..WorkerConfig::default() };
    let config = FraudConfig { worker, placement: any_speed(), ..FraudConfig::default() };
    let scorer = FraudScorer::load_with(models.path(), config, &Engines::none().then(Endless)).unwrap();
    // The first asynchronous call starts the thread of the alarms, which stays.
    assert!(block_on(scorer.score_async(Priority::Checkout, &payment())).is_fallback());
    let before = threads();
    let mut late = 0;
    let mut turn = 0_u32;
    while late < CALLS {
        turn += 1;
        let outcome = if turn.is_multiple_of(2) {
            scorer.score(&payment())
        } else {
            block_on(scorer.score_async(Priority::Checkout, &payment()))
        };
        match outcome {
            Outcome::Fallback { reason: Reason::Timeout, .. } => late += 1,
            // The run before is being stopped.
            Outcome::Fallback { reason: Reason::Busy, .. } => std::thread::yield_now(),
            other => panic!("{other:?}"),
        }
    }
    println!("{CALLS} timeouts in {turn} calls, {before} threads before, {} after", threads());
    assert!(comes_to_threads(before), "{} threads", threads());
}
