//! What the engines have to say, in the terminal's words.

use edgepos_consensus as consensus;
use edgepos_core::EventId;
use edgepos_sync as sync;

use super::io::Event;

/// What the election has to say.
pub(super) fn of_election(event: consensus::Event) -> Option<Event> {
    Some(match event {
        consensus::Event::LeaderChanged(leader) => Event::LeaderChanged(leader),
        consensus::Event::QuorumLost { reachable, needed, .. } => Event::QuorumLost { reachable, needed },
        consensus::Event::QuorumRegained => Event::QuorumRegained,
        consensus::Event::Halted(reason) => Event::ElectionHalted(reason.to_string()),
        consensus::Event::Refused { from, reason } => Event::Refused { from, reason: format!("{reason:?}") },
        consensus::Event::LogLost { held, known } => Event::LogLost { held, known },
        consensus::Event::DiskStalled { .. } => Event::DiskStalled,
        consensus::Event::MembersChanged { voters, learners } => Event::MembersChanged { voters, learners },
        consensus::Event::StoreRecovered { generation, last, decided } => {
            Event::StoreRecovered { generation, adopted: last.saturating_sub(decided) }
        }
        // Skipped decisions arrive as events of the store's chain; what a later version tells is not for this one.
        _ => return None,
    })
}

/// What the outbox has to say.
pub(super) fn of_outbox(event: sync::Event) -> Option<Event> {
    Some(match event {
        sync::Event::CloudHas(vector) => Event::CloudHas(vector),
        sync::Event::Fork { chain, seq, .. } => Event::Forked { id: EventId::new(chain, seq.next()) },
        sync::Event::RollbackSuspected { chain, known, own, .. } => {
            Event::RollbackSuspected { claimed: EventId::new(chain, known), own }
        }
        sync::Event::Fenced { .. } => Event::Fenced,
        sync::Event::Undecodable { peer, error } => Event::Refused { from: peer, reason: error.to_string() },
        sync::Event::WrongStore { peer, store } => {
            Event::Refused { from: peer, reason: format!("it belongs to store {store}") }
        }
        sync::Event::Incompatible { peer, versions: (oldest, newest) } => {
            Event::Refused { from: peer, reason: format!("it speaks versions {oldest} to {newest}") }
        }
        sync::Event::Damaged { id } => {
            Event::Quarantined { id, reason: "its row is damaged on this disk".into() }
        }
        _ => return None,
    })
}
