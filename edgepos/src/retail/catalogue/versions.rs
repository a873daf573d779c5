//! All versions of one price, and which of them is in force at a moment.

use std::collections::BTreeMap;

use edgepos_crdt::{LwwRegister, Stamp};

use super::body::PriceSet;

/// Most versions of one price. Beyond it those that end first are forgotten, which are the oldest campaigns; a price without an end is
/// forgotten last. Which stay depends on the set of versions alone, so it is the same on every terminal.
pub(super) const MAX_VERSIONS: usize = 512;

/// When a version is in force: its first millisecond, and the first after it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Window {
    pub(super) from: u64,
    pub(super) to: u64,
}

impl Window {
    /// The window of a price: for ever, where it says nothing else.
    pub(super) fn of(price: &PriceSet) -> Self {
        Self { from: price.valid_from.unwrap_or(0), to: price.valid_to.unwrap_or(u64::MAX) }
    }
}

/// The versions of a product's price on one list.
#[derive(Debug, Default)]
pub(super) struct Versions {
    all: BTreeMap<Window, LwwRegister<PriceSet>>,
}

/// What became of a version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Set {
    /// Whether it is kept: its stamp is the newest of its window.
    pub(super) won: bool,
    /// The window that is forgotten for it.
    pub(super) forgotten: Option<Window>,
}

impl Versions {
    /// Takes a version. The newest stamp wins among those of one window.
    pub(super) fn set(&mut self, stamp: Stamp, price: PriceSet) -> Set {
        let window = Window::of(&price);
        let won = match self.all.get_mut(&window) {
            Some(register) => register.set(stamp, price).is_ok(),
            None => self.all.insert(window, LwwRegister::new(stamp, price)).is_none(),
        };
        let first = self.all.keys().copied().min_by_key(|window| (window.to, window.from));
        let forgotten = first.filter(|_| self.all.len() > MAX_VERSIONS);
        if let Some(window) = forgotten {
            self.all.remove(&window);
        }
        Set { won: won && forgotten != Some(window), forgotten }
    }

    /// Forgets the version that this price made, where its stamp is this one. Whether it was.
    pub(super) fn forget(&mut self, price: &PriceSet, stamp: Stamp) -> bool {
        let window = Window::of(price);
        let is_meant = self.all.get(&window).is_some_and(|register| register.stamp() == stamp);
        is_meant && self.all.remove(&window).is_some()
    }

    /// The newest stamp among the versions that this price competes with: those that begin with it.
    pub(super) fn seen(&self, price: &PriceSet) -> Option<Stamp> {
        let from = Window::of(price).from;
        let began = self.all.range(Window { from, to: 0 }..=Window { from, to: u64::MAX });
        began.map(|(_, register)| register.stamp()).max()
    }

    /// The price in force at this moment: of those that are valid the one that began last, and of those the newest.
    pub(super) fn at(&self, at_ms: u64) -> Option<&PriceSet> {
        let begun = self.all.range(..=Window { from: at_ms, to: u64::MAX });
        let mut valid =
            begun.rev().filter(|(window, _)| at_ms < window.to || window.to == u64::MAX).peekable();
        let from = valid.peek()?.0.from;
        let began_last = valid.take_while(|(window, _)| window.from == from);
        began_last.max_by_key(|(_, register)| register.stamp()).map(|(_, register)| register.value())
    }
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Chain, Lane, RepairGen, ReplicaId};
    use edgepos_crdt::Hlc;

    use super::*;
    use crate::retail::money::Currency;

    fn stamp(hlc: u64) -> Stamp {
        Stamp::new(RepairGen(0), Hlc(hlc), Chain::new(ReplicaId::new(1, 1), Lane::Prices))
    }

    fn price(amount: i64, valid_from: Option<u64>, valid_to: Option<u64>) -> PriceSet {
        PriceSet {
            product: "milk".into(),
            list: 0,
            amount,
            currency: Currency::EUR,
            tax_included: true,
            valid_from,
            valid_to,
        }
    }

    fn amount(versions: &Versions, at_ms: u64) -> Option<i64> {
        versions.at(at_ms).map(|price| price.amount)
    }

    /// In whatever order the versions come.
    #[test]
    fn a_plan_and_a_campaign_leave_the_price_of_today_in_force() {
        let said = [
            (1, price(129, None, None)),
            (2, price(139, Some(1_000), None)),
            (3, price(99, Some(500), Some(600))),
            (4, price(89, Some(500), Some(550))),
            (5, price(79, None, Some(10))),
        ];
        let mut order: Vec<usize> = (0..said.len()).collect();
        for _ in 0..said.len() {
            order.rotate_left(1);
            for order in [order.clone(), order.iter().rev().copied().collect()] {
                let mut versions = Versions::default();
                for at in order {
                    let (hlc, price) = said[at].clone();
                    assert!(versions.set(stamp(hlc), price).won);
                }
                let moments = [0, 9, 10, 499, 500, 549, 550, 599, 600, 999, 1_000, u64::MAX];
                let amounts = moments.map(|at| amount(&versions, at).unwrap());
                assert_eq!(amounts, [79, 79, 129, 129, 89, 89, 99, 99, 129, 129, 139, 139]);
            }
        }
    }

    #[test]
    fn the_newest_stamp_of_a_window_wins() {
        let mut versions = Versions::default();
        assert!(versions.set(stamp(5), price(129, None, None)).won);
        assert!(!versions.set(stamp(4), price(1, None, None)).won);
        assert!(versions.set(stamp(6), price(119, Some(0), None)).won);
        assert_eq!(amount(&versions, 7), Some(119));
        let mut ended = Versions::default();
        ended.set(stamp(1), price(99, Some(10), Some(20)));
        assert_eq!([5, 10, 19, 20].map(|at| amount(&ended, at)), [None, Some(99), Some(99), None]);
    }

    #[test]
    fn what_ended_first_is_forgotten_first_in_whatever_order_it_comes() {
        let campaigns = MAX_VERSIONS as u64 + 20;
        let said = |at: u64| price(at as i64, Some(at * 10), Some(at * 10 + 5));
        let (mut forward, mut backward) = (Versions::default(), Versions::default());
        forward.set(stamp(1), price(129, None, None));
        for at in 0..campaigns {
            forward.set(stamp(at + 2), said(at));
            backward.set(stamp(campaigns - at + 1), said(campaigns - at - 1));
        }
        backward.set(stamp(1), price(129, None, None));
        assert_eq!((forward.all.len(), backward.all.len()), (MAX_VERSIONS, MAX_VERSIONS));
        assert!(forward.all.keys().eq(backward.all.keys()));
        assert_eq!(amount(&forward, 1), Some(129), "the price without an end stays");
        assert_eq!(amount(&forward, campaigns * 10 - 10), Some(campaigns as i64 - 1));
    }
}
