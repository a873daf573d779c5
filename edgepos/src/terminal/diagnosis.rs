//! What helps whoever looks for a fault: figures of the engines that no status shows.

use edgepos_consensus::Report;
use edgepos_core::{Now, ReplicaId, Term};
use edgepos_crdt::VersionVector;

use super::clocks;
use super::disk::Disk;
use super::status::Known;

/// How the engines of a terminal are, for whoever looks for a fault. Nothing in it is needed to sell, and nothing in it is of a customer,
/// an operator or a sale.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Diagnosis {
    /// How the elections went, as this terminal saw them since its start.
    pub elections: Report,
    /// The term of the election that this terminal is in.
    #[cfg_attr(feature = "serde", serde(serialize_with = "number"))]
    pub term: Term,
    /// For how many ms this terminal is entitled unless a majority answers before; `None` where it is not.
    pub entitled_for_ms: Option<u64>,
    /// Why the election has stopped for good, where it has.
    pub halted: Option<String>,
    /// Proposals of this terminal that wait for a decision.
    pub pending_proposals: usize,
    /// Election messages that were dropped since the start, by reason.
    pub election_drops: Vec<Dropped>,
    /// Messages of the event log that were dropped since the start: of dead or unknown connections, of unknown kinds, beyond a limit.
    pub log_drops: u64,
    /// Up to where events may be pruned: durable here, and proved to be in the cloud and at every member.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::shown::text::vector::serialize"))]
    pub floor: VersionVector,
    /// Up to where events are durable here and proved to be in the cloud: what is damaged below comes back from there.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::shown::text::vector::serialize"))]
    pub in_cloud: VersionVector,
    /// Whether the store is so busy that batches wait longer.
    pub is_peak: bool,
    /// Stored events that are damaged and still to be mended or declared lost.
    pub damaged: u64,
    /// Events that are still to be written again under another name.
    pub to_reissue: u64,
    /// Events of branches that lost, which are still to be set aside.
    pub to_set_aside: u64,
    /// Events that the counter rows on disk lack: a start counts them again.
    pub rows_behind: u32,
    /// Bytes that the commits of open baskets may still write.
    pub promised: u64,
    /// How the store is.
    pub disk: Disk,
    /// The peers with a connection, by rising id.
    pub peers: Vec<PeerDiagnosis>,
}

/// Messages that were dropped for one reason.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Dropped {
    /// The reason, as [`DropReason`](crate::consensus::DropReason) is called.
    pub reason: String,
    /// How many were dropped for it.
    pub count: u64,
}

/// What is known of a connected peer.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PeerDiagnosis {
    /// Who it is.
    #[cfg_attr(feature = "serde", serde(with = "crate::shown::text"))]
    pub peer: ReplicaId,
    /// The highest feature level that it has announced; `None` before its greeting.
    pub level: Option<u32>,
    /// By how many ms its clock is ahead of this one; `None` before it has said.
    pub clock_ahead_ms: Option<i64>,
    /// Events that are held here and that it is not known to hold; `None` before its greeting.
    pub lacks: Option<u64>,
}

#[cfg(feature = "serde")]
fn number<S: serde::Serializer>(term: &Term, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(term.0)
}

impl Diagnosis {
    pub(super) fn of(known: &Known<'_>, now: Now) -> Self {
        let Known { ledger, election, links, shop, disk, config, .. } = *known;
        let members: Vec<_> = election.voters().iter().chain(election.learners()).copied().collect();
        let clocks: Vec<_> = ledger.peer_clocks(now).collect();
        let own = clocks::base(now);
        let lacks = |held: &VersionVector| {
            let missing = |(chain, seq): (_, edgepos_core::Seq)| seq.0.saturating_sub(held.get(chain).0);
            ledger.durable().iter().map(missing).sum()
        };
        let mut peers: Vec<_> = links
            .peers()
            .map(|peer| PeerDiagnosis {
                peer,
                level: ledger.level_of(peer),
                clock_ahead_ms: clocks
                    .iter()
                    .find(|(known, _)| *known == peer)
                    .map(|(_, base)| base.saturating_sub(own)),
                lacks: ledger.held_by(peer, config.me).map(lacks),
            })
            .collect();
        peers.sort_by_key(|known| known.peer);
        let dropped = |(reason, count)| Dropped { reason: format!("{reason:?}"), count };
        Self {
            elections: election.report(now),
            term: election.term(),
            entitled_for_ms: election.entitled_until().map(|until| until.0.saturating_sub(now.mono.0)),
            halted: election.halted().map(ToString::to_string),
            pending_proposals: election.pending_proposals(),
            election_drops: election.drops().map(dropped).collect(),
            log_drops: ledger.dropped(),
            floor: ledger.floor(&members),
            in_cloud: ledger.floor(&[]),
            is_peak: ledger.is_peak(),
            damaged: ledger.damaged(),
            to_reissue: ledger.to_reissue(),
            to_set_aside: ledger.to_set_aside(),
            rows_behind: shop.rows_behind(),
            promised: shop.sales().promised(),
            disk: *disk,
            peers,
        }
    }
}
