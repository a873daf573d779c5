//! New models while the till sells: checked before they serve, swapped in one step, the last good set kept.
//!
//! On disk a manager has a root with one directory per set of models, named by the manifest's digest, one more with the
//! ending `.incoming` while a set is downloaded, and the files `CURRENT` and `PREVIOUS` that name two of them. `CURRENT` is replaced by a rename, so that it names one whole set
//! through any crash.

mod budget;
mod download;

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thiserror::Error;

use crate::causes::with_causes;
use crate::delegate::{Engines, LoadError};
use crate::integrity::{IntegrityError, Sha256, open_regular};
use crate::manifest::{MANIFEST_FILE, MAX_MANIFEST_BYTES, Manifest, ManifestError, ModelEntry};
use crate::notice::Notice;
use crate::signature::{self, MAX_SIGNATURE_BYTES, SIGNATURE_FILE, SignatureError, TrustedKey};
use budget::Budget;
pub use download::{DownloadError, Downloaded};

const CURRENT: &str = "CURRENT";
const PREVIOUS: &str = "PREVIOUS";

/// Most refused sets that are remembered for [`ModelManager::redownloads`].
const MAX_REDOWNLOADS: usize = 64;

/// How models are kept.
#[derive(Clone, Debug)]
pub struct ManagerConfig {
    /// Whose manifests are accepted. Default none: manifests need no signature then, which is for development.
    pub trusted: Vec<TrustedKey>,
    /// Most memory that loaded models may take, by their manifests' account or else three times their files. Default
    /// 256 MiB. The least recently used goes; the one asked for is loaded in any case.
    pub memory_bytes: u64,
    /// The engines to try.
    pub engines: Engines,
}

impl Default for ManagerConfig {
    fn default() -> Self {
        Self { trusted: Vec::new(), memory_bytes: 256 << 20, engines: Engines::standard() }
    }
}

/// Keeps sets of models on disk and the loaded ones in memory.
///
/// Callers get an [`Arc`] and keep it as long as they like: after an update they finish on the old model, and the next
/// [`ModelManager::get`] gives the new one.
#[derive(Debug)]
pub struct ModelManager {
    root: PathBuf,
    config: ManagerConfig,
    state: Mutex<State>,
    /// Held while a set is copied and checked: two at a time would share a directory.
    installing: Mutex<()>,
    /// Held while a model is loaded, so that none is loaded twice; the state is free meanwhile.
    loading: Mutex<()>,
}

#[derive(Debug)]
struct State {
    current: Option<Set>,
    budget: Budget,
    wanted: Vec<Redownload>,
}

/// A set of models that was checked.
#[derive(Clone, Debug)]
struct Set {
    name: String,
    dir: PathBuf,
    manifest: Arc<Manifest>,
}

/// A set that must be fetched again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Redownload {
    /// The set: its manifest's digest, or what the caller called it.
    pub set: String,
    /// Why it was refused.
    pub reason: String,
}

/// Why a set of models was not installed; the set before goes on serving.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InstallError {
    /// The manifest is missing or wrong.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// It is not signed by a trusted key.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// A file is missing, truncated or changed.
    #[error(transparent)]
    Integrity(#[from] IntegrityError),
    /// It is older than the set in use: a replayed update.
    #[error("the manifest has serial {found}, the one in use has {current}")]
    Older {
        /// Serial of the set in use.
        current: u64,
        /// Serial of the refused one.
        found: u64,
    },
    /// The disk failed.
    #[error("cannot store the models")]
    Store(#[from] io::Error),
}

/// A pipeline that the manager can load: one of this crate's, or a vendor's own.
pub trait Pipeline: Sized + Send + Sync + 'static {
    /// What it is configured with.
    type Config: Clone;
    /// Its job in the manifest: one of the names of [`Task`](crate::Task).
    const TASK: &'static str;

    /// Loads it.
    ///
    /// # Errors
    /// [`LoadError`].
    fn load(dir: &Path, config: Self::Config, engines: &Engines) -> Result<Self, LoadError>;
}

impl Redownload {
    fn notice(&self) -> Notice {
        Notice::SetRefused { set: self.set.clone(), reason: self.reason.clone() }
    }
}

impl ModelManager {
    /// Opens a root directory, made if it is missing. A damaged current set gives way to the previous one.
    ///
    /// # Errors
    /// When the directory cannot be made or read.
    pub fn open(root: &Path, config: ManagerConfig) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        let mut wanted = Vec::new();
        let mut current = None;
        for pointer in [CURRENT, PREVIOUS] {
            let Some(name) = read_pointer(root, pointer)? else { continue };
            match check(&root.join(&name), &config.trusted) {
                Ok(manifest) => {
                    let dir = root.join(&name);
                    current = Some(Set { name, dir, manifest: Arc::new(manifest) });
                    break;
                }
                Err(error) => {
                    let refused = Redownload { set: name, reason: with_causes(&error) };
                    config.engines.listener().tell(refused.notice());
                    wanted.push(refused);
                }
            }
        }
        let budget = Budget::new(config.memory_bytes);
        let state = Mutex::new(State { current, budget, wanted });
        let (installing, loading) = (Mutex::default(), Mutex::default());
        Ok(Self { root: root.to_path_buf(), config, state, installing, loading })
    }

    /// Checks a set of models that lies in `staged` (signature, then every file), stores it and serves from it. On an
    /// error the set before goes on serving, and [`ModelManager::redownloads`] tells of the refused one.
    ///
    /// The files are copied, synced and checked *in their final place*, so that what was checked is what is served.
    ///
    /// # Errors
    /// [`InstallError`].
    pub fn install(&self, staged: &Path) -> Result<(), InstallError> {
        let result = self.try_install(staged);
        if let Err(error) = &result {
            let refused = Redownload { set: staged.display().to_string(), reason: with_causes(error) };
            self.config.engines.listener().tell(refused.notice());
            let wanted = &mut self.lock().wanted;
            // Tried again and again, it is still one set to fetch.
            wanted.retain(|known| *known != refused);
            if wanted.len() >= MAX_REDOWNLOADS {
                wanted.remove(0);
            }
            wanted.push(refused);
        }
        result
    }

    fn try_install(&self, staged: &Path) -> Result<(), InstallError> {
        let _turn = self.installing.lock().unwrap_or_else(PoisonError::into_inner);
        let text = Manifest::read_text(staged)?;
        if !self.config.trusted.is_empty() {
            signature::check_directory(staged, &text, &self.config.trusted)?;
        }
        let manifest = Manifest::parse(&text)?;
        self.refuse_older(&manifest)?;
        let name = Sha256::of(&text).to_string();
        let dir = self.root.join(&name);
        let half = self.root.join(format!("{name}.part"));
        remove_if_there(&half)?;
        copy_set(staged, &half, &manifest)?;
        let manifest = check(&half, &self.config.trusted)?;
        remove_if_there(&dir)?;
        fs::rename(&half, &dir)?;
        self.switch(Set { name, dir, manifest: Arc::new(manifest) })?;
        Ok(())
    }

    fn refuse_older(&self, manifest: &Manifest) -> Result<(), InstallError> {
        match &self.lock().current {
            Some(current) if manifest.serial < current.manifest.serial => {
                Err(InstallError::Older { current: current.manifest.serial, found: manifest.serial })
            }
            _ => Ok(()),
        }
    }

    fn switch(&self, set: Set) -> io::Result<()> {
        let mut state = self.lock();
        if let Some(current) = state.current.as_ref().filter(|current| current.name != set.name) {
            write_pointer(&self.root, PREVIOUS, &current.name)?;
        }
        write_pointer(&self.root, CURRENT, &set.name)?;
        let kept = [Some(set.name.clone()), read_pointer(&self.root, PREVIOUS)?];
        let installed = Notice::SetInstalled { set: set.name.clone() };
        state.current = Some(set);
        // Whoever holds an old model finishes with it; nobody gets it any more.
        state.budget.clear();
        drop(state);
        self.config.engines.listener().tell(installed);
        self.sweep(&kept);
        Ok(())
    }

    /// Removes sets that nothing names. Best effort: a directory in use stays until next time.
    fn sweep(&self, kept: &[Option<String>]) {
        let Ok(entries) = fs::read_dir(&self.root) else { return };
        for entry in entries.filter_map(Result::ok) {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_set = name.trim_end_matches(".part").len() == 64 && entry.path().is_dir();
            if is_set && !kept.iter().flatten().any(|kept| *kept == name) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    /// The pipeline for its job, loaded on demand. `None` when no set is installed.
    ///
    /// Whoever asks for a model that is not loaded waits until it is, and until others that are being loaded are; one that
    /// is loaded comes at once.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn get<P: Pipeline>(&self, config: &P::Config) -> Result<Option<Arc<P>>, LoadError> {
        if let Some(loaded) = self.lock().budget.get::<P>(P::TASK) {
            return Ok(Some(loaded));
        }
        let _turn = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        let (set, bytes, gone) = {
            let mut state = self.lock();
            let Some(set) = state.current.clone() else { return Ok(None) };
            if let Some(loaded) = state.budget.get::<P>(P::TASK) {
                return Ok(Some(loaded));
            }
            let bytes = set.manifest.for_task(P::TASK).map_or(0, ModelEntry::memory_estimate);
            let gone = state.budget.make_room(bytes);
            (set, bytes, gone)
        };
        for (task, bytes) in gone {
            self.config.engines.listener().tell(Notice::Unloaded { task, bytes });
        }
        let loaded = Arc::new(P::load(&set.dir, config.clone(), &self.config.engines)?);
        let mut state = self.lock();
        // A set that was installed in the meantime is loaded by whoever asks next.
        if state.current.as_ref().is_some_and(|current| current.name == set.name) {
            state.budget.put(P::TASK, Arc::clone(&loaded), bytes);
        }
        Ok(Some(loaded))
    }

    /// The manifest in use.
    #[must_use]
    pub fn manifest(&self) -> Option<Arc<Manifest>> {
        self.lock().current.as_ref().map(|set| Arc::clone(&set.manifest))
    }

    /// Memory that loaded models take, by the manifests' account.
    #[must_use]
    pub fn memory_in_use(&self) -> u64 {
        self.lock().budget.in_use()
    }

    /// What was refused since the last call, and should be fetched again: the latest 64.
    pub fn redownloads(&self) -> Vec<Redownload> {
        std::mem::take(&mut self.lock().wanted)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every section leaves the state whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Checks a whole set: signature, manifest, every file.
fn check(dir: &Path, trusted: &[TrustedKey]) -> Result<Manifest, InstallError> {
    let text = Manifest::read_text(dir)?;
    if !trusted.is_empty() {
        signature::check_directory(dir, &text, trusted)?;
    }
    let manifest = Manifest::parse(&text)?;
    manifest.models.iter().try_for_each(|entry| entry.check_files(dir))?;
    Ok(manifest)
}

fn copy_set(from: &Path, to: &Path, manifest: &Manifest) -> io::Result<()> {
    fs::create_dir_all(to)?;
    // One byte more than there should be is enough for the check of the copy, however long the file is.
    let copy = |file: &Path, bytes: u64| -> io::Result<()> {
        let target = to.join(file);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut copied = fs::File::create(&target)?;
        io::copy(&mut open_regular(&from.join(file))?.take(bytes.saturating_add(1)), &mut copied)?;
        copied.sync_all()
    };
    copy(Path::new(MANIFEST_FILE), MAX_MANIFEST_BYTES)?;
    if from.join(SIGNATURE_FILE).exists() {
        copy(Path::new(SIGNATURE_FILE), MAX_SIGNATURE_BYTES)?;
    }
    for (file, _) in manifest.models.iter().flat_map(ModelEntry::files) {
        // What is missing is found by the check of the copy, which names it.
        if from.join(&file.file).exists() {
            copy(&file.file, file.bytes)?;
        }
    }
    sync_directory(to)
}

fn read_pointer(root: &Path, pointer: &str) -> io::Result<Option<String>> {
    match fs::read_to_string(root.join(pointer)) {
        Ok(text) => {
            let name = text.trim();
            // A name and nothing else: a damaged pointer must not lead out of the root.
            let sound = name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
            Ok(sound.then(|| name.to_owned()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(None),
        Err(error) => Err(error),
    }
}

fn write_pointer(root: &Path, pointer: &str, name: &str) -> io::Result<()> {
    let half = root.join(format!("{pointer}.part"));
    fs::write(&half, format!("{name}\n"))?;
    fs::File::open(&half)?.sync_all()?;
    fs::rename(&half, root.join(pointer))?;
    sync_directory(root)
}

#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    fs::File::open(path)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
