//! Space that is set aside on the disk, so that what was promised is written on a full one.
//!
//! Two places. The write-ahead log is kept at its full length, so that most writes take no new space: nothing that another program
//! does takes it away. Behind it a file of its own gives way, a slice at a time, when a write finds the disk full all the same.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tracing::info;

/// Length that the write-ahead log is kept at, and cut back to. A checkpoint begins at two thirds of it.
pub(super) const LOG_BYTES: u32 = 6 << 20;
/// The reserve file, beside what is promised.
const RESERVE_BYTES: u64 = 8 << 20;
/// Of which this much is for what nobody promised: batches of peers that are on their way, votes, acknowledgements.
const HOUSEKEEPING_BYTES: u64 = 4 << 20;
/// What the reserve file gives up at a time.
const SLICE: u64 = 1 << 20;
/// A disk with less room than this counts as full; one that was full has room again from twice as much on.
const LOW_WATER: u64 = 2 << 20;

/// The reserve of one store.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    log: PathBuf,
    /// How long the reserve file is.
    held: u64,
    full: bool,
}

impl Reserve {
    /// The reserve beside the store at `path`, as it was left.
    pub(super) fn beside(path: &Path) -> Self {
        let beside = |ending: &str| {
            let mut name = OsString::from(path);
            name.push(ending);
            PathBuf::from(name)
        };
        let path = beside("-reserve");
        let held = path.metadata().map_or(0, |file| file.len());
        Self { path, log: beside("-wal"), held, full: false }
    }

    /// What the disk that it lies on has room for; `None` where the system does not say.
    pub(super) fn free_bytes(&self) -> Option<u64> {
        free_bytes(&self.path)
    }

    /// Frees some space for a write that found none. Whether there was any left to free.
    pub(super) fn give(&mut self) -> bool {
        self.full = true;
        if self.held == 0 {
            return false;
        }
        let left = self.held.saturating_sub(SLICE);
        let cut = OpenOptions::new().write(true).open(&self.path).and_then(|file| file.set_len(left));
        self.held = if cut.is_ok() { left } else { 0 };
        info!(left = self.held, "the disk is full: a part of the reserve is given up");
        cut.is_ok()
    }

    /// How much may be promised of what is free inside the file: as a write goes to the log first, nothing where that is not whole.
    pub(super) fn room_inside(&self, free: u64) -> u64 {
        let is_whole = self.log.metadata().is_ok_and(|log| log.len() >= u64::from(LOG_BYTES));
        if is_whole { free.saturating_sub(HOUSEKEEPING_BYTES) } else { 0 }
    }

    /// Sets aside what is missing, as far as there is room. How much may be promised in all.
    pub(super) fn set_aside(&mut self, promised: u64) -> u64 {
        let mut wanted = RESERVE_BYTES.saturating_add(promised);
        let low_water = if self.full { 2 * LOW_WATER } else { LOW_WATER };
        let room = |missing: u64| free_bytes(&self.path).is_none_or(|free| free >= low_water + missing);
        if !room(0) {
            self.full = true;
            return 0;
        }
        if let Ok(log) = self.log.metadata().map(|file| file.len())
            && log < u64::from(LOG_BYTES)
            && room(u64::from(LOG_BYTES) - log)
        {
            // SQLite reads a log up to the last whole commit: what follows may be anything.
            drop(lengthen(&self.log, log, u64::from(LOG_BYTES)));
        }
        if self.held < wanted && !room(wanted - self.held) {
            wanted = RESERVE_BYTES;
        }
        if self.held < wanted && room(wanted - self.held) {
            match lengthen(&self.path, self.held, wanted) {
                Ok(()) => self.held = wanted,
                Err(_) => self.held = self.path.metadata().map_or(0, |file| file.len()),
            }
        }
        self.full = self.held < RESERVE_BYTES;
        if self.full { 0 } else { self.held - HOUSEKEEPING_BYTES }
    }
}

/// Writes up to the length `to`. A hole would be no reserve, and neither would zeros where the file system compresses.
fn lengthen(path: &Path, from: u64, to: u64) -> io::Result<()> {
    let mut file: File = OpenOptions::new().create(true).append(true).open(path)?;
    let mut noise = 0x9E37_79B9_7F4A_7C15u64;
    let mut piece = [0; 1 << 16];
    let mut left = to.saturating_sub(from);
    while left > 0 {
        for word in piece.chunks_exact_mut(8) {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            word.copy_from_slice(&noise.to_le_bytes());
        }
        let now = left.min(piece.len() as u64);
        file.write_all(&piece[..usize::try_from(now).unwrap_or(piece.len())])?;
        left -= now;
    }
    Ok(())
}

/// What the disk that holds `path` has room for; `None` where the system does not say.
#[cfg(unix)]
fn free_bytes(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")),
    )
    .ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// What the disk that holds `path` has room for; `None` where the system does not say.
#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}
