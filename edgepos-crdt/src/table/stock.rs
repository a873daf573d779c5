//! Counters that go up and down.

use alloc::vec::Vec;

use edgepos_core::{Chain, EventId, FoldEpoch, Seq};
use serde::{Deserialize, Serialize};

use super::Item;
use super::cell::Cell;
use super::delta::PnDelta;
use super::grid::Grid;
use super::portable::Portable;
use super::typed::table;
use crate::wire::{Reader, Wire, Writer};
use crate::{ApplyError, MergeError, Overflow, VersionVector, WireError};

/// What one chain added to and took from one item, from its first event to the one that touched the item last.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct PnRow {
    /// The last event of the chain that touched the item. In a folded row: the fold epoch that changed it last.
    pub stamp: Seq,
    /// The sum of all positive amounts.
    pub plus: u64,
    /// The sum of all negative amounts, as a positive number.
    pub minus: u64,
}

impl PnRow {
    /// `plus - minus`, exactly.
    pub fn net(&self) -> i128 {
        i128::from(self.plus) - i128::from(self.minus)
    }

    /// The row after one more event of its chain, as [`PnTable::apply`] computes it: for rows that are kept outside of a table.
    ///
    /// # Errors
    /// [`ApplyError::NoPosition`], [`ApplyError::AlreadyApplied`], [`ApplyError::Overflow`].
    pub fn after(self, dot: EventId, amount: i64) -> Result<Self, ApplyError> {
        Cell::from(self).after(dot, parts(amount)).map(Self::from)
    }
}

/// What an amount adds to the two totals.
fn parts(amount: i64) -> [u64; 2] {
    if amount >= 0 { [amount.unsigned_abs(), 0] } else { [0, amount.unsigned_abs()] }
}

impl From<Cell<2>> for PnRow {
    fn from(cell: Cell<2>) -> Self {
        let [plus, minus] = cell.totals;
        Self { stamp: Seq(cell.stamp), plus, minus }
    }
}

impl From<PnRow> for Cell<2> {
    fn from(row: PnRow) -> Self {
        Self { stamp: row.stamp.0, totals: [row.plus, row.minus] }
    }
}

table! {
    /// Stock, cash, returnable quantities: one counter for each item, each chain adding in a column of its own.
    ///
    /// Feed each chain's events in order, each event at most once for an item. The value of an item is the sum over the folded base and all columns, the same
    /// on every replica with the same vector, in whatever order things arrived.
    ///
    /// A column is stored in pages of 8,192 rows that are allocated on first use. Each change returns the one row to write through to
    /// the store.
    ///
    /// ```
    /// use edgepos_core::{Chain, EventId, Lane, ReplicaId, Seq};
    /// use edgepos_crdt::{Item, PnTable};
    ///
    /// let till = Chain::new(ReplicaId::new(1, 42), Lane::Transactions);
    /// let mut stock = PnTable::new();
    /// stock.apply(EventId::new(till, Seq(1)), Item(7), 24)?;
    /// let row = stock.apply(EventId::new(till, Seq(2)), Item(7), -3)?;
    /// assert_eq!((row.stamp, row.plus, row.minus), (Seq(2), 24, 3));
    /// assert_eq!(stock.value(Item(7)), Ok(21));
    /// # Ok::<(), edgepos_crdt::ApplyError>(())
    /// ```
    PnTable(2, PnRow, PnDelta, i64, i64, "Portable<PnRow>"),
    parts,
    |[plus, minus]: [u128; 2]| i64::try_from(plus as i128 - minus as i128).ok()
}

impl PnTable {
    /// Adds to one cell what an event added whose bytes were lost and came back behind later events of its chain. Each such event once.
    /// The row to write through.
    ///
    /// # Errors
    /// [`ApplyError::Overflow`], [`ApplyError::Full`].
    pub fn add_late(&mut self, id: EventId, item: Item, amount: i64) -> Result<PnRow, ApplyError> {
        self.grid.add_late(id, item, parts(amount)).map(PnRow::from)
    }

    /// Takes from one cell what an event had added that leaves its chain: a restored disk had written it beside what others hold. The
    /// chain is held up to `floor` then. The row to write through; one whose stamp is zero is gone.
    pub fn take_back(&mut self, id: EventId, item: Item, amount: i64, floor: Seq) -> PnRow {
        let added = if amount >= 0 { [amount.unsigned_abs(), 0] } else { [0, amount.unsigned_abs()] };
        self.grid.take_back(id.chain, item, added, floor).into()
    }

    /// The chain is held up to `floor` and no further: what it has added beyond is taken back by [`take_back`](Self::take_back), and
    /// whatever comes in its place is new to each cell, also to those that nothing is taken from. The items whose rows to write through.
    pub fn fall_to(&mut self, chain: Chain, floor: Seq) -> Vec<Item> {
        self.grid.fall_to(chain, floor)
    }
}

#[cfg(test)]
impl PnTable {
    /// Leaves room for this many more items.
    pub(crate) fn nearly_full(free: usize) -> Self {
        Self { grid: Grid::nearly_full(free) }
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;
    use std::vec::Vec;

    use edgepos_core::{Lane, ReplicaId};

    use super::*;
    use crate::Corruption;

    fn chain(terminal: u16) -> Chain {
        Chain::new(ReplicaId::new(terminal, 7), Lane::Transactions)
    }

    fn dot(terminal: u16, seq: u64) -> EventId {
        EventId::new(chain(terminal), Seq(seq))
    }

    #[test]
    fn values_sum_over_chains() {
        let mut stock = PnTable::new();
        stock.apply(dot(1, 1), Item(5), 10).unwrap();
        stock.apply(dot(2, 9), Item(5), -3).unwrap();
        stock.apply(dot(1, 2), Item(u64::MAX), i64::MIN).unwrap();
        assert_eq!(stock.value(Item(5)), Ok(7));
        assert_eq!(stock.value(Item(u64::MAX)), Ok(i64::MIN));
        assert_eq!(stock.value(Item(6)), Ok(0));
        let rows: Vec<_> = stock.rows(Item(5)).collect();
        assert_eq!(rows[0], (chain(1), PnRow { stamp: Seq(1), plus: 10, minus: 0 }));
        assert_eq!(rows[1], (chain(2), PnRow { stamp: Seq(9), plus: 0, minus: 3 }));
        assert_eq!(stock.vector().get(chain(2)), Seq(9));
    }

    #[test]
    fn repeats_and_the_past_are_refused() {
        let mut stock = PnTable::new();
        assert_eq!(stock.apply(dot(1, 0), Item(5), 1), Err(ApplyError::NoPosition));
        stock.apply(dot(1, 4), Item(5), 1).unwrap();
        stock.apply(dot(1, 4), Item(6), 1).unwrap();
        let before = stock.clone();
        for seq in [3, 4] {
            let refused = stock.apply(dot(1, seq), Item(5), 1);
            assert_eq!(refused, Err(ApplyError::AlreadyApplied { dot: dot(1, seq), held: Seq(4) }));
        }
        assert_eq!(stock, before);
    }

    #[test]
    fn a_row_outside_of_a_table_moves_as_one_inside() {
        let (mut stock, mut row) = (PnTable::new(), PnRow::default());
        for (seq, amount) in
            [(0, 1), (2, 7), (2, 1), (1, 1), (3, -9), (4, i64::MIN), (5, i64::MIN), (6, i64::MIN), (7, 3)]
        {
            let inside = stock.apply(dot(1, seq), Item(0), amount);
            assert_eq!(row.after(dot(1, seq), amount), inside, "{seq}");
            row = inside.unwrap_or(row);
        }
        assert_eq!(row.stamp, Seq(7));
    }

    #[test]
    fn overflow_is_an_error_and_changes_nothing() {
        let mut stock = PnTable::new();
        stock.restore(chain(1), Item(5), PnRow { stamp: Seq(1), plus: u64::MAX - 1, minus: 0 }).unwrap();
        let before = stock.clone();
        assert_eq!(stock.apply(dot(1, 2), Item(5), 2), Err(ApplyError::Overflow(Overflow)));
        assert_eq!(stock, before);
        assert_eq!(stock.value(Item(5)), Err(Overflow));
        stock.apply(dot(2, 1), Item(5), i64::MIN).unwrap();
        assert_eq!(stock.value(Item(5)), Ok(i64::MAX - 1));
    }

    #[test]
    fn join_does_not_depend_on_how_rows_are_numbered() {
        let mut ours = PnTable::new();
        let mut theirs = PnTable::new();
        for (seq, item) in [(1, 900), (2, 3), (3, 0)] {
            ours.apply(dot(1, seq), Item(item), 5).unwrap();
        }
        for (seq, item) in [(1, 0), (2, 900), (3, 1)] {
            theirs.apply(dot(2, seq), Item(item), -2).unwrap();
        }
        let mut joined = ours.clone();
        assert_eq!(joined.join(&theirs), Ok(true));
        assert_eq!(joined.join(&theirs), Ok(false));
        let mut other_way = theirs.clone();
        other_way.join(&ours).unwrap();
        assert_eq!(joined, other_way);
        for (item, value) in [(900, 3), (3, 5), (0, 3), (1, -2), (2, 0)] {
            assert_eq!(joined.value(Item(item)), Ok(value));
        }
    }

    #[test]
    fn a_chain_that_used_a_position_twice_is_refused() {
        let mut ours = PnTable::new();
        ours.apply(dot(1, 1), Item(5), 4).unwrap();
        let mut clone = PnTable::new();
        clone.apply(dot(1, 1), Item(5), 3).unwrap();
        clone.apply(dot(1, 2), Item(5), 0).unwrap();
        let before = ours.clone();
        clone.apply(dot(1, 3), Item(6), 1).unwrap();
        let refused = MergeError::Corrupt(Corruption::DotReused { chain: chain(1) });
        assert_eq!(ours.join(&clone), Err(refused));
        assert_eq!(ours, before);
        assert_eq!(ours.items().collect::<Vec<_>>(), [Item(5)], "no trace of the refused table");
        let mut numbered_otherwise = PnTable::new();
        numbered_otherwise.apply(dot(3, 1), Item(9), 1).unwrap();
        numbered_otherwise.apply(dot(1, 1), Item(5), 4).unwrap();
        assert!(numbered_otherwise.join(&clone).is_err());
        assert_eq!(numbered_otherwise.items().collect::<Vec<_>>(), [Item(9), Item(5)]);
    }

    /// The disk was cloned before the first sale, and the clone wrote events that touch no item.
    #[test]
    fn a_later_state_that_lacks_the_whole_column_is_refused() {
        let mut ours = PnTable::new();
        ours.apply(dot(1, 1), Item(5), 4).unwrap();
        let before = ours.clone();
        let mut clone = PnTable::new();
        clone.advance(&VersionVector::from_iter([(chain(1), Seq(2))]));
        let refused = Err(MergeError::Corrupt(Corruption::DotReused { chain: chain(1) }));
        assert_eq!(ours.join(&clone), refused);
        assert_eq!(ours, before);
        clone.apply(dot(2, 1), Item(5), 4).unwrap();
        assert_eq!(ours.join(&clone), refused);
        assert_eq!(ours, before);
    }

    #[test]
    fn json_reads_back_and_refuses_rows_beyond_the_vector() {
        let mut stock = PnTable::new();
        stock.apply(dot(1, 1), Item(900), 4).unwrap();
        stock.apply(dot(1, 2), Item(3), -4).unwrap();
        let json = serde_json::to_string(&stock).unwrap();
        assert_eq!(serde_json::from_str::<PnTable>(&json).unwrap(), stock);
        let beyond = json.replace("\"stamp\":2", "\"stamp\":3");
        assert!(serde_json::from_str::<PnTable>(&beyond).unwrap_err().to_string().contains("was not seen"));
        let base = r#"[[5,{"stamp":1,"plus":1,"minus":0}],[5,{"stamp":1,"plus":2,"minus":0}]]"#;
        let twice = std::format!(r#"{{"epoch":1,"vector":[],"base":{base},"columns":[]}}"#);
        assert!(serde_json::from_str::<PnTable>(&twice).is_err(), "a folded row is there twice");
    }
}
