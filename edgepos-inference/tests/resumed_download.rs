//! I3: a download goes on where it stopped, costs nothing for what is there, and what arrives wrong never serves.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::io::{self, Read};
use std::path::Path;
use std::sync::Mutex;

use edgepos_inference::{
    DirectorySource, DownloadError, Downloaded, InstallError, IntegrityError, ManagerConfig, Manifest,
    ModelManager, ModelSource, SignatureError, TrustedKey, check_source,
};
use support::{golden_bytes, models};
use tempfile::TempDir;

const MODEL: &str = "fraud_xgb20.onnx";

/// A set with the fraud model alone.
fn published(serial: u64) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy(models().join(MODEL), dir.path().join(MODEL)).unwrap();
    let mut manifest = Manifest::read(&models()).unwrap();
    manifest.models.retain(|entry| entry.task.0 == "fraud");
    manifest.serial = serial;
    std::fs::write(dir.path().join("manifest.json"), serde_json::to_vec(&manifest).unwrap()).unwrap();
    dir
}

/// A line that breaks after so many bytes of a model, and remembers what was asked of it.
struct Line {
    source: DirectorySource,
    breaks_after: Mutex<Option<u64>>,
    can_resume: bool,
    asked: Mutex<Vec<(String, u64)>>,
}

impl Line {
    fn to(directory: &Path) -> Self {
        Self {
            source: DirectorySource::new(directory),
            breaks_after: Mutex::new(None),
            can_resume: true,
            asked: Mutex::default(),
        }
    }

    /// The offsets from which the model was asked for since the last time.
    fn model_offsets(&self) -> Vec<u64> {
        let asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.into_iter().filter(|(file, _)| file == MODEL).map(|(_, offset)| offset).collect()
    }
}

struct Breaks<'a> {
    inner: Box<dyn Read + 'a>,
    left: u64,
}

impl Read for Breaks<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let length = buffer.len().min(usize::try_from(self.left).unwrap());
        let read = self.inner.read(&mut buffer[..length])?;
        self.left -= read as u64;
        Ok(read)
    }
}

impl ModelSource for Line {
    fn open(&self, file: &str, offset: u64) -> io::Result<Box<dyn Read + '_>> {
        self.asked.lock().unwrap().push((file.to_owned(), offset));
        if offset > 0 && !self.can_resume {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let inner = self.source.open(file, offset)?;
        Ok(match *self.breaks_after.lock().unwrap() {
            Some(left) if file == MODEL => Box::new(Breaks { inner, left }),
            _ => inner,
        })
    }
}

fn manager(root: &Path) -> ModelManager {
    ModelManager::open(root, ManagerConfig::default()).unwrap()
}

fn serial(manager: &ModelManager) -> Option<u64> {
    manager.manifest().map(|manifest| manifest.serial)
}

#[test]
fn an_interrupted_download_goes_on_after_a_restart() {
    let (root, set) = (tempfile::tempdir().unwrap(), published(1));
    let size = std::fs::metadata(set.path().join(MODEL)).unwrap().len();
    let line = Line::to(set.path());
    let content = std::fs::read(set.path().join(MODEL)).unwrap();
    check_source(&line, MODEL, &content).unwrap();
    line.model_offsets();
    *line.breaks_after.lock().unwrap() = Some(100_000);
    for attempt in 0..3 {
        let error = manager(root.path()).download(&line).unwrap_err();
        let DownloadError::Interrupted { file, bytes, .. } = &error else { panic!("{error}") };
        assert_eq!((file.as_str(), *bytes), (MODEL, (attempt + 1) * 100_000));
    }
    assert_eq!(line.model_offsets(), [0, 100_000, 200_000]);
    *line.breaks_after.lock().unwrap() = None;
    let last = manager(root.path());
    assert_eq!(serial(&last), None, "half a set does not serve");
    let bytes = size - 300_000;
    assert_eq!(last.download(&line).unwrap(), Downloaded::Installed { bytes });
    assert_eq!((serial(&last), line.model_offsets()), (Some(1), vec![300_000]));
    assert_eq!(last.download(&line).unwrap(), Downloaded::UpToDate);
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 2, "one set and its pointer");
}

#[test]
fn a_source_that_cannot_resume_is_read_from_the_start() {
    let (root, set) = (tempfile::tempdir().unwrap(), published(1));
    let line = Line { can_resume: false, ..Line::to(set.path()) };
    *line.breaks_after.lock().unwrap() = Some(100_000);
    manager(root.path()).download(&line).unwrap_err();
    *line.breaks_after.lock().unwrap() = None;
    assert!(matches!(manager(root.path()).download(&line).unwrap(), Downloaded::Installed { .. }));
    assert_eq!(line.model_offsets(), [0, 100_000, 0]);
}

#[test]
fn a_file_that_the_current_set_has_is_not_fetched_again() {
    let root = tempfile::tempdir().unwrap();
    let manager = manager(root.path());
    manager.download(&DirectorySource::new(published(1).path())).unwrap();
    let set = published(2);
    let line = Line::to(set.path());
    assert_eq!(manager.download(&line).unwrap(), Downloaded::Installed { bytes: 0 });
    assert_eq!((serial(&manager), line.model_offsets()), (Some(2), vec![]));
}

#[test]
fn what_arrives_wrong_is_dropped_and_the_old_set_serves() {
    let root = tempfile::tempdir().unwrap();
    let manager = manager(root.path());
    manager.download(&DirectorySource::new(published(1).path())).unwrap();
    let set = published(2);
    let path = set.path().join(MODEL);
    let mut manifest = Manifest::read(set.path()).unwrap();
    // Another model than the current set's, so that it has to be fetched.
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.push(0);
    manifest.models[0].variants[0].file.bytes = bytes.len() as u64;
    manifest.models[0].variants[0].file.sha256 = edgepos_inference::Sha256::of(&bytes);
    std::fs::write(set.path().join("manifest.json"), serde_json::to_vec(&manifest).unwrap()).unwrap();
    let line = Line::to(set.path());
    let refused = |content: &[u8]| {
        std::fs::write(&path, content).unwrap();
        let error = manager.download(&line).unwrap_err();
        let DownloadError::Refused(InstallError::Integrity(error)) = error else { panic!("{error}") };
        error
    };
    let mut flipped = bytes.clone();
    flipped[1000] ^= 1;
    assert!(matches!(refused(&flipped), IntegrityError::Digest { .. }));
    // A gigabyte where half a megabyte is promised: cut off at one byte too many.
    let endless = [&bytes[..], &[7; 3_000_000]].concat();
    let error = refused(&endless);
    assert!(
        matches!(error, IntegrityError::Size { found, expected, .. } if found == expected + 1),
        "{error}"
    );
    assert_eq!((serial(&manager), line.model_offsets()), (Some(1), vec![0, 0]), "each time from the start");
    std::fs::write(&path, &bytes).unwrap();
    assert!(matches!(manager.download(&line).unwrap(), Downloaded::Installed { .. }));
    assert_eq!(serial(&manager), Some(2));
}

#[test]
fn an_unsigned_or_older_set_costs_its_manifest_alone() {
    let root = tempfile::tempdir().unwrap();
    let manager = manager(root.path());
    manager.download(&DirectorySource::new(published(5).path())).unwrap();
    let old = published(4);
    let line = Line::to(old.path());
    let error = manager.download(&line).unwrap_err();
    assert!(matches!(error, DownloadError::Refused(InstallError::Older { current: 5, found: 4 })), "{error}");
    assert!(line.model_offsets().is_empty());

    let key = String::from_utf8(golden_bytes("signed/vendor.pub")).unwrap();
    let trusted = vec![TrustedKey::parse(&key).unwrap()];
    let root = tempfile::tempdir().unwrap();
    let config = ManagerConfig { trusted, ..ManagerConfig::default() };
    let strict = ModelManager::open(root.path(), config).unwrap();
    let error = strict.download(&line).unwrap_err();
    assert!(
        matches!(&error, DownloadError::Refused(InstallError::Signature(SignatureError::Missing))),
        "{error}"
    );
    assert!(line.model_offsets().is_empty());
    let signed = published(7);
    for file in ["manifest.json", "manifest.json.minisig"] {
        std::fs::write(signed.path().join(file), golden_bytes(&format!("signed/{file}"))).unwrap();
    }
    assert!(matches!(
        strict.download(&DirectorySource::new(signed.path())).unwrap(),
        Downloaded::Installed { .. }
    ));
}
