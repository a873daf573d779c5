//! A set of values, where an add wins over a removal that did not see it.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use edgepos_core::EventId;
use serde::{Deserialize, Serialize};

use super::{SetDelta, TxSet};
use crate::wire::{Reader, Wire, Writer};
use crate::{ApplyError, DecodeError, MergeError, VersionVector};

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
/// here.join(&there);
/// assert!(here.contains(&"vegan"), "the removal did not see the second add");
/// # Ok::<(), edgepos_crdt::ApplyError>(())
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
    index: BTreeMap<E, BTreeSet<EventId>>,
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
        let mut built = Self { set, index: BTreeMap::new() };
        built.rebuild();
        built
    }
}

impl<E> From<OrSet<E>> for TxSet<E> {
    fn from(set: OrSet<E>) -> Self {
        set.set
    }
}

impl<E: Ord + Clone> OrSet<E> {
    /// No members.
    pub fn new() -> Self {
        Self::default()
    }

    fn rebuild(&mut self) {
        self.index.clear();
        for (id, member) in self.set.iter() {
            self.index.entry(member.clone()).or_default().insert(id);
        }
    }

    /// Adds a member for the event `dot`, which supersedes the adds of it that were seen.
    ///
    /// # Errors
    /// [`ApplyError`] when the chain is held at or beyond `dot`. The set is unchanged.
    pub fn add(&mut self, dot: EventId, member: E) -> Result<(), ApplyError> {
        self.set.add(dot, member.clone())?;
        let adds = self.index.entry(member).or_default();
        if !adds.is_empty() {
            self.set.apply_removal(dot, core::mem::take(adds))?;
        }
        adds.insert(dot);
        Ok(())
    }

    /// Removes a member for the event `dot`: each add of it that was seen. Returns whether it was there.
    ///
    /// # Errors
    /// [`ApplyError`] when the chain is held beyond `dot`. The set is unchanged.
    pub fn remove(&mut self, dot: EventId, member: &E) -> Result<bool, ApplyError> {
        let adds = self.index.get(member).cloned().unwrap_or_default();
        let there = !adds.is_empty();
        self.set.apply_removal(dot, adds)?;
        self.index.remove(member);
        Ok(there)
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

    /// As [`TxSet::prune`].
    pub fn prune(&mut self, stable: &VersionVector) {
        self.set.prune(stable);
    }

    /// As [`TxSet::delta_since`].
    pub fn delta_since(&self, acknowledged: &VersionVector) -> SetDelta<E> {
        self.set.delta_since(acknowledged)
    }

    /// As [`TxSet::merge`]; the index is built anew, so gather changes where the set is large.
    ///
    /// # Errors
    /// [`MergeError`]; the set is unchanged.
    pub fn merge(&mut self, delta: &SetDelta<E>) -> Result<bool, MergeError> {
        let news = self.set.merge(delta)?;
        self.rebuild();
        Ok(news)
    }

    /// As [`TxSet::join`]; the index is built anew.
    pub fn join(&mut self, other: &Self) -> bool {
        let changed = self.set.join(&other.set);
        self.rebuild();
        changed
    }

    /// Each add that is there: its event and its member. The same member may be there more than once.
    pub fn adds(&self) -> impl Iterator<Item = (EventId, &E)> {
        self.set.iter()
    }
}

impl<E: Wire + Ord + Clone> Wire for OrSet<E> {
    fn write(&self, out: &mut Writer) {
        self.set.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
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
/// here.join(&there);
/// assert_eq!(here.values().count(), 2);
/// here.set(dot(1, 3), "Green tea")?;
/// assert_eq!(here.values().collect::<Vec<_>>(), [&"Green tea"]);
/// # Ok::<(), edgepos_crdt::ApplyError>(())
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
    /// No value.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes for the event `dot`, in place of every value that is seen here.
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

    /// As [`TxSet::prune`].
    pub fn prune(&mut self, stable: &VersionVector) {
        self.set.prune(stable);
    }

    /// As [`TxSet::delta_since`].
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
    pub fn join(&mut self, other: &Self) -> bool {
        self.set.join(&other.set)
    }
}

impl<V: Wire> Wire for MvRegister<V> {
    fn write(&self, out: &mut Writer) {
        self.set.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        TxSet::read(input).map(|set| Self { set })
    }
}
