//! What several tests share: the shipped models, patience on slow machines, and models directories to damage.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use edgepos_inference::{
    CustomerHistory, LocalTime, Manifest, Payment, PlacementConfig, ProductConfig, TerminalHistory, Window,
    WorkerConfig,
};
use tempfile::TempDir;

/// The models in the repository.
pub(crate) fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models")
}

/// A file of the models directory.
pub(crate) fn file(name: &str) -> Vec<u8> {
    std::fs::read(models().join(name)).unwrap()
}

/// Longer than any run on the slowest, busiest machine: these tests are about answers, not about speed.
pub(crate) const PATIENT: Duration = Duration::from_secs(120);

pub(crate) fn patient() -> WorkerConfig {
    WorkerConfig { deadline: PATIENT, ..WorkerConfig::default() }
}

pub(crate) fn any_speed() -> PlacementConfig {
    // One thread: beside other tests, the embedded engine's threads were seen to wait for each other for minutes.
    PlacementConfig { latency_budget: PATIENT, threads: 1, ..PlacementConfig::default() }
}

pub(crate) fn product() -> ProductConfig {
    ProductConfig { worker: patient(), placement: any_speed(), ..ProductConfig::default() }
}

/// A copy of the models directory that a test may damage.
pub(crate) fn copy_of_models() -> TempDir {
    let target = tempfile::tempdir().unwrap();
    copy(&models(), target.path());
    target
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Where `cargo xtask ort` put a library: `cpu`, `openvino` or `too-old`. `None` says why on the terminal, unless
/// `EDGEPOS_REQUIRE_ORT` is set: then a missing library fails the test.
pub(crate) fn fetched(package: &str) -> Option<PathBuf> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?.join("onnxruntime").join(package);
    if directory.is_dir() {
        return Some(directory);
    }
    let missing = format!("{} is missing; `cargo xtask ort` fetches it", directory.display());
    assert!(std::env::var_os("EDGEPOS_REQUIRE_ORT").is_none(), "{missing}");
    println!("skipped: {missing}");
    None
}

/// The shipped models without known answers and without further outputs, for engines that a test makes up.
pub(crate) fn without_known_answer() -> TempDir {
    let models = copy_of_models();
    let mut manifest = Manifest::read(models.path()).unwrap();
    for entry in &mut manifest.models {
        entry.known_answer = None;
        if entry.task.0 == "product" {
            entry.outputs.truncate(1);
        }
    }
    std::fs::write(models.path().join("manifest.json"), serde_json::to_vec(&manifest).unwrap()).unwrap();
    models
}

/// How many threads this process has, where that can be counted.
#[cfg(target_os = "linux")]
pub(crate) fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn threads() -> usize {
    0
}

/// Whether this process comes to have `expected` threads: one that was joined is listed for a moment longer.
pub(crate) fn comes_to_threads(expected: usize) -> bool {
    let patience = Instant::now() + PATIENT;
    while cfg!(target_os = "linux") && threads() != expected {
        if Instant::now() > patience {
            return false;
        }
        std::thread::yield_now();
    }
    true
}

/// Runs a future to its end on this thread, without a runtime.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

/// A payment like any other.
pub(crate) fn payment() -> Payment {
    let window = Window { payments: 2, total: 40.0 };
    Payment {
        amount: 20.0,
        card_present: true,
        time: LocalTime { weekday: 3, second_of_day: 40_000 },
        billing: None,
        shipping: None,
        terminal: None,
        customer: CustomerHistory { day: window, week: window, month: window, seconds_since_last: None },
        at_terminal: TerminalHistory::default(),
    }
}

/// A golden file; `golden/make.py` writes them.
pub(crate) fn golden<T: serde::de::DeserializeOwned>(name: &str) -> T {
    serde_json::from_slice(&golden_bytes(name)).unwrap()
}

/// The same, as it is.
pub(crate) fn golden_bytes(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    std::fs::read(path).unwrap()
}
