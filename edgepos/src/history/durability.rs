//! How far an event has come.

use edgepos_core::EventId;
use edgepos_crdt::VersionVector;

/// How safe an event is. Each level holds what the one before it does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Durability {
    /// On this terminal's disk.
    Here,
    /// And on the disk of the terminal that leads.
    AtLeader,
    /// And in the cloud.
    InCloud,
}

impl Durability {
    /// Of an event, by what is durable here, at the leader where that is known, and in the cloud. `None`: it is not durable here.
    pub(crate) fn of(
        id: EventId,
        here: &VersionVector,
        at_leader: Option<&VersionVector>,
        cloud: &VersionVector,
    ) -> Option<Self> {
        let held = |vector: &VersionVector| vector.get(id.chain) >= id.seq;
        held(here).then(|| match at_leader {
            _ if held(cloud) => Self::InCloud,
            Some(leader) if held(leader) => Self::AtLeader,
            _ => Self::Here,
        })
    }
}
