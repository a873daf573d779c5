//! Fetching a set piece by piece: what is there already stays, whatever interrupts the line or the till.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{InstallError, ModelManager, remove_if_there};
use crate::integrity::{IntegrityError, Sha256};
use crate::manifest::{FileRef, MANIFEST_FILE, MAX_MANIFEST_BYTES, Manifest, ManifestError, ModelEntry};
use crate::signature::{MAX_SIGNATURE_BYTES, SIGNATURE_FILE, SignatureError, check_signature};
use crate::source::ModelSource;

/// The ending of a directory into which a set is being downloaded.
const INCOMING: &str = "incoming";

/// What a download came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Downloaded {
    /// A new set serves.
    Installed {
        /// Bytes that came over the line, without what an earlier attempt had left or the current set had already.
        bytes: u64,
    },
    /// The source has the set that serves.
    UpToDate,
}

/// Why a download did not lead to a new set; the set before goes on serving.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// The line broke, or the source lacks a file. Ask again: what has arrived is kept.
    #[error("the download of {file} was interrupted after {bytes} bytes")]
    Interrupted {
        /// The file under way.
        file: String,
        /// How much of it is on disk.
        bytes: u64,
        /// What the transfer or the file system said.
        source: io::Error,
    },
    /// What arrived is refused: not signed, malformed, older than the set in use, or not what the manifest says.
    #[error(transparent)]
    Refused(#[from] InstallError),
}

impl ModelManager {
    /// Fetches the set that `source` publishes, checks it and serves from it. Blocks for as long as that takes; the set
    /// before serves meanwhile.
    ///
    /// The manifest and its signature come first: an unsigned or older set costs no more than these. A file that the
    /// current set has already is copied, not fetched. An interrupted download goes on where it stopped when this is
    /// called again, also after a restart; a file that arrived with another digest is dropped and fetched anew.
    ///
    /// # Errors
    /// [`DownloadError`].
    pub fn download(&self, source: &dyn ModelSource) -> Result<Downloaded, DownloadError> {
        let text = small(source, MANIFEST_FILE, MAX_MANIFEST_BYTES)?;
        let signature = match small(source, SIGNATURE_FILE, MAX_SIGNATURE_BYTES) {
            Ok(signature) => Some(signature),
            Err(DownloadError::Interrupted { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                None
            }
            Err(error) => return Err(error),
        };
        let manifest = self.admit(&text, signature.as_deref()).map_err(DownloadError::Refused)?;
        let name = Sha256::of(&text).to_string();
        let current = self.lock().current.as_ref().map(|set| (set.name.clone(), set.dir.clone()));
        if current.as_ref().is_some_and(|(serving, _)| *serving == name) {
            return Ok(Downloaded::UpToDate);
        }
        let incoming = self.root.join(&name).with_extension(INCOMING);
        self.forget_other_downloads(&incoming).map_err(InstallError::Store)?;
        let write = || -> io::Result<()> {
            fs::create_dir_all(&incoming)?;
            fs::write(incoming.join(MANIFEST_FILE), &text)?;
            signature.as_ref().map_or(Ok(()), |signature| fs::write(incoming.join(SIGNATURE_FILE), signature))
        };
        write().map_err(InstallError::Store)?;
        let mut bytes = 0;
        let mut seen = BTreeSet::new();
        for (file, optional) in manifest.models.iter().flat_map(ModelEntry::files) {
            if seen.insert(&file.file) {
                let own = current.as_ref().map(|(_, dir)| dir.join(&file.file));
                bytes += fetch(source, file, optional, &incoming.join(&file.file), own.as_deref())?;
            }
        }
        self.install(&incoming)?;
        remove_if_there(&incoming).map_err(InstallError::Store)?;
        Ok(Downloaded::Installed { bytes })
    }

    /// Signature, form and age of a manifest that has just arrived.
    fn admit(&self, text: &[u8], signature: Option<&[u8]>) -> Result<Manifest, InstallError> {
        if !self.config.trusted.is_empty() {
            let signature = signature.ok_or(SignatureError::Missing)?;
            let signature = std::str::from_utf8(signature).map_err(|_| SignatureError::Malformed)?;
            check_signature(text, signature, &self.config.trusted)?;
        }
        let manifest = Manifest::parse(text)?;
        self.refuse_older(&manifest)?;
        Ok(manifest)
    }

    /// One download at a time is kept: what was begun of another set is of no use any more.
    fn forget_other_downloads(&self, own: &Path) -> io::Result<()> {
        for entry in fs::read_dir(&self.root)?.filter_map(Result::ok) {
            let path = entry.path();
            if path != own && path.extension().is_some_and(|ending| ending == INCOMING) {
                remove_if_there(&path)?;
            }
        }
        Ok(())
    }
}

/// A file that is read whole, at most `limit` bytes.
fn small(source: &dyn ModelSource, name: &str, limit: u64) -> Result<Vec<u8>, DownloadError> {
    let mut bytes = Vec::new();
    let read = source.open(name, 0).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes));
    read.map_err(|source| DownloadError::Interrupted {
        file: name.to_owned(),
        bytes: bytes.len() as u64,
        source,
    })?;
    if bytes.len() as u64 > limit {
        return Err(InstallError::Manifest(ManifestError::TooLong { path: PathBuf::from(name) }).into());
    }
    Ok(bytes)
}

/// Brings one file to `target`; says how many bytes came over the line. `own` is where the current set would have it.
fn fetch(
    source: &dyn ModelSource,
    file: &FileRef,
    optional: bool,
    target: &Path,
    own: Option<&Path>,
) -> Result<u64, DownloadError> {
    let store = |error: io::Error| DownloadError::Refused(InstallError::Store(error));
    let whole = |path: &Path| crate::integrity::VerifiedBytes::read(path, file.bytes, file.sha256);
    if whole(target).is_ok() {
        return Ok(0);
    }
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).map_err(store)?;
    }
    if let Some(own) = own.filter(|own| whole(own).is_ok()) {
        fs::copy(own, target).map_err(store)?;
        return Ok(0);
    }
    // Names with `/`, on every system.
    let name: Vec<_> = file.file.iter().map(|part| part.to_string_lossy()).collect();
    let name = name.join("/");
    let mut part = OpenOptions::new().create(true).append(true).open(target).map_err(store)?;
    let mut have = part.metadata().map_err(store)?.len();
    if have >= file.bytes {
        // As long as it should be, or longer, and not it.
        part.set_len(0).map_err(store)?;
        have = 0;
    }
    let interrupted = |bytes, source| DownloadError::Interrupted { file: name.clone(), bytes, source };
    let opened = match source.open(&name, have) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported && have > 0 => {
            part.set_len(0).map_err(store)?;
            have = 0;
            source.open(&name, 0)
        }
        other => other,
    };
    let reader = match opened {
        Ok(reader) => reader,
        Err(error) if error.kind() == io::ErrorKind::NotFound && optional => {
            return fs::remove_file(target).map(|()| 0).map_err(store);
        }
        Err(error) => return Err(interrupted(have, error)),
    };
    // One byte more than there should be tells a file that is too long, without taking all of it.
    let copied = io::copy(&mut reader.take(file.bytes - have + 1), &mut part);
    let length = part.metadata().map_err(store)?.len();
    let came = length - have;
    copied.map_err(|error| interrupted(length, error))?;
    if length < file.bytes {
        return Err(interrupted(length, io::ErrorKind::UnexpectedEof.into()));
    }
    match whole(target) {
        Ok(_) => Ok(came),
        Err(error) => {
            // Kept, it would be wrong for ever.
            fs::remove_file(target).map_err(store)?;
            Err(DownloadError::Refused(InstallError::Integrity(rename(error, &file.file))))
        }
    }
}

/// The same error about the file's own name instead of where its parts were kept.
fn rename(error: IntegrityError, name: &Path) -> IntegrityError {
    let path = name.to_path_buf();
    match error {
        IntegrityError::Size { expected, found, .. } => IntegrityError::Size { path, expected, found },
        IntegrityError::Digest { expected, found, .. } => IntegrityError::Digest { path, expected, found },
        other => other,
    }
}
