//! A set whose elements are named by the events that added them.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use edgepos_core::{Chain, EventId, Seq};
use serde::{Deserialize, Serialize};

use super::part::SetPart;
use super::runs::Runs;
use super::targets::Targets;
use crate::wire::{Reader, Wire, Writer};
use crate::{ApplyError, Corruption, MergeError, VersionVector, WireError};

/// Transactions, parked baskets, open exceptions: each element is added by exactly one event, and that event is its name.
///
/// No two adds can conflict, so there is nothing to decide on a merge. A removal is an event of its own and keeps a record until
/// every live member has it ([`prune`](Self::prune)); after that only the vector remembers. An element costs its own size and
/// a byte where positions are dense.
///
/// Which removals are still on record is part of the value and of its bytes: two terminals with the same elements are equal once both
/// have forgotten the same removals.
///
/// ```
/// use edgepos_core::{Chain, EventId, Lane, ReplicaId, Seq};
/// use edgepos_crdt::TxSet;
///
/// let till = |n| Chain::new(ReplicaId::new(n, 42), Lane::Transactions);
/// let parked = EventId::new(till(1), Seq(1));
/// let mut here = TxSet::new();
/// here.add(parked, "two coffees")?;
/// let mut there = here.clone();
/// there.remove(EventId::new(till(2), Seq(1)), [parked])?;
/// here.join(&there)?;
/// assert!(here.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "E: Serialize", deserialize = "E: Deserialize<'de>"), try_from = "Unchecked<E>")]
pub struct TxSet<E> {
    vector: VersionVector,
    /// What is there.
    live: Runs<E>,
    /// What each event removed, by rising id.
    removals: Runs<Targets>,
    /// Covers each removal that is no longer on record here.
    pruned: VersionVector,
    /// What the removals on record removed and the vector does not cover: chains arrive independently of each other.
    #[serde(skip)]
    early: BTreeSet<EventId>,
}

/// What was read and may contradict itself.
#[derive(Deserialize)]
#[serde(bound(deserialize = "E: Deserialize<'de>"))]
struct Unchecked<E> {
    vector: VersionVector,
    live: Runs<E>,
    removals: Runs<Targets>,
    pruned: VersionVector,
}

impl<E> TryFrom<Unchecked<E>> for TxSet<E> {
    type Error = Corruption;

    fn try_from(read: Unchecked<E>) -> Result<Self, Corruption> {
        Self::of_parts(read.vector, read.live, read.removals, read.pruned)
    }
}

impl<E> Default for TxSet<E> {
    fn default() -> Self {
        Self {
            vector: VersionVector::new(),
            live: Runs::default(),
            removals: Runs::default(),
            pruned: VersionVector::new(),
            early: BTreeSet::new(),
        }
    }
}

impl<E> TxSet<E> {
    /// A set without any elements.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an element, named `dot` from here on.
    ///
    /// # Errors
    /// [`ApplyError::AlreadyApplied`] when the chain is held at or beyond `dot`; [`ApplyError::NoPosition`]. The set is unchanged.
    pub fn add(&mut self, dot: EventId, element: E) -> Result<(), ApplyError> {
        if dot.seq == Seq::ZERO {
            return Err(ApplyError::NoPosition);
        }
        let held = self.vector.get(dot.chain);
        if dot.seq <= held {
            return Err(ApplyError::AlreadyApplied { dot, held });
        }
        if !self.early.remove(&dot) {
            // Later than what is held, so it cannot be refused.
            let _ = self.live.push(dot, element);
        }
        self.raise(dot.chain, dot.seq);
        Ok(())
    }

    /// Raises one chain; what was removed early and is covered now was never added here.
    fn raise(&mut self, chain: Chain, seq: Seq) {
        self.vector.set_max(chain, seq);
        let covered = EventId::new(chain, Seq::ZERO)..=EventId::new(chain, self.vector.get(chain));
        while let Some(id) = self.early.range(covered.clone()).next().copied() {
            self.early.remove(&id);
        }
    }

    /// Of parts that were read and may contradict each other.
    fn of_parts(
        vector: VersionVector,
        live: Runs<E>,
        removals: Runs<Targets>,
        pruned: VersionVector,
    ) -> Result<Self, Corruption> {
        live.check(&VersionVector::new(), &vector)?;
        removals.check(&VersionVector::new(), &vector)?;
        removals.iter().try_for_each(|(_, targets)| targets.check())?;
        if let Some((chain, _)) = vector.first_gap(&pruned) {
            return Err(Corruption::OutsideInterval { chain });
        }
        let there = |id: &&EventId| live.get(**id).is_some();
        if let Some(id) = removals.iter().find_map(|(_, targets)| targets.as_slice().iter().find(there)) {
            return Err(Corruption::RemovedAndThere { chain: id.chain });
        }
        let mut set = Self { vector, live, removals, pruned, early: BTreeSet::new() };
        set.find_early();
        Ok(set)
    }

    /// Looks up anew what was removed before it came.
    fn find_early(&mut self) {
        let targets = self.removals.iter().flat_map(|(_, targets)| targets.as_slice());
        self.early = targets.filter(|id| !self.vector.covers(**id)).copied().collect();
    }

    /// Removes elements for the event `dot`, which may have added one before. Elements that are gone already are no error.
    ///
    /// # Errors
    /// [`ApplyError::Unseen`] when a target was never seen here; [`ApplyError::AlreadyApplied`] when the chain is held beyond `dot`,
    /// or `dot` removed before; [`ApplyError::NoPosition`]. The set is unchanged.
    pub fn remove(
        &mut self,
        dot: EventId,
        targets: impl IntoIterator<Item = EventId>,
    ) -> Result<(), ApplyError> {
        let targets: Vec<EventId> = targets.into_iter().collect();
        if let Some(unseen) = targets.iter().find(|target| !self.vector.covers(**target)) {
            return Err(ApplyError::Unseen(*unseen));
        }
        self.apply_removal(dot, targets)
    }

    /// Takes over the removal of a peer's event. A target that was not seen yet will not appear.
    ///
    /// # Errors
    /// [`ApplyError::AlreadyApplied`] when the chain is held beyond `dot`, or `dot` removed before; [`ApplyError::NoPosition`]. The
    /// set is unchanged.
    pub fn apply_removal(
        &mut self,
        dot: EventId,
        targets: impl IntoIterator<Item = EventId>,
    ) -> Result<(), ApplyError> {
        self.check_removal(dot)?;
        let mut targets: Vec<EventId> = targets.into_iter().collect();
        targets.sort_unstable();
        targets.dedup();
        self.record_removal(dot, targets.into(), |_| {});
        self.raise(dot.chain, dot.seq);
        Ok(())
    }

    pub(crate) fn check_removal(&self, dot: EventId) -> Result<(), ApplyError> {
        let held = self.vector.get(dot.chain);
        if dot.seq == Seq::ZERO {
            return Err(ApplyError::NoPosition);
        }
        if dot.seq < held || self.removals.get(dot).is_some() {
            return Err(ApplyError::AlreadyApplied { dot, held });
        }
        Ok(())
    }

    /// `dot` is later than what is on record of its chain.
    fn record_removal(&mut self, dot: EventId, targets: Targets, mut watch: impl FnMut(Moved<'_, E>)) {
        for &id in targets.as_slice() {
            if let Some(element) = self.live.remove(id) {
                watch(Moved::Gone(id, element));
            } else if !self.vector.covers(id) {
                self.early.insert(id);
            }
        }
        let _ = self.removals.push(dot, targets);
    }

    /// The element that this event added, unless it was removed.
    pub fn get(&self, id: EventId) -> Option<&E> {
        self.live.get(id)
    }

    /// Whether the element is there.
    pub fn contains(&self, id: EventId) -> bool {
        self.get(id).is_some()
    }

    /// Each element by rising id.
    pub fn iter(&self) -> impl Iterator<Item = (EventId, &E)> {
        self.live.iter()
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.live.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// How many removals are still on record.
    pub fn removals(&self) -> usize {
        self.removals.len()
    }

    /// Raises the vector: the events up to there add and remove nothing in this set.
    pub fn advance(&mut self, vector: &VersionVector) {
        self.vector.join(vector);
        let held = &self.vector;
        self.early.retain(|id| !held.covers(*id));
    }

    /// What the set covers.
    pub fn vector(&self) -> &VersionVector {
        &self.vector
    }

    /// Covers each removal that is no longer on record.
    pub(crate) fn pruned(&self) -> &VersionVector {
        &self.pruned
    }

    /// Takes over that removals up to there are forgotten elsewhere. What they removed is gone here by now.
    pub(crate) fn join_pruned(&mut self, pruned: &VersionVector) {
        self.pruned.join(pruned);
    }

    /// Whether a peer at `acknowledged` can be served without the whole set.
    pub(crate) fn serves(&self, acknowledged: &VersionVector) -> bool {
        acknowledged.dominates(&self.pruned)
    }

    /// The chain ends there, and nothing beyond is covered.
    pub(crate) fn end_chain(&mut self, chain: Chain, end: Seq) {
        self.vector.set(chain, end);
        if self.pruned.get(chain) > end {
            self.pruned.set(chain, end);
        }
        // What was removed beyond the end is no longer covered, and comes again with an amendment.
        self.find_early();
    }

    /// Forgets the removals that every live member of the store has acknowledged as durable, with what they remove: those that
    /// `stable` covers.
    ///
    /// `stable` is the meet of the vectors that the members reported themselves, never a single time or number. A peer that is
    /// behind it needs the whole set, which [`join`](Self::join) takes.
    pub fn prune(&mut self, stable: &VersionVector) {
        let Self { removals, pruned, early, .. } = self;
        removals.retain(|dot, targets| {
            // A target that has not come everywhere would appear at a terminal that never saw the record.
            let came = |id: &EventId| stable.covers(*id) && !early.contains(id);
            let done = stable.covers(dot) && targets.as_slice().iter().all(came);
            if done {
                pruned.set_max(dot.chain, dot.seq);
            }
            !done
        });
    }
}

impl<E: Clone> TxSet<E> {
    /// Joins a whole set: what both hold stays, and what one holds stays unless the other has seen it and no longer holds it.
    /// Returns whether anything changed.
    ///
    /// # Errors
    /// [`MergeError::TooMany`] chains. The set is unchanged.
    pub fn join(&mut self, other: &Self) -> Result<bool, MergeError> {
        self.join_watched(other, |_| {})
    }

    pub(crate) fn join_watched(
        &mut self,
        other: &Self,
        mut watch: impl FnMut(Moved<'_, E>),
    ) -> Result<bool, MergeError> {
        self.vector.check_room(&other.vector)?;
        let mut changed = !self.vector.dominates(&other.vector);
        for (chain, seen) in other.vector.iter() {
            self.live.keep_common(chain, (Seq::ZERO, seen), &other.live, |id, gone| {
                changed = true;
                watch(Moved::Gone(id, gone));
            });
        }
        // What the other removed is gone by now, unless the other has not seen it itself.
        self.take_over(&other.live, &other.removals, other.early.is_empty(), watch);
        self.pruned.join(&other.pruned);
        self.advance(&other.vector);
        Ok(changed)
    }

    pub(crate) fn part_since(&self, from: &VersionVector) -> SetPart<E> {
        SetPart { adds: self.live.since(from), removals: self.removals.since(from) }
    }

    /// Takes out what a chain added and removed beyond `end`.
    pub(crate) fn split_after(&mut self, chain: Chain, end: Seq) -> SetPart<E> {
        SetPart { adds: self.live.split_after(chain, end), removals: self.removals.split_after(chain, end) }
    }

    /// Takes over the interval. The vector is raised by the caller.
    pub(crate) fn join_part(
        &mut self,
        part: &SetPart<E>,
        from: &VersionVector,
        to: &VersionVector,
        mut watch: impl FnMut(Moved<'_, E>),
    ) {
        // What we hold inside the interval and the sender no longer does was added and removed before the delta was made.
        for (chain, last) in to.iter() {
            let span = (from.get(chain), last);
            self.live.keep_common(chain, span, &part.adds, |id, gone| watch(Moved::Gone(id, gone)));
        }
        self.take_over(&part.adds, &part.removals, false, watch);
    }

    /// Takes over adds and removals that are beyond what is held. `done` says that no target of a removal is here any more, or will
    /// come. The vector is raised by the caller.
    fn take_over(
        &mut self,
        adds: &Runs<E>,
        removals: &Runs<Targets>,
        done: bool,
        mut watch: impl FnMut(Moved<'_, E>),
    ) {
        for chain in adds.chains() {
            let held = self.vector.get(chain);
            for (seq, element) in adds.after(chain, held) {
                let id = EventId::new(chain, seq);
                if !self.early.contains(&id) {
                    watch(Moved::Came(id, element));
                }
            }
            self.live.extend(chain, held, adds);
        }
        for chain in removals.chains() {
            let held = self.vector.get(chain);
            if done {
                self.removals.extend(chain, held, removals);
                continue;
            }
            for (seq, targets) in removals.after(chain, held) {
                self.record_removal(EventId::new(chain, seq), targets.clone(), &mut watch);
            }
        }
        // What came although it was removed before.
        for id in &self.early {
            self.live.remove(*id);
        }
    }
}

impl<E: Wire> Wire for TxSet<E> {
    fn write(&self, out: &mut Writer) {
        let start = VersionVector::new();
        self.vector.write(out);
        self.pruned.write(out);
        self.live.write(&start, out);
        self.removals.write(&start, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        let vector = VersionVector::read(input)?;
        let pruned = VersionVector::read(input)?;
        let SetPart { adds: live, removals } = SetPart::read(&VersionVector::new(), input)?;
        Ok(Self::of_parts(vector, live, removals, pruned)?)
    }
}

/// What a merge does to an element, for an index beside the set.
pub(crate) enum Moved<'a, E> {
    Came(EventId, &'a E),
    Gone(EventId, E),
}

#[cfg(test)]
mod tests {
    use std::string::String;
    use std::vec;

    use edgepos_core::{Lane, ReplicaId};

    use super::*;
    use crate::Limits;

    fn dot(terminal: u16, seq: u64) -> EventId {
        EventId::new(Chain::new(ReplicaId::new(terminal, 7), Lane::Transactions), Seq(seq))
    }

    #[test]
    fn removed_on_one_side_is_removed_on_both_and_does_not_return() {
        let mut a = TxSet::new();
        for seq in 1..=3 {
            a.add(dot(1, seq), seq).unwrap();
        }
        let stale = a.clone();
        let mut b = a.clone();
        b.remove(dot(2, 1), [dot(1, 2)]).unwrap();
        a.add(dot(1, 4), 4).unwrap();
        assert_eq!((a.join(&b), b.join(&a), a.join(&b)), (Ok(true), Ok(true), Ok(false)));
        assert_eq!(a, b);
        assert_eq!(a.iter().map(|(id, _)| id.seq.0).collect::<Vec<_>>(), vec![1, 3, 4]);
        assert_eq!(a.join(&stale), Ok(false));
        assert!(!a.contains(dot(1, 2)));
    }

    #[test]
    fn refusals_change_nothing() {
        let mut set = TxSet::new();
        set.add(dot(1, 5), "a").unwrap();
        let before = set.clone();
        assert_eq!(set.add(dot(1, 0), "b"), Err(ApplyError::NoPosition));
        assert_eq!(set.add(dot(1, 5), "b"), Err(ApplyError::AlreadyApplied { dot: dot(1, 5), held: Seq(5) }));
        assert_eq!(set.remove(dot(2, 1), [dot(1, 5), dot(3, 1)]), Err(ApplyError::Unseen(dot(3, 1))));
        assert_eq!(set, before);
        set.remove(dot(2, 1), [dot(1, 5)]).unwrap();
        let repeat = set.remove(dot(2, 1), [dot(1, 5)]);
        assert_eq!(repeat, Err(ApplyError::AlreadyApplied { dot: dot(2, 1), held: Seq(1) }));
    }

    #[test]
    fn pruned_removals_leave_the_elements_removed() {
        let mut set = TxSet::new();
        set.add(dot(1, 1), 1).unwrap();
        let stale = set.clone();
        set.remove(dot(1, 2), [dot(1, 1)]).unwrap();
        set.prune(&stale.vector);
        assert_eq!(set.removals(), 1, "a member has not acknowledged it");
        let all = set.vector.clone();
        set.prune(&all);
        assert_eq!(set.removals(), 0);
        set.join(&stale).unwrap();
        assert!(set.is_empty());
    }

    #[test]
    fn a_removal_that_overtakes_its_target_still_removes_it() {
        let mut set = TxSet::new();
        set.apply_removal(dot(2, 1), [dot(1, 1)]).unwrap();
        set.add(dot(1, 1), 1).unwrap();
        assert!(set.is_empty());
        set.add(dot(1, 2), 2).unwrap();
        assert_eq!(set.len(), 1);
    }

    /// The removal is known to all and what it removes to nobody but its writer: forgetting the record would let the element appear
    /// at a terminal that joins later.
    #[test]
    fn a_removal_is_not_forgotten_before_its_target_came() {
        let mut set = TxSet::new();
        set.apply_removal(dot(2, 1), [dot(1, 1)]).unwrap();
        set.prune(&set.vector.clone());
        let mut newcomer = TxSet::new();
        newcomer.join(&set).unwrap();
        let mut by_delta = TxSet::new();
        by_delta.merge(&set.delta_since(&VersionVector::new())).unwrap();
        for newcomer in [&mut newcomer, &mut by_delta] {
            newcomer.add(dot(1, 1), 1).unwrap();
            assert!(newcomer.is_empty());
        }
        let all = newcomer.vector.clone();
        newcomer.prune(&all);
        assert_eq!(newcomer.removals(), 0);
    }

    /// A whole-set join takes such a set's records over and not what they remove, so terminals would differ.
    #[test]
    fn a_set_that_holds_what_it_removed_is_not_read() {
        let mut set = TxSet::new();
        set.add(dot(1, 1), 7_u64).unwrap();
        set.apply_removal(dot(2, 1), [dot(1, 2)]).unwrap();
        assert_eq!(TxSet::from_bytes(&set.to_bytes(), &Limits::default()), Ok(set.clone()));
        set.removals = Runs::default();
        set.removals.push(dot(2, 1), Vec::from([dot(1, 1)]).into()).unwrap();
        let refused = Err(WireError::Corrupt(Corruption::RemovedAndThere { chain: dot(1, 1).chain }));
        assert_eq!(TxSet::<u64>::from_bytes(&set.to_bytes(), &Limits::default()), refused);
        assert!(serde_json::from_str::<TxSet<u64>>(&serde_json::to_string(&set).unwrap()).is_err());
    }

    #[test]
    fn json_reads_back() {
        let mut set = TxSet::new();
        set.add(dot(1, 1), String::from("a")).unwrap();
        set.add(dot(1, 2), String::from("b")).unwrap();
        set.remove(dot(2, 1), [dot(1, 1)]).unwrap();
        let json = serde_json::to_string(&set).unwrap();
        assert_eq!(serde_json::from_str::<TxSet<String>>(&json).unwrap(), set);
        let beyond = json.replace("[2,\"b\"]", "[3,\"b\"]");
        assert_ne!(beyond, json);
        assert!(serde_json::from_str::<TxSet<String>>(&beyond).is_err());
    }
}
