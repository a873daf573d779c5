//! The state of a replica and what its own and its peers' events do to it.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use edgepos_core::{Chain, EventId, FoldEpoch, Lane, ReplicaId, Seq};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::amend::Amendment;
use super::base::Ledger;
use super::finals::{Final, Fold};
use super::mutant::Mutant;
use crate::table::Cell;
use crate::{
    ApplyError, GTable, Item, LwwMap, MergeError, Overflow, PnTable, Stamp, TxSet, VersionVector, WouldLose,
};

/// What one event changes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Change<E, K, V> {
    /// Amounts by item. Lines of one item are summed.
    pub stock: Vec<(Item, i64)>,
    /// Points by item. Lines of one item are summed.
    pub points: Vec<(Item, u64)>,
    /// An element for the set, named after the event.
    pub add: Option<E>,
    /// Elements to remove.
    pub remove: Vec<EventId>,
    /// Registers to write; `None` removes the key.
    pub write: Vec<(K, Stamp, Option<V>)>,
}

impl<E, K, V> Default for Change<E, K, V> {
    fn default() -> Self {
        Self { stock: Vec::new(), points: Vec::new(), add: None, remove: Vec::new(), write: Vec::new() }
    }
}

/// Why an own event was not recorded. Nothing changed and no position was used.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum RecordError {
    /// This incarnation is sealed or written off: take a new one with [`Replica::begin`].
    #[error("the incarnation is sealed")]
    Sealed,
    /// A register would keep its present value.
    #[error(transparent)]
    WouldLose(#[from] WouldLose),
    /// The change cannot be applied.
    #[error(transparent)]
    Apply(#[from] ApplyError),
}

/// An incarnation that has written before may not begin: draw another nonce.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("the incarnation {0} was used before")]
pub struct UsedBefore(pub ReplicaId);

/// The counters, the set and the registers of a store as one terminal holds them, all covered by one vector.
///
/// Everything that an event changes is under the event's dot, so one acknowledged vector tells what a peer lacks of every type, and
/// one frame brings it. Retired chains are folded into the counters' base: see [`Fold`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(bound(
    serialize = "E: Serialize, K: Serialize, V: Serialize",
    deserialize = "E: Deserialize<'de>, K: Deserialize<'de> + Ord, V: Deserialize<'de>"
))]
pub struct Replica<E, K, V> {
    pub(super) me: ReplicaId,
    pub(super) sealed: bool,
    pub(super) vector: VersionVector,
    pub(super) epoch: FoldEpoch,
    /// What is folded, with the final numbers.
    #[serde(with = "crate::pairs")]
    pub(super) folded: BTreeMap<Chain, Final>,
    /// What the store agreed to retire and nobody folded yet.
    #[serde(with = "crate::pairs")]
    pub(super) retired: BTreeMap<Chain, Final>,
    pub(super) stock: PnTable,
    pub(super) points: GTable,
    pub(super) sales: TxSet<E>,
    pub(super) registers: LwwMap<K, V>,
    /// The columns that were folded of written-off chains, in case that more of them turns up.
    #[serde(with = "crate::pairs")]
    pub(super) ledgers: BTreeMap<Chain, Ledger>,
    /// What is held here of written-off chains beyond their final numbers.
    #[serde(with = "crate::pairs")]
    pub(super) stranded: BTreeMap<Chain, Amendment<E, K, V>>,
    /// Committed foldings that wait for a peer's frame, by the epoch that they follow.
    #[serde(with = "crate::pairs")]
    pub(super) awaited: BTreeMap<FoldEpoch, Fold>,
    #[cfg(test)]
    #[serde(skip)]
    pub(super) mutant: Option<Mutant>,
}

impl<E, K: Ord, V> Replica<E, K, V> {
    /// An empty replica that writes as `me`.
    pub fn new(me: ReplicaId) -> Self {
        Self {
            me,
            sealed: false,
            vector: VersionVector::new(),
            epoch: FoldEpoch(0),
            folded: BTreeMap::new(),
            retired: BTreeMap::new(),
            stock: PnTable::new(),
            points: GTable::new(),
            sales: TxSet::new(),
            registers: LwwMap::new(),
            ledgers: BTreeMap::new(),
            stranded: BTreeMap::new(),
            awaited: BTreeMap::new(),
            #[cfg(test)]
            mutant: None,
        }
    }

    #[cfg(test)]
    pub(super) fn breaks(&self, rule: Mutant) -> bool {
        self.mutant == Some(rule)
    }

    #[cfg(not(test))]
    pub(super) const fn breaks(&self, _: Mutant) -> bool {
        false
    }

    /// The incarnation that writes here.
    pub const fn me(&self) -> ReplicaId {
        self.me
    }

    /// Goes on as another incarnation: after a seal, after a rollback was noticed, after an eviction.
    ///
    /// # Errors
    /// [`UsedBefore`] when events of it are known here; nothing changed. An incarnation is never reused.
    pub fn begin(&mut self, next: ReplicaId) -> Result<(), UsedBefore> {
        let chains = Lane::ALL.into_iter().map(|lane| Chain::new(next, lane));
        if chains.into_iter().any(|chain| {
            self.vector.get(chain) != Seq::ZERO
                || self.folded.contains_key(&chain)
                || self.retired.contains_key(&chain)
        }) {
            return Err(UsedBefore(next));
        }
        self.me = next;
        self.sealed = false;
        Ok(())
    }

    /// What is covered, of every type.
    pub fn vector(&self) -> &VersionVector {
        &self.vector
    }

    /// How many foldings the base has seen.
    pub const fn epoch(&self) -> FoldEpoch {
        self.epoch
    }

    /// Each folded chain with its final number.
    pub fn folded(&self) -> impl Iterator<Item = (Chain, Final)> + '_ {
        self.folded.iter().map(|(&chain, &last)| (chain, last))
    }

    /// Counters that go up and down.
    pub fn stock(&self) -> &PnTable {
        &self.stock
    }

    /// Counters that go up.
    pub fn points(&self) -> &GTable {
        &self.points
    }

    /// The set of elements, such as open transactions.
    pub fn sales(&self) -> &TxSet<E> {
        &self.sales
    }

    /// The registers, by their keys.
    pub fn registers(&self) -> &LwwMap<K, V> {
        &self.registers
    }

    /// Forgets removals of set elements that every live member has: see [`TxSet::prune`].
    pub fn prune(&mut self, stable: &VersionVector) {
        self.sales.prune(stable);
    }

    /// Raises the vectors of all types together; they are always equal.
    pub(super) fn raise(&mut self, vector: &VersionVector) {
        self.vector.join(vector);
        self.stock.advance(vector);
        self.points.advance(vector);
        self.sales.advance(vector);
        self.registers.advance(vector);
    }
}

impl<E: Clone, K: Ord + Clone, V: Ord + Clone> Replica<E, K, V> {
    /// Records an own event: all of the change or nothing. Make the returned event and the change durable before anything of it
    /// is sent.
    ///
    /// # Errors
    /// [`RecordError`]; nothing changed.
    pub fn record(&mut self, lane: Lane, change: Change<E, K, V>) -> Result<EventId, RecordError> {
        let chain = Chain::new(self.me, lane);
        let gone = self.folded.contains_key(&chain) || self.retired.contains_key(&chain);
        if (self.sealed || gone) && !self.breaks(Mutant::SellAfterSeal) {
            return Err(RecordError::Sealed);
        }
        let mut written: BTreeMap<&K, Stamp> = BTreeMap::new();
        for (key, stamp, _) in &change.write {
            self.registers.check_wins(key, *stamp)?;
            // Of two writes of one register in this change the later must win too.
            if let Some(current) = written.insert(key, *stamp).filter(|current| stamp <= current) {
                return Err(WouldLose { current }.into());
            }
        }
        if let Some(unseen) = change.remove.iter().find(|id| !self.vector.covers(**id)) {
            return Err(ApplyError::Unseen(*unseen).into());
        }
        let dot = EventId::new(chain, self.vector.get(chain).next());
        self.apply(dot, change)?;
        Ok(dot)
    }

    /// Applies a peer's event, or an own one that is replayed: all of it or nothing.
    ///
    /// # Errors
    /// [`ApplyError::AlreadyApplied`], [`ApplyError::Gap`] when events of the chain are missing, and what its parts refuse.
    /// Nothing changed.
    pub fn apply(&mut self, dot: EventId, change: Change<E, K, V>) -> Result<(), ApplyError> {
        let held = self.vector.get(dot.chain);
        if dot.seq <= held {
            return Err(ApplyError::AlreadyApplied { dot, held });
        }
        if dot.seq != held.next() {
            return Err(ApplyError::Gap { dot, held });
        }
        if self.folded.contains_key(&dot.chain) && !self.breaks(Mutant::SellAfterSeal) {
            return Err(ApplyError::Folded(dot.chain));
        }
        let signed = |amount: i64| {
            let size = amount.unsigned_abs();
            if amount >= 0 { [size, 0] } else { [0, size] }
        };
        let stock = summed(change.stock.iter().map(|&(item, amount)| (item, signed(amount))))?;
        let points = summed(change.points.iter().map(|&(item, amount)| (item, [amount])))?;
        let stock = self.stock.grid().prepare(dot, &stock)?;
        let points = self.points.grid().prepare(dot, &points)?;
        self.stock.join_columns(&stock);
        self.points.join_columns(&points);
        if let Some(element) = change.add {
            self.sales.add(dot, element)?;
        }
        if !change.remove.is_empty() {
            self.sales.apply_removal(dot, change.remove)?;
        }
        for (key, stamp, value) in change.write {
            self.registers.apply(dot, key, stamp, value)?;
        }
        let reached = VersionVector::from_iter([(dot.chain, dot.seq)]);
        self.raise(&reached);
        Ok(())
    }

    /// What is held of written-off chains beyond their ends: the manager should know, and the leader should have it.
    pub fn amendments(&self) -> impl Iterator<Item = &Amendment<E, K, V>> {
        self.stranded.values()
    }

    /// The leader takes over what another terminal holds beyond the end of a written-off chain; [`propose_fold`](Self::propose_fold)
    /// then amends the end. A shorter one than is known changes nothing.
    ///
    /// # Errors
    /// [`MergeError::Gap`] when it begins beyond the end that is known here, [`MergeError::Corrupt`]. Nothing changed.
    pub fn absorb(&mut self, amendment: &Amendment<E, K, V>) -> Result<(), MergeError> {
        amendment.check().map_err(MergeError::Corrupt)?;
        let chain = amendment.chain;
        let Some(known) = self.folded.get(&chain).filter(|known| known.written_off) else {
            return Err(MergeError::Gap { chain, held: self.vector.get(chain), needed: amendment.after });
        };
        if amendment.after > known.seq {
            return Err(MergeError::Gap { chain, held: known.seq, needed: amendment.after });
        }
        let longest = self.stranded.get(&chain).map_or(known.seq, Amendment::last);
        if amendment.last > longest {
            self.stranded.insert(chain, amendment.clone());
        }
        Ok(())
    }

    /// Puts aside what is held of a chain beyond its end.
    pub(super) fn strand(&mut self, chain: Chain, end: Seq) {
        let held = self.vector.get(chain);
        if held <= end {
            return;
        }
        let part = self.sales.split_after(chain, end);
        let registers = self.registers.split_after(chain, end);
        if self.breaks(Mutant::DropStranded) {
            return;
        }
        let stock = self.stock.grid().column_beyond(chain, end);
        let points = self.points.grid().column_beyond(chain, end);
        let amendment = Amendment { chain, after: end, last: held, stock, points, part, registers };
        self.stranded.insert(chain, amendment);
    }

    /// The set and the registers get back what was stranded.
    pub(super) fn join_journal_of(&mut self, amendment: &Amendment<E, K, V>) {
        let (from, to) = amendment.interval();
        self.sales.join_part(&amendment.part, &from, &to, |_| {});
        self.registers.join_entries(&amendment.registers);
    }

    /// How far the own incarnation wrote.
    pub fn written(&self, lane: Lane) -> Seq {
        self.vector.get(Chain::new(self.me, lane))
    }
}

/// Amounts by item, each item once.
fn summed<const N: usize>(
    amounts: impl Iterator<Item = (Item, [u64; N])>,
) -> Result<BTreeMap<Item, [u64; N]>, Overflow> {
    let mut sums = BTreeMap::new();
    for (item, added) in amounts {
        let sum = sums.entry(item).or_insert([0; N]);
        Cell::add(sum, added)?;
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use edgepos_core::RepairGen;

    use super::*;
    use crate::Hlc;

    #[test]
    fn of_two_writes_of_one_register_the_second_may_not_lose_silently() {
        let me = ReplicaId::new(1, 7);
        let stamp = |ms| Stamp::new(RepairGen(0), Hlc::from_parts(ms, 0), Chain::new(me, Lane::Prices));
        let mut replica: Replica<u64, u8, u64> = Replica::new(me);
        let before = replica.clone();
        let change = |first, second| Change {
            write: Vec::from([(1, stamp(first), Some(100)), (1, stamp(second), Some(200))]),
            ..Change::default()
        };
        for (first, second) in [(9, 5), (9, 9)] {
            let refused = RecordError::WouldLose(WouldLose { current: stamp(first) });
            assert_eq!(replica.record(Lane::Prices, change(first, second)), Err(refused));
            assert_eq!(replica, before);
        }
        replica.record(Lane::Prices, change(5, 9)).unwrap();
        assert_eq!(replica.registers().get(&1), Some(&200));
    }

    #[test]
    fn an_incarnation_does_not_begin_twice() {
        let [first, second] = [1, 2].map(|nonce| ReplicaId::new(1, nonce));
        let mut replica: Replica<u64, u8, u64> = Replica::new(first);
        replica.record(Lane::Stock, Change::default()).unwrap();
        let retirement = replica.seal().unwrap();
        assert_eq!(replica.begin(first), Err(UsedBefore(first)));
        assert_eq!(replica.record(Lane::Stock, Change::default()), Err(RecordError::Sealed));
        replica.begin(second).unwrap();
        replica.retire(&retirement);
        let fold = replica.propose_fold().unwrap();
        replica.apply_fold(&fold).unwrap();
        assert_eq!(replica.begin(first), Err(UsedBefore(first)));
        assert_eq!(replica.me(), second);
    }
}
