//! What a replica holds: for each chain, how far without gaps.

use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use core::cmp::Ordering;
use core::fmt;

use edgepos_core::{Chain, EventId, Seq};
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::MergeError;

/// Chain → highest position held without a gap. Also a causal context: it covers a dot when that position is at or below.
///
/// A chain that is absent stands at [`Seq::ZERO`], and zero is never stored, so equal knowledge is an equal value. Entries are never
/// dropped for size: forgetting a retired chain would make its old events look new. Serialised as a list of pairs by rising chain.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct VersionVector {
    entries: BTreeMap<Chain, Seq>,
}

impl VersionVector {
    /// The most chains that [`Deserialize`] and the byte codecs of this crate accept: 65,536, which is a store of 15 terminals
    /// that each take a new incarnation every day for three years.
    pub const MAX_CHAINS: usize = 65_536;

    /// A vector that holds no chain.
    pub const fn new() -> Self {
        Self { entries: BTreeMap::new() }
    }

    /// How far `chain` is held; [`Seq::ZERO`] when it is not.
    pub fn get(&self, chain: Chain) -> Seq {
        self.entries.get(&chain).copied().unwrap_or(Seq::ZERO)
    }

    /// Raises `chain` to `seq`; a lower or equal `seq` changes nothing.
    pub fn set_max(&mut self, chain: Chain, seq: Seq) {
        if seq == Seq::ZERO {
            return;
        }
        match self.entries.entry(chain) {
            Entry::Vacant(vacant) => {
                vacant.insert(seq);
            }
            Entry::Occupied(mut held) => {
                let raised = (*held.get()).max(seq);
                held.insert(raised);
            }
        }
    }

    /// Sets `chain` to `seq`, even backwards. A write-off alone may take back what is claimed.
    pub(crate) fn set(&mut self, chain: Chain, seq: Seq) {
        if seq == Seq::ZERO {
            self.entries.remove(&chain);
        } else {
            self.entries.insert(chain, seq);
        }
    }

    /// Whether a join with what a peer sent stays within [`MAX_CHAINS`](Self::MAX_CHAINS), so that what is written can be read again.
    pub(crate) fn check_room(&self, other: &Self) -> Result<(), MergeError> {
        let limit = Self::MAX_CHAINS;
        if self.len() + other.len() > limit {
            let unknown = other.entries.keys().filter(|chain| !self.entries.contains_key(chain)).count();
            if unknown > 0 && self.len() + unknown > limit {
                return Err(MergeError::TooMany { what: "chains", limit });
            }
        }
        Ok(())
    }

    /// Raises each chain to what `other` holds: the least upper bound.
    pub fn join(&mut self, other: &Self) {
        for (chain, seq) in other.iter() {
            self.set_max(chain, seq);
        }
    }

    /// Takes a chain back to a position: what is behind it is no longer held.
    pub fn fall_to(&mut self, chain: Chain, seq: Seq) {
        if seq == Seq::ZERO {
            self.entries.remove(&chain);
        } else if let Some(held) = self.entries.get_mut(&chain) {
            *held = seq.min(*held);
        }
    }

    /// What both hold: the greatest lower bound.
    #[must_use]
    pub fn meet(&self, other: &Self) -> Self {
        let entries = self
            .iter()
            .filter_map(|(chain, seq)| {
                let both = seq.min(other.get(chain));
                (both != Seq::ZERO).then_some((chain, both))
            })
            .collect();
        Self { entries }
    }

    /// Whether the event is held. Position zero names no event and is always covered.
    pub fn covers(&self, id: EventId) -> bool {
        id.seq <= self.get(id.chain)
    }

    /// Whether everything that `other` holds is held here.
    pub fn dominates(&self, other: &Self) -> bool {
        self.first_gap(other).is_none()
    }

    /// The first chain on which `other` is ahead, if any.
    pub(crate) fn first_gap(&self, other: &Self) -> Option<(Chain, Seq)> {
        other.iter().find(|&(chain, seq)| self.get(chain) < seq)
    }

    /// Each chain that is held and how far, by rising chain.
    pub fn iter(&self) -> impl Iterator<Item = (Chain, Seq)> + '_ {
        self.entries.iter().map(|(&chain, &seq)| (chain, seq))
    }

    /// How many chains are held.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// By knowledge: `Less` when the other covers more, `None` when each holds what the other does not.
impl PartialOrd for VersionVector {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self.dominates(other), other.dominates(self)) {
            (true, true) => Some(Ordering::Equal),
            (true, false) => Some(Ordering::Greater),
            (false, true) => Some(Ordering::Less),
            (false, false) => None,
        }
    }
}

impl fmt::Debug for VersionVector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (chain, seq) in self.iter() {
            map.entry(&format_args!("{chain}"), &seq.0);
        }
        map.finish()
    }
}

/// Of several positions of one chain the highest counts.
impl FromIterator<(Chain, Seq)> for VersionVector {
    fn from_iter<I: IntoIterator<Item = (Chain, Seq)>>(entries: I) -> Self {
        let mut vector = Self::new();
        for (chain, seq) in entries {
            vector.set_max(chain, seq);
        }
        vector
    }
}

impl Serialize for VersionVector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for VersionVector {
    /// Refuses a chain that is out of order or twice, position zero, and more than [`VersionVector::MAX_CHAINS`].
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = VersionVector;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("pairs of a chain and a position above zero, by rising chain")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut pairs: A) -> Result<VersionVector, A::Error> {
                let mut vector = VersionVector::new();
                let mut last: Option<Chain> = None;
                while let Some((chain, seq)) = pairs.next_element::<(Chain, Seq)>()? {
                    if last.is_some_and(|last| chain <= last) {
                        return Err(A::Error::custom("chains are not in rising order"));
                    }
                    if seq == Seq::ZERO {
                        return Err(A::Error::custom("position zero"));
                    }
                    if vector.len() == VersionVector::MAX_CHAINS {
                        return Err(A::Error::custom("too many chains"));
                    }
                    vector.set_max(chain, seq);
                    last = Some(chain);
                }
                Ok(vector)
            }
        }

        deserializer.deserialize_seq(Pairs)
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use edgepos_core::{Lane, ReplicaId};

    use super::*;

    fn chain(terminal: u16) -> Chain {
        Chain::new(ReplicaId::new(terminal, 7), Lane::Transactions)
    }

    fn vector(entries: &[(u16, u64)]) -> VersionVector {
        entries.iter().map(|&(terminal, seq)| (chain(terminal), Seq(seq))).collect()
    }

    #[test]
    fn zero_is_never_stored() {
        let mut held = vector(&[(1, 0)]);
        held.set_max(chain(2), Seq::ZERO);
        assert!(held.is_empty());
        assert_eq!(held, VersionVector::new());
        assert!(held.covers(EventId::new(chain(1), Seq::ZERO)));
        assert_eq!(vector(&[(1, 3)]).meet(&vector(&[(2, 3)])), VersionVector::new());
    }

    #[test]
    fn set_max_only_raises() {
        let mut held = vector(&[(1, 5)]);
        held.set_max(chain(1), Seq(4));
        assert_eq!(held.get(chain(1)), Seq(5));
        held.set_max(chain(1), Seq(6));
        assert_eq!(held.get(chain(1)), Seq(6));
    }

    #[test]
    fn join_and_meet_are_bounds() {
        let a = vector(&[(1, 5), (2, 1)]);
        let b = vector(&[(1, 3), (3, 2)]);
        let mut joined = a.clone();
        joined.join(&b);
        assert_eq!(joined, vector(&[(1, 5), (2, 1), (3, 2)]));
        assert_eq!(a.meet(&b), vector(&[(1, 3)]));
        assert!(joined.dominates(&a) && joined.dominates(&b) && !a.dominates(&b));
        assert_eq!(a.partial_cmp(&b), None);
        assert_eq!(a.partial_cmp(&joined), Some(Ordering::Less));
        assert_eq!(joined.partial_cmp(&a), Some(Ordering::Greater));
        assert_eq!(a.partial_cmp(&a.clone()), Some(Ordering::Equal));
    }

    #[test]
    fn json_reads_back_and_refuses_what_is_not_canonical() {
        let held = vector(&[(1, 5), (2, 1)]);
        let json = serde_json::to_string(&held).unwrap();
        assert_eq!(serde_json::from_str::<VersionVector>(&json).unwrap(), held);
        let twice = json.replace(&ReplicaId::new(2, 7).0.to_string(), &ReplicaId::new(1, 7).0.to_string());
        assert!(serde_json::from_str::<VersionVector>(&twice).is_err());
        assert!(serde_json::from_str::<VersionVector>(&json.replace(",5]", ",0]")).is_err());
    }
}
