//! I6: the caller gets its fallback on time, the worker is reused, and no thread leaks.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use edgepos_inference::{
    Action, Backend, Element, EngineError, Engines, LoadOptions, Outcome, PlacementConfig, Port,
    ProductConfig, ProductRecognizer, Reason, RunError, Session, Stop, Tensor, VerifiedBytes, WorkerConfig,
};
use support::{comes_to_threads, file, product, threads, without_known_answer};

/// An engine whose runs hang until the test opens the gate; deaf to requests to stop, as one big kernel is.
#[derive(Clone, Default)]
struct Hanging {
    open: Arc<(Mutex<bool>, Condvar)>,
    asked_to_stop: Arc<Mutex<u32>>,
}

impl Hanging {
    fn set(&self, open: bool) {
        *self.open.0.lock().unwrap() = open;
        self.open.1.notify_all();
    }
}

impl Backend for Hanging {
    fn name(&self) -> &'static str {
        "hanging"
    }
    fn load(&self, _: &VerifiedBytes, _: &LoadOptions) -> Result<Box<dyn Session>, EngineError> {
        let port = |name: &str, shape: &[Option<usize>]| Port {
            name: name.into(),
            shape: Some(shape.to_vec()),
            element: Element::F32,
        };
        Ok(Box::new(HangingSession {
            engine: self.clone(),
            inputs: vec![port("input", &[None, Some(3), Some(224), Some(224)])],
            outputs: vec![port("logits", &[None, Some(1000)])],
        }))
    }
}

struct HangingSession {
    engine: Hanging,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
}

impl Session for HangingSession {
    fn inputs(&self) -> &[Port] {
        &self.inputs
    }
    fn outputs(&self) -> &[Port] {
        &self.outputs
    }
    fn run(&mut self, inputs: &[(&str, &Tensor)], _: &[&str], stop: &Stop) -> Result<Vec<Tensor>, RunError> {
        let asked = Arc::clone(&self.engine.asked_to_stop);
        stop.on_ask(move || *asked.lock().unwrap() += 1);
        let open = self.engine.open.0.lock().unwrap();
        drop(self.engine.open.1.wait_while(open, |open| !*open).unwrap());
        let batch = inputs[0].1.shape()[0];
        let mut logits = vec![0.0; batch * 1000];
        (0..batch).for_each(|row| logits[row * 1000 + 7] = 50.0);
        Ok(vec![Tensor::f32([batch, 1000], logits).unwrap()])
    }
}

fn recognizer(models: &Path, engine: &Hanging, deadline: Duration) -> ProductRecognizer {
    let worker = WorkerConfig { deadline, ..WorkerConfig::default() };
    let config = ProductConfig { worker, placement: PlacementConfig::default(), ..product() };
    ProductRecognizer::load_with(models, config, &Engines::none().then(engine.clone())).unwrap()
}

/// One test, because it counts the threads of the whole process.
#[test]
fn a_hanging_engine_costs_the_till_its_deadline_once_and_no_thread() {
    let models = without_known_answer();
    let engine = Hanging::default();
    let photo = file("samples/espresso.png");
    let before = threads();
    let deadline = Duration::from_millis(400);
    let recognizer = recognizer(models.path(), &engine, deadline);
    assert!(comes_to_threads(before + 1));

    let start = Instant::now();
    let outcome = recognizer.recognise(&photo);
    let took = start.elapsed();
    assert!(matches!(outcome, Outcome::Fallback { action: Action::ManualEntry, reason: Reason::Timeout }));
    assert!(took >= deadline, "gave up early, after {took:?}");
    // A loaded machine may schedule us late; a hang would be minutes.
    assert!(took < deadline + Duration::from_secs(10), "came back after {took:?}");

    // While the run overstays, others are told at once: they do not pay the deadline again.
    for _ in 0..50 {
        let outcome = recognizer.recognise(&photo);
        assert!(matches!(outcome, Outcome::Fallback { reason: Reason::Busy, .. }));
    }
    assert_eq!(*engine.asked_to_stop.lock().unwrap(), 1);
    assert!(comes_to_threads(before + 1), "a thread per call leaked");

    // The run ends at last: its late answer is thrown away and the worker serves again.
    engine.set(true);
    let answer = loop {
        match recognizer.recognise(&photo) {
            Outcome::Answer(answer) => break answer,
            Outcome::Fallback { reason: Reason::Busy | Reason::Timeout, .. } => std::thread::yield_now(),
            Outcome::Fallback { reason, .. } => panic!("{reason}"),
        }
    };
    assert_eq!(answer.best().class, 7);
    drop(recognizer);
    assert!(comes_to_threads(before));
}
