//! I3: new models are checked before they serve, swapped while serving, and refused ones leave the old set in place.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};

use edgepos_inference::{
    Engines, FraudConfig, FraudScorer, InstallError, IntegrityError, LoadError, ManagerConfig, Manifest,
    ModelManager, Outcome, Pipeline, SignatureError, TrustedKey,
};
use support::{any_speed, golden_bytes, models, patient, payment};
use tempfile::TempDir;

const MODEL: &str = "fraud_xgb20.onnx";

fn config() -> FraudConfig {
    FraudConfig { worker: patient(), placement: any_speed(), ..FraudConfig::default() }
}

/// A set with the fraud model alone, with this serial and version.
fn staged(serial: u64, version: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy(models().join(MODEL), dir.path().join(MODEL)).unwrap();
    let mut manifest = Manifest::read(&models()).unwrap();
    manifest.models.retain(|entry| entry.task.0 == "fraud");
    manifest.serial = serial;
    manifest.models[0].version = version.to_owned();
    std::fs::write(dir.path().join("manifest.json"), serde_json::to_vec(&manifest).unwrap()).unwrap();
    dir
}

fn manager(root: &Path) -> ModelManager {
    ModelManager::open(root, ManagerConfig::default()).unwrap()
}

fn version(manager: &ModelManager) -> String {
    manager.get::<FraudScorer>(&config()).unwrap().unwrap().report().version.clone()
}

#[test]
fn an_empty_root_serves_nothing_and_a_set_serves_from_then_on_and_after_a_restart() {
    let root = tempfile::tempdir().unwrap();
    let first = manager(root.path());
    assert!(first.get::<FraudScorer>(&config()).unwrap().is_none());
    first.install(staged(1, "1").path()).unwrap();
    assert_eq!(version(&first), "1");
    assert!(first.memory_in_use() > 0);
    first.install(staged(2, "2").path()).unwrap();
    assert_eq!(version(&first), "2");
    drop(first);
    assert_eq!(version(&manager(root.path())), "2");
    // Two sets, two pointers, nothing else.
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 4);
}

#[test]
fn a_damaged_download_is_refused_named_and_asked_for_again() {
    let root = tempfile::tempdir().unwrap();
    let manager = manager(root.path());
    manager.install(staged(1, "1").path()).unwrap();
    let serving = manager.get::<FraudScorer>(&config()).unwrap().unwrap();
    let damaged = staged(2, "2");
    let mut bytes = std::fs::read(damaged.path().join(MODEL)).unwrap();
    bytes[300_000] ^= 4;
    std::fs::write(damaged.path().join(MODEL), &bytes).unwrap();
    let error = manager.install(damaged.path()).unwrap_err();
    assert!(matches!(error, InstallError::Integrity(IntegrityError::Digest { .. })), "{error}");
    std::fs::remove_file(damaged.path().join(MODEL)).unwrap();
    let error = manager.install(damaged.path()).unwrap_err();
    assert!(matches!(error, InstallError::Integrity(IntegrityError::Missing { .. })), "{error}");
    let asked = manager.redownloads();
    assert_eq!(asked.len(), 2);
    assert!(asked.iter().all(|asked| asked.reason.contains(MODEL)), "{asked:?}");
    assert!(manager.redownloads().is_empty());
    assert!(Arc::ptr_eq(&serving, &manager.get::<FraudScorer>(&config()).unwrap().unwrap()));
    assert!(matches!(serving.score(&payment()), Outcome::Answer(_)));
}

#[test]
fn what_is_refused_again_and_again_is_asked_for_once_and_not_without_end() {
    let root = tempfile::tempdir().unwrap();
    let manager = manager(root.path());
    let missing = |number: u32| root.path().join(format!("missing {number}"));
    for number in [0, 0, 0] {
        manager.install(&missing(number)).unwrap_err();
    }
    assert_eq!(manager.redownloads().len(), 1);
    for number in 0..100 {
        manager.install(&missing(number)).unwrap_err();
    }
    let asked = manager.redownloads();
    assert_eq!(asked.len(), 64);
    assert!(asked[63].set.ends_with("missing 99"), "{asked:?}");
}

#[test]
fn a_set_that_rots_on_disk_gives_way_to_the_one_before() {
    let root = tempfile::tempdir().unwrap();
    let first = manager(root.path());
    first.install(staged(1, "1").path()).unwrap();
    first.install(staged(2, "2").path()).unwrap();
    drop(first);
    let current = std::fs::read_to_string(root.path().join("CURRENT")).unwrap();
    let file = root.path().join(current.trim()).join(MODEL);
    std::fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(1000).unwrap();
    let after = manager(root.path());
    assert_eq!(version(&after), "1");
    assert!(after.redownloads()[0].reason.contains("truncated"));
    // A pointer that leads elsewhere is no pointer.
    std::fs::write(root.path().join("CURRENT"), "../../etc").unwrap();
    assert_eq!(version(&manager(root.path())), "1");
}

#[test]
fn an_older_set_is_not_accepted_as_an_update() {
    let root = tempfile::tempdir().unwrap();
    let manager = manager(root.path());
    manager.install(staged(5, "5").path()).unwrap();
    let error = manager.install(staged(4, "4").path()).unwrap_err();
    assert!(matches!(error, InstallError::Older { current: 5, found: 4 }), "{error}");
    assert_eq!(version(&manager), "5");
}

#[test]
fn a_swap_under_load_loses_no_request() {
    let root = tempfile::tempdir().unwrap();
    let manager = Arc::new(manager(root.path()));
    manager.install(staged(1, "1").path()).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let tills: Vec<_> = (0..3)
        .map(|_| {
            let (manager, stop) = (Arc::clone(&manager), Arc::clone(&stop));
            std::thread::spawn(move || {
                let mut scored = 0_u32;
                while !stop.load(Ordering::Relaxed) {
                    let scorer = manager.get::<FraudScorer>(&config()).unwrap().unwrap();
                    assert!(matches!(scorer.score(&payment()), Outcome::Answer(_)));
                    scored += 1;
                }
                scored
            })
        })
        .collect();
    for serial in 2..8 {
        manager.install(staged(serial, &serial.to_string()).path()).unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    let scored: u32 = tills.into_iter().map(|till| till.join().unwrap()).sum();
    assert!(scored > 0);
    assert_eq!(version(&manager), "7");
}

fn signed() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in ["manifest.json", "manifest.json.minisig"] {
        std::fs::write(dir.path().join(file), golden_bytes(&format!("signed/{file}"))).unwrap();
    }
    std::fs::copy(models().join(MODEL), dir.path().join(MODEL)).unwrap();
    dir
}

fn key(file: &str) -> TrustedKey {
    TrustedKey::parse(std::str::from_utf8(&golden_bytes(&format!("signed/{file}"))).unwrap()).unwrap()
}

fn trusting(root: &Path, keys: &[&str]) -> ModelManager {
    let trusted = keys.iter().map(|file| key(file)).collect();
    ModelManager::open(root, ManagerConfig { trusted, ..ManagerConfig::default() }).unwrap()
}

#[test]
fn a_set_signed_with_minisign_is_accepted_by_its_key_alone() {
    let root = tempfile::tempdir().unwrap();
    trusting(root.path(), &["other.pub", "vendor.pub"]).install(signed().path()).unwrap();
    // Signatures are checked at every start, not only when a set is installed.
    let stranger = trusting(root.path(), &["other.pub"]);
    assert!(stranger.manifest().is_none());
    assert!(stranger.redownloads()[0].reason.contains("signature"));
    let error = stranger.install(signed().path()).unwrap_err();
    assert!(matches!(error, InstallError::Signature(SignatureError::Untrusted)), "{error}");
}

#[test]
fn a_changed_or_unsigned_manifest_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let manager = trusting(root.path(), &["vendor.pub"]);
    let changed = signed();
    let path = changed.path().join("manifest.json");
    let text = std::fs::read_to_string(&path).unwrap().replace("\"serial\": 7", "\"serial\": 8");
    std::fs::write(&path, text).unwrap();
    let error = manager.install(changed.path()).unwrap_err();
    assert!(matches!(error, InstallError::Signature(SignatureError::Untrusted)), "{error}");
    std::fs::write(changed.path().join("manifest.json.minisig"), "not a signature").unwrap();
    let error = manager.install(changed.path()).unwrap_err();
    assert!(matches!(error, InstallError::Signature(SignatureError::Malformed)), "{error}");
    let error = manager.install(staged(9, "9").path()).unwrap_err();
    assert!(matches!(error, InstallError::Signature(SignatureError::Missing)), "{error}");
    assert!(TrustedKey::parse("RWQ").is_err());
}

#[test]
fn a_small_budget_keeps_the_model_that_is_asked_for() {
    let root = tempfile::tempdir().unwrap();
    let config = ManagerConfig { memory_bytes: 1, ..ManagerConfig::default() };
    let manager = ModelManager::open(root.path(), config).unwrap();
    manager.install(staged(1, "1").path()).unwrap();
    assert_eq!(version(&manager), "1");
    assert!(manager.memory_in_use() > 1);
}

/// A pipeline that takes as long to load as the test wants.
struct Slow;

impl Pipeline for Slow {
    type Config = Arc<(Barrier, Barrier)>;
    const TASK: &'static str = "slow";

    fn load(_: &Path, config: Self::Config, _: &Engines) -> Result<Self, LoadError> {
        config.0.wait();
        config.1.wait();
        Ok(Self)
    }
}

#[test]
fn a_model_that_takes_long_to_load_is_in_nobodys_way() {
    let root = tempfile::tempdir().unwrap();
    let manager = Arc::new(manager(root.path()));
    manager.install(staged(1, "1").path()).unwrap();
    assert_eq!(version(&manager), "1");
    let steps = Arc::new((Barrier::new(2), Barrier::new(2)));
    let (slow, own) = (Arc::clone(&manager), Arc::clone(&steps));
    let loading = std::thread::spawn(move || slow.get::<Slow>(&own).unwrap().is_some());
    steps.0.wait();
    // While it loads, the loaded model is handed out and a new set is installed.
    assert_eq!(version(&manager), "1");
    manager.install(staged(2, "2").path()).unwrap();
    assert_eq!(manager.manifest().unwrap().serial, 2);
    steps.1.wait();
    assert!(loading.join().unwrap());
    assert_eq!(version(&manager), "2");
    assert_eq!(manager.memory_in_use(), 6_000_000, "the slow one was of the old set and is not kept");
}

/// It would be copied until the disk is full.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_never_ends_is_refused() {
    let (root, set) = (tempfile::tempdir().unwrap(), staged(1, "1"));
    let manager = manager(root.path());
    std::fs::remove_file(set.path().join(MODEL)).unwrap();
    std::os::unix::fs::symlink("/dev/zero", set.path().join(MODEL)).unwrap();
    let error = manager.install(set.path()).unwrap_err();
    assert!(matches!(error, InstallError::Store(_)), "{error}");
    // The same for a regular file: of what is too long only so much is copied as shows it.
    std::fs::remove_file(set.path().join(MODEL)).unwrap();
    let file = std::fs::File::create(set.path().join(MODEL)).unwrap();
    file.set_len(1 << 40).unwrap();
    let error = manager.install(set.path()).unwrap_err();
    assert!(matches!(error, InstallError::Integrity(IntegrityError::Size { .. })), "{error}");
}

#[test]
fn a_set_with_an_oversized_model_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let manager = manager(root.path());
    let claims = staged(1, "1");
    let path = claims.path().join("manifest.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("\"bytes\":510650", "\"bytes\":536870913")).unwrap();
    let error = manager.install(claims.path()).unwrap_err();
    assert!(error.to_string().contains("larger than the limit"), "{error}");
    // One byte more than promised is enough; no more than that is read.
    let grown = staged(1, "1");
    let mut bytes = std::fs::read(grown.path().join(MODEL)).unwrap();
    bytes.extend([0; 100_000]);
    std::fs::write(grown.path().join(MODEL), bytes).unwrap();
    let error = manager.install(grown.path()).unwrap_err();
    let InstallError::Integrity(IntegrityError::Size { expected, found, .. }) = error else {
        panic!("{error}")
    };
    assert_eq!(found, expected + 1);
    assert!(manager.manifest().is_none());
}
