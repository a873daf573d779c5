//! Stock-taking: what was counted, relative to what was known when it was counted.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use edgepos_core::EventId;
use serde::{Deserialize, Serialize};

use crate::wire::{Reader, Wire, Writer};
use crate::{Item, Overflow, PnTable, VersionVector, WireError};

/// Somebody counted an item on the shelf.
///
/// Setting the counter to what was counted would undo every sale that arrives later and was made before. So a count says what the
/// terminal expected then and which events it knew; the store adds the difference.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Recount {
    /// What was counted.
    pub item: Item,
    /// How many there are.
    pub counted: i64,
    /// How many the terminal showed at that moment.
    pub expected: i64,
    /// The events that the terminal knew at that moment.
    pub known: VersionVector,
}

impl Recount {
    /// A count at a terminal whose table is `stock`, at this moment.
    ///
    /// # Errors
    /// [`Overflow`] when the table's value does not fit.
    pub fn of(stock: &PnTable, item: Item, counted: i64) -> Result<Self, Overflow> {
        Ok(Self { item, counted, expected: stock.value(item)?, known: stock.vector().clone() })
    }
}

/// The adjustments that were made, so that two counts of one shelf do not adjust it twice.
///
/// Every terminal feeds it the committed recounts in the order of the store-wide log.
///
/// ```
/// use edgepos_core::{Chain, EventId, Lane, ReplicaId, Seq, StoreGeneration};
/// use edgepos_crdt::{Item, PnTable, Recount, RecountLog};
///
/// let till = Chain::new(ReplicaId::new(1, 42), Lane::Stock);
/// let store = Chain::new(ReplicaId::store(StoreGeneration(0)), Lane::Stock);
/// let mut stock = PnTable::new();
/// stock.apply(EventId::new(till, Seq(1)), Item(7), 10)?;
/// // Two people count the same shelf: there are eight.
/// let counts = [Recount::of(&stock, Item(7), 8)?, Recount::of(&stock, Item(7), 8)?];
/// let mut log = RecountLog::new();
/// for (seq, count) in (1..).zip(&counts) {
///     let dot = EventId::new(store, Seq(seq));
///     let adjustment = log.decide(dot, count)?;
///     stock.apply(dot, Item(7), adjustment)?;
/// }
/// assert_eq!(stock.value(Item(7)), Ok(8));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct RecountLog {
    #[serde(with = "crate::pairs")]
    adjustments: BTreeMap<Item, Vec<(EventId, i64)>>,
}

impl RecountLog {
    /// No adjustment yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the event `dot` has to add to the item. Adjustments that the counting terminal did not know are taken into account, so a
    /// second count of the same shelf adds nothing. Asked again for the same event, it answers the same and notes nothing.
    ///
    /// # Errors
    /// [`Overflow`] when the difference does not fit; nothing is noted.
    pub fn decide(&mut self, dot: EventId, recount: &Recount) -> Result<i64, Overflow> {
        let made = self.adjustments.get(&recount.item).map_or(&[][..], Vec::as_slice);
        if let Some((_, decided)) = made.iter().find(|(adjusted, _)| *adjusted == dot) {
            return Ok(*decided);
        }
        let unknown = made.iter().filter(|(adjusted, _)| !recount.known.covers(*adjusted));
        let unknown: i128 = unknown.map(|(_, amount)| i128::from(*amount)).sum();
        let difference = i128::from(recount.counted) - i128::from(recount.expected) - unknown;
        let difference = i64::try_from(difference).map_err(|_| Overflow)?;
        self.adjustments.entry(recount.item).or_default().push((dot, difference));
        Ok(difference)
    }

    /// Forgets the adjustments that every terminal has: no count that lacks them can arrive any more.
    pub fn prune(&mut self, stable: &VersionVector) {
        self.adjustments.retain(|_, made| {
            made.retain(|(dot, _)| !stable.covers(*dot));
            !made.is_empty()
        });
    }
}

impl Wire for Recount {
    fn write(&self, out: &mut Writer) {
        self.item.write(out);
        self.counted.write(out);
        self.expected.write(out);
        self.known.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            item: Item::read(input)?,
            counted: i64::read(input)?,
            expected: i64::read(input)?,
            known: VersionVector::read(input)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Chain, Lane, ReplicaId, Seq};

    use super::*;

    fn dot(terminal: u16, seq: u64) -> EventId {
        EventId::new(Chain::new(ReplicaId::new(terminal, 7), Lane::Stock), Seq(seq))
    }

    /// The shelf holds 8 although 10 are on record. A counts 8; B sells one and counts 7; both counts are concurrent.
    #[test]
    fn two_concurrent_counts_adjust_once() {
        let mut a = PnTable::new();
        a.apply(dot(1, 1), Item(1), 10).unwrap();
        let mut b = a.clone();
        let first = Recount::of(&a, Item(1), 8).unwrap();
        b.apply(dot(2, 1), Item(1), -1).unwrap();
        let second = Recount::of(&b, Item(1), 7).unwrap();
        for order in [[&first, &second], [&second, &first]] {
            let mut log = RecountLog::new();
            let mut all = b.clone();
            for (seq, count) in (1..).zip(order) {
                let adjustment = log.decide(dot(9, seq), count).unwrap();
                all.apply(dot(9, seq), Item(1), adjustment).unwrap();
            }
            assert_eq!(all.value(Item(1)), Ok(7));
        }
    }

    #[test]
    fn a_refused_count_leaves_no_trace_and_a_repeated_one_adds_nothing() {
        let count =
            |counted, expected| Recount { item: Item(1), counted, expected, known: VersionVector::new() };
        let mut log = RecountLog::new();
        assert_eq!(log.decide(dot(9, 1), &count(i64::MAX, -1)), Err(Overflow));
        assert_eq!(log.decide(dot(9, 1), &count(i64::MIN, 1)), Err(Overflow));
        assert_eq!(log, RecountLog::new());
        let first = count(8, 10);
        assert_eq!(log.decide(dot(9, 1), &first), Ok(-2));
        let once = log.clone();
        assert_eq!(log.decide(dot(9, 1), &first), Ok(-2), "the same decision, read again after a crash");
        assert_eq!(log, once);
        assert_eq!(log.decide(dot(9, 2), &first), Ok(0));
    }

    /// A sale that was made before the count and arrives after it is not undone.
    #[test]
    fn a_late_sale_still_counts() {
        let mut a = PnTable::new();
        a.apply(dot(1, 1), Item(1), 10).unwrap();
        let count = Recount::of(&a, Item(1), 9).unwrap();
        let mut log = RecountLog::new();
        a.apply(dot(9, 1), Item(1), log.decide(dot(9, 1), &count).unwrap()).unwrap();
        a.apply(dot(2, 1), Item(1), -3).unwrap();
        assert_eq!(a.value(Item(1)), Ok(6));
        log.prune(a.vector());
        assert_eq!(log, RecountLog::new());
    }
}
