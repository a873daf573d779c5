//! The newest roster that a terminal has heard, on its disk before anybody goes by it.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use edgepos_core::StoreId;
use thiserror::Error;
use tokio::sync::watch;

use super::durable::{Readers, write_durably};
use super::roster::{MAX_ROSTER, Roster, RosterError, open};
use crate::tls::certificate::Certificate;

/// A roster, and how it was signed.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) roster: Roster,
    /// As it is sent to others.
    pub(crate) sealed: Vec<u8>,
}

/// Where the roster is kept.
#[derive(Debug)]
pub(crate) struct RosterFile {
    path: PathBuf,
    store: StoreId,
    authority: Certificate,
    /// Held while one is written: two that come at once are taken one behind the other.
    writing: Mutex<()>,
    held: watch::Sender<Arc<Held>>,
    /// Why the newest one that was offered could not be written down.
    failure: watch::Sender<Option<String>>,
}

/// A roster cannot be read or taken.
#[derive(Debug, Error)]
pub(crate) enum TakeError {
    #[error("cannot be read or written: {0}")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Roster(#[from] RosterError),
    #[error("it is of store {0}")]
    OtherStore(StoreId),
}

impl RosterFile {
    /// Reads what is kept there.
    pub(crate) fn read(path: PathBuf, store: StoreId, authority: Certificate) -> Result<Self, TakeError> {
        let mut sealed = Vec::new();
        File::open(&path)?.take(u64::from(MAX_ROSTER) + 1).read_to_end(&mut sealed)?;
        let held = opened(&sealed, store, &authority)?;
        let (held, failure) = (watch::Sender::new(Arc::new(held)), watch::Sender::new(None));
        Ok(Self { path, store, authority, writing: Mutex::new(()), held, failure })
    }

    /// The newest that is known.
    pub(crate) fn held(&self) -> Arc<Held> {
        Arc::clone(&self.held.borrow())
    }

    /// To see newer ones come.
    pub(crate) fn watch(&self) -> watch::Receiver<Arc<Held>> {
        self.held.subscribe()
    }

    /// To see that one cannot be written down, and that it can again.
    pub(crate) fn watch_failures(&self) -> watch::Receiver<Option<String>> {
        self.failure.subscribe()
    }

    /// Takes a roster where it is newer than the one that is held: writes it down, and then goes by it. Whether it was. Blocks on the disk.
    pub(crate) fn take(&self, sealed: &[u8]) -> Result<bool, TakeError> {
        let offered = opened(sealed, self.store, &self.authority)?;
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if offered.roster.version <= self.held().roster.version {
            return Ok(false);
        }
        let written = write_durably(&self.path, sealed, Readers::All);
        let failure = written.as_ref().err().map(ToString::to_string);
        self.failure.send_if_modified(|told| std::mem::replace(told, failure.clone()) != failure);
        written?;
        self.held.send_replace(Arc::new(offered));
        Ok(true)
    }
}

fn opened(sealed: &[u8], store: StoreId, authority: &Certificate) -> Result<Held, TakeError> {
    let roster = open(sealed, |message, signature| authority.has_signed(message, signature))?;
    if roster.store != store {
        return Err(TakeError::OtherStore(roster.store));
    }
    Ok(Held { roster, sealed: sealed.to_owned() })
}
