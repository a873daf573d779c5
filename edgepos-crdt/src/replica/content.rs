//! What events have brought so far: the counters, the set and the registers, all under one vector.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use edgepos_core::{Chain, EventId, FoldEpoch, Seq};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::amend::Amendment;
use super::base::Ledger;
use crate::register::Entry;
use crate::set::SetPart;
use crate::table::{Cell, Columns, Rows};
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
    /// This incarnation is sealed or written off: take a new one with [`Replica::begin`](crate::Replica::begin).
    #[error("the incarnation is sealed")]
    Sealed,
    /// A register would keep its present value.
    #[error(transparent)]
    WouldLose(#[from] WouldLose),
    /// The change cannot be applied.
    #[error(transparent)]
    Apply(#[from] ApplyError),
}

/// Everything that merges. The vectors of all types are always equal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Content<E, K, V> {
    vector: VersionVector,
    stock: PnTable,
    points: GTable,
    sales: TxSet<E>,
    registers: LwwMap<K, V>,
}

/// What a peer says of every type after a vector.
pub(super) struct Parts<E, K, V> {
    pub(super) stock: Columns<2>,
    pub(super) points: Columns<1>,
    pub(super) sales: SetPart<E>,
    pub(super) pruned: VersionVector,
    pub(super) registers: BTreeMap<K, Entry<V>>,
}

impl<E, K: Ord, V> Content<E, K, V> {
    pub(super) fn new() -> Self {
        Self::of(VersionVector::new(), PnTable::new(), GTable::new(), TxSet::new(), LwwMap::new())
    }

    /// Of what was on disk.
    pub(super) fn of(
        vector: VersionVector,
        stock: PnTable,
        points: GTable,
        sales: TxSet<E>,
        registers: LwwMap<K, V>,
    ) -> Self {
        Self { vector, stock, points, sales, registers }
    }

    /// What is covered, of every type.
    pub(super) fn vector(&self) -> &VersionVector {
        &self.vector
    }

    pub(super) fn stock(&self) -> &PnTable {
        &self.stock
    }

    pub(super) fn points(&self) -> &GTable {
        &self.points
    }

    pub(super) fn sales(&self) -> &TxSet<E> {
        &self.sales
    }

    pub(super) fn registers(&self) -> &LwwMap<K, V> {
        &self.registers
    }

    /// Forgets removals of set elements that every live member has.
    pub(super) fn prune(&mut self, stable: &VersionVector) {
        self.sales.prune(stable);
    }

    /// Raises the vectors of all types together.
    fn raise(&mut self, vector: &VersionVector) {
        self.vector.join(vector);
        self.stock.advance(vector);
        self.points.advance(vector);
        self.sales.advance(vector);
        self.registers.advance(vector);
    }

    /// Whether an event is the next one of its chain.
    pub(super) fn check_next(&self, dot: EventId) -> Result<(), ApplyError> {
        let held = self.vector.get(dot.chain);
        if dot.seq <= held {
            return Err(ApplyError::AlreadyApplied { dot, held });
        }
        if dot.seq != held.next() {
            return Err(ApplyError::Gap { dot, held });
        }
        Ok(())
    }

    /// The rows that were folded, from here on.
    pub(super) fn put_base(&mut self, stock: &Rows<2>, points: &Rows<1>, epoch: FoldEpoch) {
        self.stock.put_base(stock, epoch);
        self.points.put_base(points, epoch);
    }

    /// The folded rows that changed after an epoch.
    pub(super) fn base_since(&self, epoch: FoldEpoch) -> (Rows<2>, Rows<1>) {
        (self.stock.grid().base_since(epoch), self.points.grid().base_since(epoch))
    }

    /// The open column of a chain.
    pub(super) fn column(&self, chain: Chain) -> Ledger {
        Ledger { stock: self.stock.grid().column_rows(chain), points: self.points.grid().column_rows(chain) }
    }

    /// Whether there is room for a peer's columns, and for the base that it brings.
    pub(super) fn check_columns(
        &self,
        stock: &Columns<2>,
        points: &Columns<1>,
        base: Option<(&Rows<2>, &Rows<1>)>,
    ) -> Result<(), MergeError> {
        self.stock.grid().check_columns(stock, base.map(|(stock, _)| stock))?;
        self.points.grid().check_columns(points, base.map(|(_, points)| points))
    }

    #[cfg(test)]
    pub(super) fn fill_stock(&mut self, stock: PnTable) {
        self.stock = stock;
    }
}

impl<E: Clone, K: Ord + Clone, V: Ord + Clone> Content<E, K, V> {
    /// Refuses a change that would not be seen, or that removes what nobody has.
    pub(super) fn check(&self, change: &Change<E, K, V>) -> Result<(), RecordError> {
        let mut written: BTreeMap<&K, Stamp> = BTreeMap::new();
        for (key, stamp, _) in &change.write {
            self.registers.check_wins(key, *stamp)?;
            // Of two writes of one register in this change the later must win too.
            if let Some(current) = written.insert(key, *stamp).filter(|current| stamp <= current) {
                return Err(WouldLose { current }.into());
            }
        }
        match change.remove.iter().find(|id| !self.vector.covers(**id)) {
            Some(unseen) => Err(ApplyError::Unseen(*unseen).into()),
            None => Ok(()),
        }
    }

    /// Applies the next event of its chain: all of it or nothing.
    pub(super) fn apply(&mut self, dot: EventId, change: Change<E, K, V>) -> Result<(), ApplyError> {
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

    /// Takes out what is held of a chain beyond its end; nothing where it ends there.
    pub(super) fn split_after(&mut self, chain: Chain, end: Seq) -> Option<Amendment<E, K, V>> {
        let held = self.vector.get(chain);
        if held <= end {
            return None;
        }
        let part = self.sales.split_after(chain, end);
        let registers = self.registers.split_after(chain, end);
        let stock = self.stock.grid().column_beyond(chain, end);
        let points = self.points.grid().column_beyond(chain, end);
        Some(Amendment { chain, after: end, last: held, stock, points, part, registers })
    }

    /// A chain ends here: nothing of it is held beyond. Its columns go where the base has them.
    pub(super) fn end_chain(&mut self, chain: Chain, end: Seq, keeps_columns: bool) {
        if !keeps_columns {
            self.stock.drop_column(chain);
            self.points.drop_column(chain);
        }
        self.vector.set(chain, end);
        self.stock.end_chain(chain, end);
        self.points.end_chain(chain, end);
        self.sales.end_chain(chain, end);
        self.registers.end_chain(chain, end);
    }

    /// The set and the registers get back what was taken out.
    pub(super) fn join_journal_of(&mut self, amendment: &Amendment<E, K, V>) {
        let (from, to) = amendment.interval();
        self.sales.join_part(&amendment.part, &from, &to, |_| {});
        self.registers.join_entries(&amendment.registers);
    }

    /// From where on a peer that holds so much must be told: from the start, where removals that it may lack are forgotten.
    pub(super) fn serves_from(&self, acknowledged: &VersionVector) -> VersionVector {
        if self.sales.serves(acknowledged) { acknowledged.meet(&self.vector) } else { VersionVector::new() }
    }

    /// What changed after a vector.
    pub(super) fn since(&self, from: &VersionVector) -> Parts<E, K, V> {
        Parts {
            stock: self.stock.grid().columns_since(from),
            points: self.points.grid().columns_since(from),
            sales: self.sales.part_since(from),
            pruned: self.sales.pruned().clone(),
            registers: self.registers.entries_since(from),
        }
    }

    /// Takes a peer's set and registers. They come before its base: that may raise a vector only when all types are complete.
    pub(super) fn join_journal(&mut self, parts: &Parts<E, K, V>, from: &VersionVector, to: &VersionVector) {
        self.sales.join_part(&parts.sales, from, to, |_| {});
        self.registers.join_entries(&parts.registers);
        self.sales.join_pruned(&parts.pruned.meet(to));
    }

    /// Takes a peer's columns, and covers what it covers.
    pub(super) fn join_columns(&mut self, parts: &Parts<E, K, V>, to: &VersionVector) {
        self.stock.join_columns(&parts.stock);
        self.points.join_columns(&parts.points);
        self.raise(to);
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
