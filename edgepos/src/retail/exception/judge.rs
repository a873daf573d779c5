//! Whether a counter is below its floor: a function of the events that are here, whatever order they came in.

use edgepos_crdt::Item;

use super::body::{ExceptionRaised, ExceptionType};
use crate::retail::catalogue::Catalogue;
use crate::retail::catalogue::body::ProductSet;
use crate::retail::counters::Counters;
use crate::retail::effect::{Counter, CounterRow};
use crate::retail::reissued::Reissued;

/// What the store's counters and registers say, and which sales are there under several names.
#[derive(Clone, Copy)]
pub(crate) struct Standing<'a> {
    pub(crate) counters: &'a Counters,
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) reissued: &'a Reissued,
}

/// A counter at this moment.
pub(super) struct Look {
    pub(super) row: CounterRow,
    pub(super) value: i64,
    /// `None` where nobody counts it, or nobody said what it must not fall below.
    pub(super) floor: Option<i64>,
}

/// What exceptions are judged by.
pub(crate) fn standing<'a>(
    counters: &'a Counters,
    catalogue: &'a Catalogue,
    reissued: &'a Reissued,
) -> Standing<'a> {
    Standing { counters, catalogue, reissued }
}

impl Standing<'_> {
    /// The counter of an item, by the product's master data that is in force at this moment.
    pub(super) fn look(self, item: Item, at_ms: u64) -> Option<Look> {
        let row = self.counters.row(item)?;
        let (value, named) = self.counters.value_and_floor(item)?;
        let floor = match row.counter {
            Counter::STOCK => {
                let product = self.product(&row, at_ms);
                let says = product.and_then(|product| product.counted);
                let counted = says.unwrap_or_else(|| self.counters.has_movements(item));
                product.and_then(|product| product.floor).or(named).filter(|_| counted)
            }
            // The sale is counted, whatever anybody has said of it.
            Counter::RETURNABLE if self.counters.is_sold(item) => {
                named.map(|_| self.counters.sold_again(item))
            }
            // Whoever takes goods back and holds their receipt says how many were sold, as the number that the row may fall by.
            Counter::RETURNABLE => {
                let added = i64::try_from(self.counters.history(item).1).unwrap_or(i64::MAX);
                named.map(|named| named.saturating_add(added).min(0))
            }
            _ => named,
        };
        Some(Look { row, value, floor })
    }

    /// The next exception of a row that is below its floor.
    pub(super) fn exception(self, item: Item, episode: u32, at_ms: u64) -> Option<ExceptionRaised> {
        let Look { row, value, floor } = self.look(item, at_ms)?;
        let floor = floor.filter(|floor| value < *floor)?;
        let (involved, added) = self.counters.history(item);
        let mut exception = ExceptionRaised::new(&row, value, floor, involved);
        exception.episode = episode;
        // Nobody has sold it, and nobody has read that anybody did.
        if row.counter == Counter::RETURNABLE && added == 0 && floor == 0 {
            exception.exception = ExceptionType::UNREFERENCED;
        }
        Some(exception)
    }

    fn product(&self, row: &CounterRow, at_ms: u64) -> Option<&ProductSet> {
        self.catalogue.product_at(std::str::from_utf8(&row.key).ok()?, at_ms)
    }
}

impl Look {
    pub(super) fn is_below(&self) -> bool {
        self.floor.is_some_and(|floor| self.value < floor)
    }
}
