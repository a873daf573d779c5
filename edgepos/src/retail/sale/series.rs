//! Receipt numbers: the series of this terminal, and the last number given of each.

use std::collections::BTreeMap;

use edgepos_core::{ReplicaId, Space, Write};

use super::basket::Basket;
use crate::retail::envelope::Mode;
use crate::retail::unreadable::{Unreadable, number};
use crate::terminal::unit_of_work::UnitOfWork;

/// The series in which this terminal numbers receipts.
#[derive(Debug, Default)]
pub(crate) struct Series {
    /// The last number given of each.
    last: BTreeMap<String, u64>,
    /// What their names end with: nothing but for an incarnation that is not the terminal's first.
    ending: String,
    /// Which incarnation reserved the numbers of series with another ending.
    before: ReplicaId,
}

impl Series {
    /// A row of [`Space::Series`] as it is on disk.
    pub(crate) fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let series = String::from_utf8(key.to_vec()).map_err(|_| Unreadable::NoName { what: "a series" })?;
        self.last.insert(series, number(value)?);
        Ok(())
    }

    /// Who this terminal is at its start, and whether it was set up as this incarnation. A terminal that joined a store had one series
    /// for all incarnations of its number in 0.1.0, and goes on with it.
    pub(crate) fn start(&mut self, first: ReplicaId, me: ReplicaId, joins: bool) {
        let ending = ending(me);
        self.before = first;
        let old = self.last.keys().any(|series| !series.ends_with(&ending));
        if me != first || (joins && !old) {
            self.ending = ending;
        }
    }

    /// Receipts get series of their own: a number that another incarnation gave is never given again.
    pub(crate) fn rename(&mut self, me: ReplicaId) {
        self.ending = ending(me);
    }

    /// The name of a series as this terminal gives it.
    pub(super) fn name(&self, series: &mut String) {
        series.push_str(&self.ending);
    }

    /// The name of a series as every terminal knows it.
    pub(super) fn common_name(&self, series: &str) -> String {
        series.strip_suffix(self.ending.as_str()).unwrap_or(series).to_owned()
    }

    /// The incarnation that reserved numbers of this series, where it is an earlier one.
    pub(super) fn reserved_before(&self, series: &str) -> Option<ReplicaId> {
        (!series.ends_with(&self.ending)).then_some(self.before)
    }

    /// The next number of its series, for a basket that counts.
    pub(super) fn give_number(&mut self, out: &mut UnitOfWork, basket: &mut Basket) {
        if basket.mode == Mode::Live {
            let series = basket.transaction.series.clone();
            let last = self.last.entry(series.clone()).or_insert(0);
            *last += 1;
            basket.transaction.number = *last;
            // With the basket that it is for: nothing else knows of it before that is booked or voided.
            out.write_soon(Write::put(Space::Series, series, last.to_be_bytes()));
        }
    }
}

/// The low 32 bits of an incarnation's nonce.
fn ending(me: ReplicaId) -> String {
    format!(".{:08x}", me.0 & 0xFFFF_FFFF)
}
