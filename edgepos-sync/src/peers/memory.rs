//! Whether a peer and this terminal remember what they wrote: who does not has a disk that went back, and has forgotten its votes with it.

use edgepos_core::{Chain, Lane, ReplicaId, Seq};
use edgepos_crdt::VersionVector;

use crate::log::Held;
use crate::turn::Turn;
use crate::wire::message::Hello;

/// What a greeting says of the chains of both, by the names that they were set up as.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Whether each has as much of its own chains as the other holds of them. `false` before the greeting.
    is_whole: bool,
    /// How far it holds our chains, where it gives the hash there.
    witnessed: Vec<(Chain, Seq)>,
    /// Whether it states more of our chains than is here, or another history of them.
    is_other: bool,
    /// Whether it does, or has before through this connection.
    contradicted: bool,
}

impl Memory {
    /// What a greeting says. `contradicted`: whether one before it, through the same connection, contradicted us.
    pub(super) fn of(turn: &Turn<'_>, peer: ReplicaId, hello: &Hello, contradicted: bool) -> Self {
        let (accepted, stated) = (turn.log.accepted(), &hello.vector);
        let ours = Lane::ALL.map(|lane| Chain::new(turn.config.me, lane));
        let theirs = Lane::ALL.map(|lane| Chain::new(peer, lane));
        let is_whole = theirs.iter().all(|chain| accepted.get(*chain) <= stated.get(*chain))
            && ours.iter().all(|chain| stated.get(*chain) <= accepted.get(*chain));
        let is_other = |chain: Chain| {
            let stands = turn.log.hash_at(chain, stated.get(chain));
            let known = match stands {
                Held::Not => return true,
                Held::At(hash) => Some(hash),
                Held::OnDisk => None,
            };
            known.zip(hello.heads.get(&chain)).is_some_and(|(known, said)| known != *said)
        };
        let is_other = ours.into_iter().any(is_other);
        let witnessed = ours.into_iter().filter(|chain| hello.heads.contains_key(chain));
        let witnessed = witnessed.map(|chain| (chain, stated.get(chain))).collect();
        Self { is_whole, is_other, contradicted: contradicted || is_other, witnessed }
    }

    /// Whether it knows of something that this terminal wrote and does not have. Where the chain was written on here since, it may state
    /// no more of it by now: it says whose history it holds before that is believed.
    pub(super) fn contradicts(&self, proved: &VersionVector) -> bool {
        self.contradicted && !self.agrees(proved)
    }

    /// Whether neither has forgotten anything: what it holds of our chains is what is here, where it gives hashes.
    pub(super) fn agrees(&self, proved: &VersionVector) -> bool {
        self.is_whole
            && !self.is_other
            && self.witnessed.iter().all(|(chain, seq)| proved.get(*chain) >= *seq)
    }
}
