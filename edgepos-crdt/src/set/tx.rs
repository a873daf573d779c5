//! A set whose elements are named by the events that added them.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use edgepos_core::{Chain, EventId, Seq};
use serde::{Deserialize, Serialize};

use super::delta::check_part;
use crate::{ApplyError, Corruption, VersionVector};

/// Transactions, parked baskets, open exceptions: each element is added by exactly one event, and that event is its name.
///
/// No two adds can conflict, so there is nothing to decide on a merge. A removal is an event of its own and keeps a record until
/// every live member has it ([`prune`](Self::prune)); after that only the vector remembers. An element costs its own size and
/// 8 bytes.
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
/// here.join(&there);
/// assert!(here.is_empty());
/// # Ok::<(), edgepos_crdt::ApplyError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "E: Serialize", deserialize = "E: Deserialize<'de>"), try_from = "Unchecked<E>")]
pub struct TxSet<E> {
    pub(crate) vector: VersionVector,
    /// By rising position. No empty run is kept, so that equal sets are equal values.
    #[serde(with = "crate::pairs")]
    pub(crate) live: BTreeMap<Chain, Vec<(Seq, E)>>,
    /// The event that removed → what it removed, by rising id.
    #[serde(with = "crate::pairs")]
    pub(crate) removals: BTreeMap<EventId, Vec<EventId>>,
    /// Covers each removal that is no longer on record here.
    pub(crate) pruned: VersionVector,
    /// Removed before it was seen: chains arrive independently of each other.
    pub(crate) early: BTreeSet<EventId>,
}

/// What was read and may contradict itself.
#[derive(Deserialize)]
#[serde(bound(deserialize = "E: Deserialize<'de>"))]
struct Unchecked<E> {
    vector: VersionVector,
    #[serde(with = "crate::pairs")]
    live: BTreeMap<Chain, Vec<(Seq, E)>>,
    #[serde(with = "crate::pairs")]
    removals: BTreeMap<EventId, Vec<EventId>>,
    pruned: VersionVector,
    early: BTreeSet<EventId>,
}

impl<E> TryFrom<Unchecked<E>> for TxSet<E> {
    type Error = Corruption;

    fn try_from(read: Unchecked<E>) -> Result<Self, Corruption> {
        check_part(&read.live, &read.removals, &VersionVector::new(), &read.vector)?;
        if let Some((chain, _)) = read.vector.first_gap(&read.pruned) {
            return Err(Corruption::OutsideInterval { chain });
        }
        let Unchecked { vector, live, removals, pruned, early } = read;
        let set = Self { vector, live, removals, pruned, early };
        set.check_early()?;
        Ok(set)
    }
}

impl<E> Default for TxSet<E> {
    fn default() -> Self {
        Self {
            vector: VersionVector::new(),
            live: BTreeMap::new(),
            removals: BTreeMap::new(),
            pruned: VersionVector::new(),
            early: BTreeSet::new(),
        }
    }
}

impl<E> TxSet<E> {
    /// No elements.
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
            self.live.entry(dot.chain).or_default().push((dot.seq, element));
        }
        self.raise(dot.chain, dot.seq);
        Ok(())
    }

    /// Raises one chain; what was removed early and is covered now was never added here.
    fn raise(&mut self, chain: Chain, seq: Seq) {
        self.vector.set_max(chain, seq);
        if !self.early.is_empty() {
            let held = self.vector.get(chain);
            self.early.retain(|id| id.chain != chain || id.seq > held);
        }
    }

    pub(crate) fn check_early(&self) -> Result<(), Corruption> {
        match self.early.iter().find(|id| self.vector.covers(**id)) {
            Some(id) => Err(Corruption::OutsideInterval { chain: id.chain }),
            None => Ok(()),
        }
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
        let held = self.vector.get(dot.chain);
        if dot.seq == Seq::ZERO {
            return Err(ApplyError::NoPosition);
        }
        if dot.seq < held || self.removals.contains_key(&dot) {
            return Err(ApplyError::AlreadyApplied { dot, held });
        }
        let mut targets: Vec<EventId> = targets.into_iter().collect();
        targets.sort_unstable();
        targets.dedup();
        self.record_removal(dot, targets);
        self.raise(dot.chain, dot.seq);
        Ok(())
    }

    /// `targets` by rising id.
    pub(crate) fn record_removal(&mut self, dot: EventId, targets: Vec<EventId>) {
        self.drop_elements(&targets);
        self.early.extend(targets.iter().filter(|target| !self.vector.covers(**target)));
        self.removals.insert(dot, targets);
    }

    /// `gone` by rising id.
    pub(crate) fn drop_elements(&mut self, mut gone: &[EventId]) {
        while let Some(first) = gone.first() {
            let same_chain = gone.partition_point(|id| id.chain == first.chain);
            let (here, rest) = gone.split_at(same_chain);
            gone = rest;
            let Some(run) = self.live.get_mut(&first.chain) else { continue };
            if let [only] = here {
                if let Ok(at) = run.binary_search_by_key(&only.seq, |(seq, _)| *seq) {
                    run.remove(at);
                }
            } else {
                let mut ids = here.iter().map(|id| id.seq).peekable();
                run.retain(|(seq, _)| {
                    while ids.next_if(|gone| gone < seq).is_some() {}
                    ids.peek() != Some(seq)
                });
            }
            if run.is_empty() {
                self.live.remove(&first.chain);
            }
        }
    }

    /// The element that this event added, unless it was removed.
    pub fn get(&self, id: EventId) -> Option<&E> {
        let run = self.live.get(&id.chain)?;
        let at = run.binary_search_by_key(&id.seq, |(seq, _)| *seq).ok()?;
        Some(&run[at].1)
    }

    /// Whether the element is there.
    pub fn contains(&self, id: EventId) -> bool {
        self.get(id).is_some()
    }

    /// Each element by rising id.
    pub fn iter(&self) -> impl Iterator<Item = (EventId, &E)> {
        self.live.iter().flat_map(|(&chain, run)| {
            run.iter().map(move |(seq, element)| (EventId::new(chain, *seq), element))
        })
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.live.values().map(Vec::len).sum()
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

    /// Forgets the removals that every live member of the store has acknowledged as durable: those that `stable` covers.
    ///
    /// `stable` is the meet of the vectors that the members reported themselves, never a single time or number. A peer that is
    /// behind it needs the whole set, which [`join`](Self::join) takes.
    pub fn prune(&mut self, stable: &VersionVector) {
        let pruned = &mut self.pruned;
        self.removals.retain(|&dot, _| {
            let done = stable.covers(dot);
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
    pub fn join(&mut self, other: &Self) -> bool {
        let mut changed = false;
        self.live.retain(|&chain, run| {
            let seen = other.vector.get(chain);
            let before = run.len();
            let kept = other.live.get(&chain).map_or(&[][..], Vec::as_slice);
            keep_common(run, kept, seen);
            changed |= run.len() != before;
            !run.is_empty()
        });
        for (&chain, theirs) in &other.live {
            let held = self.vector.get(chain);
            let new = &theirs[theirs.partition_point(|(seq, _)| *seq <= held)..];
            changed |= !new.is_empty();
            self.append(chain, new);
        }
        for (&dot, targets) in &other.removals {
            if !self.vector.covers(dot) {
                self.record_removal(dot, targets.clone());
                changed = true;
            }
        }
        changed |= !self.vector.dominates(&other.vector);
        self.pruned.join(&other.pruned);
        self.advance(&other.vector);
        changed
    }

    /// Adds elements beyond what is held, but for those that were removed early.
    pub(crate) fn append(&mut self, chain: Chain, new: &[(Seq, E)]) {
        if new.is_empty() {
            return;
        }
        if self.early.is_empty() {
            self.live.entry(chain).or_default().extend_from_slice(new);
            return;
        }
        let early = &self.early;
        let wanted = new.iter().filter(|(seq, _)| !early.contains(&EventId::new(chain, *seq)));
        let run = self.live.entry(chain).or_default();
        run.extend(wanted.cloned());
        if run.is_empty() {
            self.live.remove(&chain);
        }
    }
}

/// Drops from `run` what is at or below `seen` and not in `kept`. Both by rising position.
fn keep_common<E>(run: &mut Vec<(Seq, E)>, kept: &[(Seq, E)], seen: Seq) {
    let mut kept = kept.iter().map(|(seq, _)| *seq).peekable();
    run.retain(|(seq, _)| {
        if *seq > seen {
            return true;
        }
        while kept.next_if(|other| other < seq).is_some() {}
        kept.peek() == Some(seq)
    });
}

#[cfg(test)]
mod tests {
    use std::string::String;
    use std::vec;

    use edgepos_core::{Lane, ReplicaId};

    use super::*;

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
        assert!(a.join(&b) && b.join(&a) && !a.join(&b));
        assert_eq!(a, b);
        assert_eq!(a.iter().map(|(id, _)| id.seq.0).collect::<Vec<_>>(), vec![1, 3, 4]);
        assert!(!a.join(&stale) && !a.contains(dot(1, 2)));
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
        set.join(&stale);
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
