//! A set of values, where an add wins over a removal that did not see it.

use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::vec::Vec;

use edgepos_core::EventId;
use serde::{Deserialize, Serialize};

use super::targets::Targets;
use super::tx::Moved;
use super::{SetDelta, TxSet};
use crate::wire::{Reader, Wire, Writer};
use crate::{ApplyError, MergeError, VersionVector, WireError};

/// Members by value: tags of a customer, devices of a workstation, products of an assortment.
///
/// Each add has its event as a name, and a removal removes the names that it saw: an add elsewhere at the same time stays. There is
/// no tombstone for each member; what the vector covers and the set does not hold was removed (Bieniusa and others, 2012). Members
/// that are added once and named by their event belong in a [`TxSet`], which needs no index.
///
/// ```
/// use edgepos_core::{Chain, EventId, Lane, ReplicaId, Seq};
/// use edgepos_crdt::OrSet;
///
/// let dot = |n, seq| EventId::new(Chain::new(ReplicaId::new(n, 42), Lane::Prices), Seq(seq));
/// let mut here = OrSet::new();
/// here.add(dot(1, 1), "vegan")?;
/// let mut there = here.clone();
/// there.remove(dot(2, 1), &"vegan")?;
/// here.add(dot(1, 2), "vegan")?;
/// here.join(&there)?;
/// assert!(here.contains(&"vegan"), "the removal did not see the second add");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(
    bound(serialize = "E: Serialize + Clone", deserialize = "E: Deserialize<'de> + Ord + Clone"),
    into = "TxSet<E>",
    from = "TxSet<E>"
)]
pub struct OrSet<E> {
    set: TxSet<E>,
    /// Member → the adds of it that are there.
    index: Index<E>,
}

impl<E: Ord> Default for OrSet<E> {
    fn default() -> Self {
        Self { set: TxSet::new(), index: BTreeMap::new() }
    }
}

impl<E: Ord> PartialEq for OrSet<E> {
    fn eq(&self, other: &Self) -> bool {
        self.set == other.set
    }
}

impl<E: Ord> Eq for OrSet<E> {}

impl<E: Ord + Clone> From<TxSet<E>> for OrSet<E> {
    fn from(set: TxSet<E>) -> Self {
        let mut index: Index<E> = BTreeMap::new();
        for (id, member) in set.iter() {
            enter(&mut index, id, member.clone());
        }
        Self { set, index }
    }
}

impl<E> From<OrSet<E>> for TxSet<E> {
    fn from(set: OrSet<E>) -> Self {
        set.set
    }
}

impl<E: Ord + Clone> OrSet<E> {
    /// A set without any members.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a member for the event `dot` of this terminal, which supersedes the adds of it that were seen here.
    ///
    /// Peers learn of it by a delta. Where they apply events one by one, the event carries what [`adds_of`](Self::adds_of) gave
    /// before, and they [`apply`](Self::apply) that: what they have seen themselves is something else.
    ///
    /// # Errors
    /// [`ApplyError`] when the chain is held at or beyond `dot`. The set is unchanged.
    pub fn add(&mut self, dot: EventId, member: E) -> Result<(), ApplyError> {
        let superseded: Vec<EventId> = self.adds_of(&member).collect();
        self.apply(dot, Some(member), superseded)
    }

    /// Removes a member for the event `dot` of this terminal: each add of it that was seen here. Returns whether it was there. To
    /// peers as [`add`](Self::add).
    ///
    /// # Errors
    /// [`ApplyError`] when the chain is held beyond `dot`, or `dot` removed before. The set is unchanged.
    pub fn remove(&mut self, dot: EventId, member: &E) -> Result<bool, ApplyError> {
        let adds: Vec<EventId> = self.adds_of(member).collect();
        let there = !adds.is_empty();
        self.set.check_removal(dot)?;
        self.apply_removal(dot, adds)?;
        Ok(there)
    }

    /// Takes over a peer's event: the member that it added, and the adds that its terminal had seen and it took away.
    ///
    /// # Errors
    /// [`ApplyError`] when the chain is held beyond `dot`, or `dot` did this before. The set is unchanged.
    pub fn apply(
        &mut self,
        dot: EventId,
        added: Option<E>,
        removed: impl IntoIterator<Item = EventId>,
    ) -> Result<(), ApplyError> {
        let removed: Vec<EventId> = removed.into_iter().collect();
        if !removed.is_empty() || added.is_none() {
            self.set.check_removal(dot)?;
        }
        if let Some(member) = added {
            self.set.add(dot, member.clone())?;
            if self.set.contains(dot) {
                enter(&mut self.index, dot, member);
            }
        }
        if removed.is_empty() { Ok(()) } else { self.apply_removal(dot, removed) }
    }

    fn apply_removal(&mut self, dot: EventId, removed: Vec<EventId>) -> Result<(), ApplyError> {
        for id in &removed {
            if let Some(member) = self.set.get(*id) {
                unindex(&mut self.index, *id, member);
            }
        }
        self.set.apply_removal(dot, removed)
    }

    /// The adds of a member that are there: one mostly, several where terminals added it without seeing each other.
    pub fn adds_of(&self, member: &E) -> impl Iterator<Item = EventId> + '_ {
        self.index.get(member).map_or(&[][..], Targets::as_slice).iter().copied()
    }

    /// Whether the member is there.
    pub fn contains(&self, member: &E) -> bool {
        self.index.contains_key(member)
    }

    /// Each member once, by rising value.
    pub fn iter(&self) -> impl Iterator<Item = &E> {
        self.index.keys()
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Raises the vector: the events up to there change nothing in this set.
    pub fn advance(&mut self, vector: &VersionVector) {
        self.set.advance(vector);
    }

    /// What the set covers.
    pub fn vector(&self) -> &VersionVector {
        self.set.vector()
    }

    /// Forgets removals that all peers have, as [`TxSet::prune`] does.
    pub fn prune(&mut self, stable: &VersionVector) {
        self.set.prune(stable);
    }

    /// What changed beyond `acknowledged`, as [`TxSet::delta_since`] says it.
    pub fn delta_since(&self, acknowledged: &VersionVector) -> SetDelta<E> {
        self.set.delta_since(acknowledged)
    }

    /// As [`TxSet::merge`].
    ///
    /// # Errors
    /// [`MergeError`]; the set is unchanged.
    pub fn merge(&mut self, delta: &SetDelta<E>) -> Result<bool, MergeError> {
        let index = &mut self.index;
        self.set.merge_watched(delta, |moved| follow(index, moved))
    }

    /// As [`TxSet::join`].
    ///
    /// # Errors
    /// [`MergeError::TooMany`] chains. The set is unchanged.
    pub fn join(&mut self, other: &Self) -> Result<bool, MergeError> {
        let index = &mut self.index;
        self.set.join_watched(&other.set, |moved| follow(index, moved))
    }

    /// Each add that is there: its event and its member. The same member may be there more than once.
    pub fn adds(&self) -> impl Iterator<Item = (EventId, &E)> {
        self.set.iter()
    }
}

type Index<E> = BTreeMap<E, Targets>;

fn follow<E: Ord + Clone>(index: &mut Index<E>, moved: Moved<'_, E>) {
    match moved {
        Moved::Came(id, member) => enter(index, id, member.clone()),
        Moved::Gone(id, member) => unindex(index, id, &member),
    }
}

fn enter<E: Ord>(index: &mut Index<E>, id: EventId, member: E) {
    match index.entry(member) {
        Entry::Vacant(vacant) => drop(vacant.insert(Targets::One(id))),
        Entry::Occupied(mut adds) => adds.get_mut().insert(id),
    }
}

fn unindex<E: Ord>(index: &mut Index<E>, id: EventId, member: &E) {
    if index.get_mut(member).is_some_and(|adds| !adds.remove(id)) {
        index.remove(member);
    }
}

impl<E: Wire + Ord + Clone> Wire for OrSet<E> {
    fn write(&self, out: &mut Writer) {
        self.set.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        TxSet::read(input).map(Self::from)
    }
}

/// A register that keeps every value that was written without seeing the others, for a conflict that a person must see: two tills
/// closed one drawer, two people renamed one product.
///
/// ```
/// use edgepos_core::{Chain, EventId, Lane, ReplicaId, Seq};
/// use edgepos_crdt::MvRegister;
///
/// let dot = |n, seq| EventId::new(Chain::new(ReplicaId::new(n, 42), Lane::Prices), Seq(seq));
/// let mut here = MvRegister::new();
/// here.set(dot(1, 1), "Tea")?;
/// let mut there = here.clone();
/// here.set(dot(1, 2), "Green tea")?;
/// there.set(dot(2, 1), "Tea, green")?;
/// here.join(&there)?;
/// assert_eq!(here.values().count(), 2);
/// here.set(dot(1, 3), "Green tea")?;
/// assert_eq!(here.values().collect::<Vec<_>>(), [&"Green tea"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "V: Serialize", deserialize = "V: Deserialize<'de>"), transparent)]
pub struct MvRegister<V> {
    set: TxSet<V>,
}

impl<V> Default for MvRegister<V> {
    fn default() -> Self {
        Self { set: TxSet::new() }
    }
}

impl<V: Clone> MvRegister<V> {
    /// A register without any value.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes for the event `dot` of this terminal, in place of every value that is seen here. Peers learn of it by a delta.
    ///
    /// # Errors
    /// [`ApplyError`] when the chain is held at or beyond `dot`. The register is unchanged.
    pub fn set(&mut self, dot: EventId, value: V) -> Result<(), ApplyError> {
        let seen: Vec<EventId> = self.set.iter().map(|(id, _)| id).collect();
        self.set.add(dot, value)?;
        if seen.is_empty() { Ok(()) } else { self.set.apply_removal(dot, seen) }
    }

    /// The values that did not see each other: none before the first write, usually one.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.set.iter().map(|(_, value)| value)
    }

    /// What the register covers.
    pub fn vector(&self) -> &VersionVector {
        self.set.vector()
    }

    /// Forgets removals that all peers have, as [`TxSet::prune`] does.
    pub fn prune(&mut self, stable: &VersionVector) {
        self.set.prune(stable);
    }

    /// What changed beyond `acknowledged`, as [`TxSet::delta_since`] says it.
    pub fn delta_since(&self, acknowledged: &VersionVector) -> SetDelta<V> {
        self.set.delta_since(acknowledged)
    }

    /// As [`TxSet::merge`].
    ///
    /// # Errors
    /// [`MergeError`]; the register is unchanged.
    pub fn merge(&mut self, delta: &SetDelta<V>) -> Result<bool, MergeError> {
        self.set.merge(delta)
    }

    /// Joins a whole register. Returns whether anything was new.
    ///
    /// # Errors
    /// [`MergeError::TooMany`] chains. The register is unchanged.
    pub fn join(&mut self, other: &Self) -> Result<bool, MergeError> {
        self.set.join(&other.set)
    }
}

impl<V: Wire> Wire for MvRegister<V> {
    fn write(&self, out: &mut Writer) {
        self.set.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        TxSet::read(input).map(|set| Self { set })
    }
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Chain, Lane, ReplicaId, Seq};

    use super::*;

    fn dot(terminal: u16, seq: u64) -> EventId {
        EventId::new(Chain::new(ReplicaId::new(terminal, 7), Lane::Prices), Seq(seq))
    }

    /// Both add the same member without seeing each other; events are applied one by one at both.
    #[test]
    fn events_of_peers_supersede_what_their_writer_saw() {
        let (mut a, mut b) = (OrSet::new(), OrSet::new());
        a.add(dot(1, 1), "vegan").unwrap();
        b.add(dot(2, 1), "vegan").unwrap();
        a.apply(dot(2, 1), Some("vegan"), []).unwrap();
        b.apply(dot(1, 1), Some("vegan"), []).unwrap();
        assert_eq!(a, b);
        assert_eq!(a.adds_of(&"vegan").count(), 2);
        let seen: Vec<_> = a.adds_of(&"vegan").collect();
        a.add(dot(1, 2), "vegan").unwrap();
        b.apply(dot(1, 2), Some("vegan"), seen).unwrap();
        assert_eq!(a, b);
        assert_eq!(b.adds_of(&"vegan").collect::<Vec<_>>(), [dot(1, 2)]);
        let before = a.clone();
        assert!(
            a.apply(dot(1, 2), Some("vegan"), [dot(1, 2)]).is_err() && a.remove(dot(1, 1), &"vegan").is_err()
        );
        assert_eq!(a, before);
        assert!(a.contains(&"vegan"));
    }

    #[test]
    fn a_member_whose_removal_came_first_is_not_there() {
        let mut set = TxSet::new();
        set.apply_removal(dot(2, 1), [dot(1, 1)]).unwrap();
        let mut set = OrSet::from(set);
        set.add(dot(1, 1), "a").unwrap();
        assert!(!set.contains(&"a") && set.is_empty());
        assert_eq!(set.adds().count(), 0);
    }
}
