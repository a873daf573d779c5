//! What was said in one call about who holds what, to be judged at its end.

use std::collections::VecDeque;

use edgepos_core::{Chain, EventId, ReplicaId, Seq};

use crate::event::Hash;
use crate::io::Witness;
use crate::wire::claim::Claim;

/// Whose holding a claim is about, and who says so. The latest of each about a chain counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Source {
    /// The cloud about itself.
    Cloud,
    /// A peer about the cloud.
    CloudBy(ReplicaId),
    /// A peer about itself.
    Peer(ReplicaId),
}

impl Source {
    pub(crate) fn witness(self) -> Witness {
        match self {
            Self::Cloud => Witness::Cloud,
            Self::CloudBy(peer) | Self::Peer(peer) => Witness::Peer(peer),
        }
    }

    pub(crate) fn is_about_cloud(self) -> bool {
        !matches!(self, Self::Peer(_))
    }
}

/// One statement.
#[derive(Debug)]
pub(crate) enum Said {
    /// The cloud about itself. `latest`: it answers the request that is under way, so nothing newer was heard.
    ByCloud { claim: Claim, latest: bool },
    /// A peer about the cloud.
    OfCloud { peer: ReplicaId, claim: Claim },
    /// A peer has answered for the hash of one event.
    Answer { peer: Option<ReplicaId>, event: EventId, hash: Option<Hash> },
    /// A peer about one of the chains that it holds.
    OfItself { peer: ReplicaId, chain: Chain, seq: Seq, hash: Hash },
}

/// Statements that nobody has judged yet.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    said: VecDeque<Said>,
}

impl Claims {
    pub(crate) fn by_cloud(&mut self, claim: &Claim, latest: bool) {
        self.said.push_back(Said::ByCloud { claim: claim.clone(), latest });
    }

    pub(crate) fn of_cloud(&mut self, peer: ReplicaId, claim: Claim) {
        self.said.push_back(Said::OfCloud { peer, claim });
    }

    /// What a peer says of itself, as far as it gives hashes.
    pub(crate) fn of_itself(
        &mut self,
        peer: ReplicaId,
        proofs: impl IntoIterator<Item = (Chain, Seq, Hash)>,
    ) {
        for (chain, seq, hash) in proofs {
            self.said.push_back(Said::OfItself { peer, chain, seq, hash });
        }
    }

    /// The answer of a witness; the cloud is no peer.
    pub(crate) fn answer(&mut self, peer: Option<ReplicaId>, event: EventId, hash: Option<Hash>) {
        self.said.push_back(Said::Answer { peer, event, hash });
    }

    pub(crate) fn next(&mut self) -> Option<Said> {
        self.said.pop_front()
    }
}

impl Said {
    /// Who speaks about whom.
    pub(crate) fn source(&self) -> Source {
        match self {
            Self::ByCloud { .. } | Self::Answer { peer: None, .. } => Source::Cloud,
            Self::OfCloud { peer, .. } => Source::CloudBy(*peer),
            Self::OfItself { peer, .. } | Self::Answer { peer: Some(peer), .. } => Source::Peer(*peer),
        }
    }
}
