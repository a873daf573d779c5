//! I6: with little memory a large batch is an error of its own, a smaller one runs, and nobody is left without an answer.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(feature = "onnxruntime")]

mod support;

use std::sync::{Arc, Mutex, PoisonError};

use edgepos_inference::{
    Backend, CacheConfig, Engines, LibrarySearch, LoadOptions, Manifest, OnnxRuntime, Outcome, ProductConfig,
    ProductRecognizer, RunError, Stop, Task, Tensor, Trees, WorkerConfig,
};
use support::{PATIENT, fetched, file, models, patient, product};

/// Enough for a few pictures at once, and not for sixteen.
const ARENA: usize = 24 << 20;

/// A process has one arena: what one test fills is short for the other.
static ARENA_IN_USE: Mutex<()> = Mutex::new(());

fn runtime() -> Option<OnnxRuntime> {
    let search = LibrarySearch::nowhere().directory(&fetched("cpu")?);
    Some(OnnxRuntime::open_within(&search, ARENA).unwrap())
}

#[test]
fn a_batch_that_does_not_fit_is_out_of_memory_and_the_session_serves_on() {
    let _alone = ARENA_IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(runtime) = runtime() else { return };
    let manifest = Manifest::read(&models()).unwrap();
    let bytes = manifest.for_task(Task::PRODUCT).unwrap().variants[0].file.read(&models()).unwrap();
    let mut session = runtime.load(&bytes, &LoadOptions::default()).unwrap();
    let mut run = |batch: usize| {
        let picture = Tensor::f32([batch, 3, 224, 224], vec![0.1; batch * 3 * 224 * 224]).unwrap();
        session.run(&[("input", &picture)], &["logits"], &Stop::within(PATIENT)).map(|_| ())
    };
    assert_eq!(run(1), Ok(()));
    assert_eq!(run(64), Err(RunError::OutOfMemory));
    assert_eq!(run(2), Ok(()));
}

#[test]
fn more_customers_than_memory_are_all_answered() {
    let _alone = ARENA_IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(runtime) = runtime() else { return };
    let worker = WorkerConfig { max_batch: 64, queue_limit: 64, ..patient() };
    let cache = CacheConfig { entries: 0, ..CacheConfig::default() };
    let config = ProductConfig { worker, cache, ..product() };
    let engines = Engines::none().then(runtime).then(Trees);
    let recognizer = Arc::new(ProductRecognizer::load_with(&models(), config, &engines).unwrap());
    let photo = Arc::new(file("samples/espresso.png"));
    let customers: Vec<_> = (0..24)
        .map(|_| {
            let (recognizer, photo) = (Arc::clone(&recognizer), Arc::clone(&photo));
            std::thread::spawn(move || recognizer.recognise(&photo))
        })
        .collect();
    for customer in customers {
        let Outcome::Answer(answer) = customer.join().unwrap() else { panic!("left without an answer") };
        assert_eq!(answer.best().label, "espresso");
    }
    assert_eq!(
        recognizer.live_report().engine,
        "onnxruntime/cpu",
        "want of memory is no failure of the engine"
    );
}
