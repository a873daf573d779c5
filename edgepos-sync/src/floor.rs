//! Up to where events may be pruned.

use edgepos_core::{Chain, ReplicaId, Seq};
use edgepos_crdt::VersionVector;

use crate::cloud::uploader::Uploader;
use crate::gap::Lost;
use crate::log::Log;
use crate::peers::Peers;

/// What is durable here, and proved to be in the cloud and at each of `others`. What is lost is held by nobody who counts it: whoever
/// has it is still to be asked for it.
pub(crate) fn of<'m>(
    log: &Log,
    peers: &Peers,
    uploader: &Uploader,
    others: impl Iterator<Item = &'m ReplicaId>,
) -> VersionVector {
    let nothing = VersionVector::new();
    let floor = others.fold(log.durable().meet(log.cloud()), |floor, member| {
        floor.meet(peers.proved_vector(*member).unwrap_or(&nothing))
    });
    let lost = |chain| {
        let cloud = uploader.lost().and_then(|lost: &Lost| lost.first(chain));
        [log.damage().first(chain), peers.first_lost(chain), cloud].into_iter().flatten().min()
    };
    let below = |(chain, seq): (Chain, Seq)| {
        (chain, lost(chain).map_or(seq, |first| seq.min(Seq(first.0.saturating_sub(1)))))
    };
    floor.iter().map(below).filter(|(_, seq)| *seq != Seq::ZERO).collect()
}
