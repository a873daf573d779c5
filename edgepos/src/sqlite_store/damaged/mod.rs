//! A file that is damaged: what can be read of it becomes the till's file, and the damaged one is kept beside it.
//!
//! Events that cannot be read are gone from the new file, and are asked for as any other that are ([`edgepos_sync`]). Where a row other
//! than an event may be gone, what follows from events is counted again from them, and the terminal goes on as a new incarnation, as on
//! a copy: what it has forgotten it would do again.

mod check;
pub(super) mod damage;
mod draft;
mod image;
mod remains;
mod shape;
mod tree;

use std::fmt;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use tracing::warn;

pub(super) use self::check::{check, is_ours};
use self::damage::Damage;
use self::image::Image;
use self::remains::Remains;
use super::places::{beside, flush_folder, rename};
use crate::ports::StoreError;

/// Damaged files that are kept beside the till's; the last gives way to a further one.
const MAX_KEPT: u32 = 3;

/// Remembers that the file is damaged: the next start mends it, however large it is.
pub(super) fn remember(path: &Path) {
    if let Err(error) = File::create_new(mark(path))
        && error.kind() != std::io::ErrorKind::AlreadyExists
    {
        warn!(%error, "that the file is damaged cannot be written down");
    }
}

/// Another file has taken its place.
pub(super) fn forget(path: &Path) -> Result<(), StoreError> {
    remove(&mark(path)).map_err(|error| StoreError::new(format!("replacing {}", path.display()), error))
}

/// Why the file must be mended before anything else looks at it; `None`: as far as is seen it need not be.
pub(super) fn is_known(path: &Path) -> Option<Damage> {
    if mark(path).exists() {
        return Some(Damage::Found);
    }
    let image = Image::open(path, &beside(path, "-wal")).ok()?;
    image.log().is_damaged().then_some(Damage::Log)
}

/// What somebody should know of this file: damaged ones that are kept beside it, and that it is mended at the next start.
pub(super) fn about(path: &Path) -> Option<String> {
    let name =
        |path: PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let kept = (1..=MAX_KEPT).map(|number| aside(path, number)).filter(|aside| aside.exists());
    let mut about: Vec<_> =
        kept.map(|aside| format!("what could not be read is in {}", name(aside))).collect();
    if mark(path).exists() {
        about.push("damage was found in the file: the next start writes anew what can be read of it".into());
    }
    (!about.is_empty()).then(|| about.join("; "))
}

/// Writes what can be read of the file to a new one in its place. The damaged one is kept.
///
/// # Errors
/// When the disk says no. The file is as it was then.
pub(super) fn mend(path: &Path, why: &StoreError) -> Result<(), StoreError> {
    let place = path.display();
    let failed = |error: std::io::Error| StoreError::new(format!("mending {place}"), error);
    let (log, number) = match unfinished(path) {
        Some(begun) => begun,
        None => {
            let number = free_number(path);
            // That of a damaged file whose number was given again, or which somebody took away: it is not this one's.
            remove(&beside(&aside(path, number), "-wal")).map_err(failed)?;
            (beside(path, "-wal"), number)
        }
    };
    // From here on a start that is cut off goes on with this.
    write_mark(path, number).map_err(failed)?;
    flush_folder(path)?;
    let image = Image::open(path, &log).map_err(failed)?;
    let part = beside(path, ".part");
    remove(&part).map_err(failed)?;
    let written = draft::write(&Remains::of(&image), &part).and_then(|salvaged| {
        File::open(&part).and_then(|file| file.sync_all()).map_err(failed)?;
        Ok(salvaged)
    });
    let salvaged = written.inspect_err(|_| drop(remove(&part)))?;
    keep(path, &part, number)?;
    remove(&mark(path)).map_err(failed)?;
    flush_folder(path)?;
    warn!(why = %Because(why), kept = %aside(path, number).display(), "{place} was damaged and is written anew: {salvaged}");
    Ok(())
}

/// Puts the new file into the place of the damaged one. The log goes first: beside another file it would be taken for that file's.
fn keep(path: &Path, part: &Path, number: u32) -> Result<(), StoreError> {
    let failed = |error: std::io::Error| StoreError::new(format!("mending {}", path.display()), error);
    let aside = aside(path, number);
    let log = beside(path, "-wal");
    if log.exists() {
        rename(&log, &beside(&aside, "-wal"))?;
    }
    remove(&beside(path, "-shm")).map_err(failed)?;
    remove(&aside).map_err(failed)?;
    // With a second name for it the store is never absent.
    if fs::hard_link(path, &aside).is_err() {
        rename(path, &aside)?;
    }
    rename(part, path)?;
    flush_folder(path)
}

/// Whether a mending of the file was cut off. Where the file is under its other name alone, it is put back.
///
/// # Errors
/// When the disk says no.
pub(super) fn is_begun(path: &Path) -> Result<bool, StoreError> {
    let Some(number) = begun(path) else { return Ok(false) };
    let aside = aside(path, number);
    if !path.exists() && aside.exists() {
        rename(&aside, path)?;
    }
    Ok(true)
}

fn begun(path: &Path) -> Option<u32> {
    fs::read_to_string(mark(path)).ok()?.parse().ok()
}

fn write_mark(path: &Path, number: u32) -> std::io::Result<()> {
    let mut mark = File::create(mark(path))?;
    mark.write_all(number.to_string().as_bytes())?;
    mark.sync_all()
}

/// Where a mending that was cut off has put the log.
fn unfinished(path: &Path) -> Option<(PathBuf, u32)> {
    let number = begun(path)?;
    let log = beside(&aside(path, number), "-wal");
    (!beside(path, "-wal").exists() && log.exists()).then_some((log, number))
}

fn free_number(path: &Path) -> u32 {
    (1..MAX_KEPT).find(|number| !aside(path, *number).exists()).unwrap_or(MAX_KEPT)
}

fn aside(path: &Path, number: u32) -> PathBuf {
    beside(path, &format!(".damaged-{number}"))
}

fn mark(path: &Path) -> PathBuf {
    beside(path, "-damaged")
}

fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// An error with what it comes from.
struct Because<'e>(&'e StoreError);

impl fmt::Display for Because<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        self.0.source.as_ref().map_or(Ok(()), |source| write!(f, ": {source}"))
    }
}
