//! What several tests share: the shipped models, patience on slow machines, and models directories to damage.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use edgepos_inference::{PlacementConfig, ProductConfig, WorkerConfig};
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
    PlacementConfig { latency_budget: PATIENT, ..PlacementConfig::default() }
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

/// An error and its causes, as a person reads them.
pub(crate) fn story(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
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
