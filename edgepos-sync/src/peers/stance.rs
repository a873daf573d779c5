//! Who tells whom.

use edgepos_core::ReplicaId;

/// Where this terminal stands among its peers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stance {
    /// It leads: it passes everything on to everybody.
    Leads,
    /// That terminal leads and can be talked to: it passes everything on.
    Follows(ReplicaId),
    /// No leader is known, or it cannot be talked to: terminals exchange directly, and this one asks them to pass everything on.
    CutOff,
}

impl Stance {
    pub(crate) fn leads(self) -> bool {
        self == Self::Leads
    }

    pub(crate) fn asks_relay(self) -> bool {
        self == Self::CutOff
    }

    /// Whether the peer leads.
    pub(crate) fn follows(self, peer: ReplicaId) -> bool {
        self == Self::Follows(peer)
    }

    /// Whether the peer is one to ask: the leader, or everybody where there is none.
    pub(crate) fn asks(self, peer: ReplicaId) -> bool {
        match self {
            Self::Follows(leader) => leader == peer,
            Self::Leads | Self::CutOff => true,
        }
    }

    /// Whether events go from here to the peer: to those who are asked, and to one who sees no leader and asks for a `relay`.
    pub(crate) fn tells(self, peer: ReplicaId, relay: bool) -> bool {
        relay || self.asks(peer)
    }
}
