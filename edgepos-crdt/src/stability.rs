//! What every live member holds, and what may therefore be forgotten.

use alloc::collections::BTreeMap;

use edgepos_core::ReplicaId;
use serde::{Deserialize, Serialize};

use crate::VersionVector;

/// The members of the store and the vector that each reported itself, after its disk had it.
///
/// Something at a position of a chain may be forgotten when every member has acknowledged that position of that chain. One number for
/// all chains would not do: a member that is cut off may lack an old event of one chain and hold the newest of all others.
///
/// ```
/// use edgepos_core::{Chain, Lane, ReplicaId, Seq};
/// use edgepos_crdt::{Stability, VersionVector};
///
/// let [a, b] = [ReplicaId::new(1, 7), ReplicaId::new(2, 7)];
/// let of = |replica, seq| VersionVector::from_iter([(Chain::new(replica, Lane::Transactions), Seq(seq))]);
/// let mut members = Stability::new([a, b]);
/// members.acknowledge(a, &of(a, 9));
/// assert!(members.stable().is_empty(), "b has acknowledged nothing");
/// members.acknowledge(b, &of(a, 4));
/// assert_eq!(members.stable(), of(a, 4));
/// members.evict(b);
/// assert_eq!(members.stable(), of(a, 9));
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Stability {
    #[serde(with = "crate::pairs")]
    members: BTreeMap<ReplicaId, VersionVector>,
}

impl Stability {
    /// Of members that have acknowledged nothing yet.
    pub fn new(members: impl IntoIterator<Item = ReplicaId>) -> Self {
        Self { members: members.into_iter().map(|member| (member, VersionVector::new())).collect() }
    }

    /// A member joins, with what its first snapshot holds.
    pub fn admit(&mut self, member: ReplicaId, vector: VersionVector) {
        self.members.entry(member).or_default().join(&vector);
    }

    /// A member has been away too long, or is retired: nothing waits for it. Its columns and events stay everywhere, and when it
    /// returns it needs the whole state.
    pub fn evict(&mut self, member: ReplicaId) {
        self.members.remove(&member);
    }

    /// A member reports what its disk holds. A report from no member is ignored, and so is one that is older than the last.
    pub fn acknowledge(&mut self, member: ReplicaId, vector: &VersionVector) {
        if let Some(held) = self.members.get_mut(&member) {
            held.join(vector);
        }
    }

    /// What every member holds; nothing when there is no member.
    pub fn stable(&self) -> VersionVector {
        let mut vectors = self.members.values();
        let first = vectors.next().cloned().unwrap_or_default();
        vectors.fold(first, |stable, vector| stable.meet(vector))
    }

    /// What every member *and* the cloud hold: the events up to there may leave the disk, once their age allows.
    pub fn prunable(&self, cloud: &VersionVector) -> VersionVector {
        self.stable().meet(cloud)
    }
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Chain, Lane, Seq};

    use super::*;

    /// A scalar minimum of Lamport times would prune A's first sale, which B never had.
    #[test]
    fn a_sale_that_one_member_lacks_is_not_prunable() {
        let [a, b] = [ReplicaId::new(1, 7), ReplicaId::new(2, 7)];
        let chain = |replica| Chain::new(replica, Lane::Transactions);
        let mut members = Stability::new([a, b]);
        members.acknowledge(a, &[(chain(a), Seq(1)), (chain(b), Seq(3))].into_iter().collect());
        members.acknowledge(b, &[(chain(b), Seq(3))].into_iter().collect());
        let stable = members.stable();
        assert_eq!(stable.get(chain(a)), Seq::ZERO);
        assert_eq!(stable.get(chain(b)), Seq(3));
        assert!(members.prunable(&VersionVector::new()).is_empty(), "the cloud has nothing");
        assert!(Stability::default().stable().is_empty());
    }
}
