//! Receipt numbers: the series of this terminal, and the last number given of each.

use std::collections::BTreeMap;

use edgepos_core::{ReplicaId, Space, Write};
use edgepos_crdt::VersionVector;

use super::basket::Basket;
use super::body::Transaction;
use crate::retail::envelope::Mode;
use crate::retail::unreadable::{Unreadable, number};
use crate::terminal::config::Config;
use crate::terminal::unit_of_work::UnitOfWork;

/// The series in which this terminal numbers receipts.
#[derive(Debug, Default)]
pub(crate) struct Series {
    /// The last number given of each.
    last: BTreeMap<String, u64>,
    /// What their names end with: nothing but for an incarnation that is not the terminal's first.
    ending: String,
    /// The terminal's first incarnation, which reserved the numbers of series whose ending nobody else has.
    first: ReplicaId,
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
        self.first = first;
        let old = self.last.keys().any(|series| !series.ends_with(&ending));
        if me != first || (joins && !old) {
            self.ending = ending;
        }
    }

    /// Receipts get series of their own: a number that another incarnation gave is never given again.
    pub(crate) fn rename(&mut self, me: ReplicaId) {
        self.ending = ending(me);
    }

    /// Names the series of a basket that begins, where it gets its number with that.
    pub(super) fn name_begun(&self, config: &Config, basket: &mut Basket) {
        basket.signed = basket.signed_by(config);
        if !basket.waits_for_number(config) {
            self.name(&mut basket.transaction.series);
        }
    }

    /// The name of a series as this terminal gives it.
    fn name(&self, series: &mut String) {
        series.push_str(&self.ending);
    }

    /// The name of a series as every terminal knows it.
    pub(super) fn common_name(&self, series: &str) -> String {
        series.strip_suffix(self.ending.as_str()).unwrap_or(series).to_owned()
    }

    /// The incarnation that reserved numbers of this series, where it is an earlier one: of those whose events are `held` the one whose
    /// ending the series has, and else the first.
    pub(super) fn reserved_before(&self, series: &str, held: &VersionVector) -> Option<ReplicaId> {
        let number = self.first.terminal();
        let of_this = held.iter().map(|(chain, _)| chain.replica).filter(|of| of.terminal() == number);
        let reserved = || of_this.into_iter().find(|of| series.ends_with(&ending(*of))).unwrap_or(self.first);
        (!series.ends_with(&self.ending)).then(reserved)
    }

    /// The next number of its series, for a basket that counts.
    pub(super) fn give_number(&mut self, out: &mut UnitOfWork, basket: &mut Basket) {
        if basket.mode == Mode::Live {
            basket.transaction.number = self.next(&basket.transaction.series);
            // With the basket that it is for: nothing else knows of it before that is booked or voided.
            self.give(out, &basket.transaction);
        }
    }

    /// The number that a sale gets when it is booked, in the series as this incarnation names it. Nothing is given before
    /// [`give`](Self::give): a sale that is not booked burns none.
    pub(super) fn draw(&self, transaction: &mut Transaction) {
        self.name(&mut transaction.series);
        transaction.number = self.next(&transaction.series);
    }

    /// The number of this transaction is given, with what is written in the same unit of work.
    pub(super) fn give(&mut self, out: &mut UnitOfWork, transaction: &Transaction) {
        let Transaction { series, number, .. } = transaction;
        self.last.insert(series.clone(), *number);
        out.write_soon(Write::put(Space::Series, series.clone(), number.to_be_bytes()));
    }

    fn next(&self, series: &str) -> u64 {
        self.last.get(series).copied().unwrap_or(0) + 1
    }
}

/// The low 32 bits of an incarnation's nonce.
fn ending(me: ReplicaId) -> String {
    format!(".{:08x}", me.0 & 0xFFFF_FFFF)
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Chain, Lane, Seq};

    use super::*;

    /// A basket that was begun under the second of three names has a number that the second gave.
    #[test]
    fn a_number_was_reserved_by_the_incarnation_whose_ending_it_has() {
        let [first, second, third, other] =
            [(1, 0xA), (1, 0xB), (1, 0xC), (2, 0xB)].map(|(number, nonce)| ReplicaId::new(number, nonce));
        let mut held = VersionVector::new();
        for replica in [other, first, second] {
            held.set_max(Chain::new(replica, Lane::Transactions), Seq(9));
        }
        let mut series = Series::default();
        series.start(first, first, false);
        assert_eq!(series.reserved_before("S", &held), None);
        series.rename(second);
        let begun = format!("S{}", ending(second));
        assert_eq!(series.reserved_before(&begun, &held), None);
        assert_eq!(series.reserved_before("S", &held), Some(first));
        series.rename(third);
        assert_eq!(series.reserved_before(&begun, &held), Some(second));
        assert_eq!(series.reserved_before("S", &held), Some(first));
        // After a start, which knows the first and the last name alone.
        let mut again = Series::default();
        again.start(first, third, false);
        assert_eq!(again.reserved_before(&begun, &held), Some(second));
    }
}
