//! What a terminal tells of itself, and what it must never have to tell.

use edgepos::{Notice, consensus, sync};
use edgepos_core::EventId;

use crate::check::{Rule, Violation};
use crate::station::Station;

/// What the world has to note.
pub(super) enum Heard {
    Nothing,
    /// It refused what somebody sent.
    Refused,
    /// It says who leads.
    Leader(consensus::Leader),
    /// It says that an event is on its disk.
    Recorded(EventId),
}

/// A terminal tells something.
///
/// # Errors
/// When that may not be.
pub(super) fn heard(station: &Station, notice: Notice) -> Result<Heard, Violation> {
    let alarm = |what: String| Err(Violation::new(Rule::Alive, format!("{}: {what}", station.replica())));
    match notice {
        Notice::Election(consensus::Notice::LeaderChanged(Some(leader))) => Ok(Heard::Leader(leader)),
        Notice::Recorded { id, .. } => Ok(Heard::Recorded(id)),
        Notice::Quarantined { id, reason } if station.reads(id) => {
            alarm(format!("{id} is quarantined: {reason}"))
        }
        Notice::Sync(sync::Notice::Damaged { id }) => alarm(format!("{id} is damaged")),
        Notice::Sync(sync::Notice::Fork { .. } | sync::Notice::RollbackSuspected { .. })
            if station.is_forgiving() =>
        {
            Ok(Heard::Nothing)
        }
        Notice::Sync(sync::Notice::Fork { chain, seq, .. }) => {
            alarm(format!("two events claim the place behind {chain} {seq}"))
        }
        Notice::Sync(sync::Notice::RollbackSuspected { chain, known, own, .. }) => {
            alarm(format!("{known} of {chain} is claimed, and its own last is {own}"))
        }
        Notice::Election(consensus::Notice::Halted(reason)) => {
            alarm(format!("the election has stopped: {reason}"))
        }
        Notice::Refused { .. }
        | Notice::Election(consensus::Notice::Refused { .. })
        | Notice::Sync(
            sync::Notice::Undecodable { .. }
            | sync::Notice::WrongStore { .. }
            | sync::Notice::Incompatible { .. },
        ) => Ok(Heard::Refused),
        _ => Ok(Heard::Nothing),
    }
}
