//! Whether a peer and this terminal remember what they wrote: who does not has a disk that went back, and has forgotten its votes with it.

use edgepos_core::{Chain, Lane, ReplicaId, Seq};
use edgepos_crdt::VersionVector;

use crate::turn::Turn;
use crate::wire::message::Hello;

/// What a greeting says of the chains of both, by the names that they were set up as.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Whether each has as much of its own chains as the other holds of them. `false` before the greeting.
    is_whole: bool,
    /// How far it holds our chains, where it gives the hash there.
    witnessed: Vec<(Chain, Seq)>,
}

impl Memory {
    pub(super) fn of(turn: &Turn<'_>, peer: ReplicaId, hello: &Hello) -> Self {
        let (accepted, stated) = (turn.log.accepted(), &hello.vector);
        let ours = Lane::ALL.map(|lane| Chain::new(turn.config.me, lane));
        let theirs = Lane::ALL.map(|lane| Chain::new(peer, lane));
        let is_whole = theirs.iter().all(|chain| accepted.get(*chain) <= stated.get(*chain))
            && ours.iter().all(|chain| stated.get(*chain) <= accepted.get(*chain));
        let witnessed = ours.into_iter().filter(|chain| hello.heads.contains_key(chain));
        Self { is_whole, witnessed: witnessed.map(|chain| (chain, stated.get(chain))).collect() }
    }

    /// Whether neither has forgotten anything: what it holds of our chains is what is here, where it gives hashes.
    pub(super) fn agrees(&self, proved: &VersionVector) -> bool {
        self.is_whole && self.witnessed.iter().all(|(chain, seq)| proved.get(*chain) >= *seq)
    }
}
