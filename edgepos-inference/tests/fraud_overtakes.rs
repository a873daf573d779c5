//! I6: a payment is scored while pictures wait: neither a product run that hangs nor a full queue of them is in its way.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::sync::{Arc, Condvar, Mutex};

use edgepos_inference::{
    Backend, Element, EngineError, Engines, FraudConfig, FraudScorer, LoadOptions, Outcome, Picture,
    PlacementConfig, Port, Priority, ProductConfig, ProductRecognizer, Reason, RunError, Session, Stop,
    Tensor, Trees, VerifiedBytes,
};
use support::{any_speed, block_on, models, patient, payment, product, without_known_answer};

/// An engine whose runs last until the gate opens.
#[derive(Clone, Default)]
struct Gated(Arc<(Mutex<Gate>, Condvar)>);

#[derive(Default)]
struct Gate {
    open: bool,
    /// Rows of the runs so far.
    runs: Vec<usize>,
}

impl Backend for Gated {
    fn name(&self) -> &'static str {
        "gated"
    }
    fn load(&self, _: &VerifiedBytes, _: &LoadOptions) -> Result<Box<dyn Session>, EngineError> {
        let port = |name: &str, sides: &[Option<usize>]| Port {
            name: name.into(),
            shape: Some(sides.to_vec()),
            element: Element::F32,
        };
        Ok(Box::new(GatedSession {
            gate: self.clone(),
            inputs: vec![port("input", &[None, Some(3), Some(224), Some(224)])],
            outputs: vec![port("logits", &[None, Some(1000)])],
        }))
    }
}

struct GatedSession {
    gate: Gated,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
}

impl Session for GatedSession {
    fn inputs(&self) -> &[Port] {
        &self.inputs
    }
    fn outputs(&self) -> &[Port] {
        &self.outputs
    }
    fn run(&mut self, inputs: &[(&str, &Tensor)], _: &[&str], _: &Stop) -> Result<Vec<Tensor>, RunError> {
        let rows = inputs[0].1.shape()[0];
        let mut gate = self.gate.0.0.lock().unwrap();
        gate.runs.push(rows);
        self.gate.0.1.notify_all();
        drop(self.gate.0.1.wait_while(gate, |gate| !gate.open).unwrap());
        let mut logits = vec![0.0; rows * 1000];
        (0..rows).for_each(|row| logits[row * 1000 + 7] = 50.0);
        Ok(vec![Tensor::f32([rows, 1000], logits).unwrap()])
    }
}

fn picture() -> Picture {
    Picture::from_rgb(224, 224, vec![128; 224 * 224 * 3]).unwrap()
}

#[test]
fn payments_are_scored_while_a_product_batch_runs_and_others_wait() {
    overtake(any_speed(), &[1, 4, 4]);
    // By the manifest a picture takes 12.6 MB while it runs: two fit.
    overtake(PlacementConfig { batch_memory: 30_000_000, ..any_speed() }, &[1, 2, 2, 2, 2]);
}

fn overtake(placement: PlacementConfig, runs: &[usize]) {
    let (gated, folder) = (Gated::default(), without_known_answer());
    let engines = Engines::none().then(gated.clone());
    let config = ProductConfig { placement, ..product() };
    let recognizer = ProductRecognizer::load_with(folder.path(), config, &engines).unwrap();
    let config = FraudConfig { worker: patient(), placement: any_speed(), ..FraudConfig::default() };
    let scorer = FraudScorer::load_with(&models(), config, &Engines::none().then(Trees)).unwrap();

    let ask = || recognizer.recognise_picture_async(Priority::Checkout, picture());
    let first = ask();
    let (lock, changed) = &*gated.0;
    drop(changed.wait_while(lock.lock().unwrap(), |gate| gate.runs.is_empty()).unwrap());
    let waiting: Vec<_> = (0..8).map(|_| ask()).collect();
    let one_too_many = block_on(ask());
    assert!(matches!(one_too_many, Outcome::Fallback { reason: Reason::Busy, .. }));

    for _ in 0..100 {
        assert!(matches!(scorer.score(&payment()), Outcome::Answer(_)));
        assert!(matches!(block_on(scorer.score_async(Priority::Checkout, &payment())), Outcome::Answer(_)));
    }
    // Not one picture was answered in the meantime: the payments did overtake them.
    assert_eq!(lock.lock().unwrap().runs, [1]);

    lock.lock().unwrap().open = true;
    changed.notify_all();
    for answer in std::iter::once(first).chain(waiting) {
        assert!(matches!(block_on(answer), Outcome::Answer(_)));
    }
    assert_eq!(lock.lock().unwrap().runs, runs, "who waited shared runs");
}
