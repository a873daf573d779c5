//! What the parts of an outbox are lent for the length of one call.

use edgepos_core::{Jitter, LogState, Time, WallMs};

use crate::author::Author;
use crate::claims::Claims;
use crate::config::Config;
use crate::log::Log;
use crate::outputs::Outputs;

/// One call: its time, the settings, and what every part reads and writes.
pub(crate) struct Turn<'o> {
    pub(crate) now: Time,
    pub(crate) wall: WallMs,
    pub(crate) config: &'o Config,
    /// Where this terminal stands in the store-wide log, as its greetings say.
    pub(crate) log_state: Option<LogState>,
    pub(crate) log: &'o mut Log,
    /// One sequence for all waits, so that a run replays from its seed.
    pub(crate) jitter: &'o mut Jitter,
    pub(crate) out: &'o mut Outputs,
    /// Who writes the chains of this terminal.
    pub(crate) author: &'o mut Author,
    /// What somebody says in this call about who holds what.
    pub(crate) claims: &'o mut Claims,
}
