//! The store that is measured: 100,000 products on 15 terminals that have all sold all of them.

use std::collections::BTreeMap;

use crdts::{CmRDT, PNCounter};
use edgepos_core::{Chain, EventId, Jitter, Lane, ReplicaId, Seq};
use edgepos_crdt::{Item, PnTable};

pub(crate) const ITEMS: u64 = 100_000;
pub(crate) const TERMINALS: usize = 15;

/// The peer's table: a map of its counters, its actors being single bytes, which is its best case.
pub(crate) type Theirs = BTreeMap<u32, PNCounter<u8>>;

pub(crate) fn chains() -> Vec<Chain> {
    let mut nonces = Jitter::new(77);
    let replicas = (1..=TERMINALS as u16).map(|n| ReplicaId::new(n, nonces.next_u64()));
    replicas.map(|replica| Chain::new(replica, Lane::Transactions)).collect()
}

/// What each terminal has done when the day begins: every product came in once and was sold once.
pub(crate) const MORNING: u64 = 2 * ITEMS;
/// And when it ends: a tenth of the products was sold once more.
pub(crate) const EVENING: u64 = MORNING + ITEMS / 10;

/// Whether anything goes down as well.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Ways {
    /// Comes in, is sold, is sold …
    Both,
    /// Comes in, again and again.
    One,
}

/// (terminal, number, product, amount) of the first `events` events of each terminal.
pub(crate) fn events(events: u64, ways: Ways) -> impl Iterator<Item = (usize, u64, u64, i64)> {
    (0..TERMINALS).flat_map(move |terminal| {
        let mut amounts = Jitter::derive(3, &[terminal as u64]);
        // The first terminal meets the products in order. The strides of the others have no divisor in common with their number, so
        // that each product comes once before one comes twice.
        let stride = if terminal == 0 { 1 } else { 20_000 * terminal as u64 + 7_003 };
        (0..events).map(move |number| {
            let amount = amounts.range(1, 40) as i64;
            let down = ways == Ways::Both && number >= ITEMS;
            (terminal, number + 1, number * stride % ITEMS, if down { -amount } else { amount })
        })
    })
}

/// What every product must show after so many events of each terminal.
pub(crate) fn truth(count: u64, ways: Ways) -> Vec<i64> {
    let mut stock = vec![0; ITEMS as usize];
    events(count, ways).for_each(|(_, _, item, amount)| stock[item as usize] += amount);
    stock
}

pub(crate) fn ours(count: u64, ways: Ways) -> PnTable {
    let chains = chains();
    let mut table = PnTable::new();
    for (terminal, seq, item, amount) in events(count, ways) {
        let dot = EventId::new(chains[terminal], Seq(seq));
        table.apply(dot, Item(item), amount).expect("one event after the other");
    }
    table
}

pub(crate) fn theirs(count: u64, ways: Ways) -> Theirs {
    let mut table = Theirs::new();
    for (terminal, _, item, amount) in events(count, ways) {
        let counter = table.entry(item as u32).or_default();
        let actor = terminal as u8;
        let op = match amount {
            0.. => counter.inc_many(actor, amount.unsigned_abs()),
            _ => counter.dec_many(actor, amount.unsigned_abs()),
        };
        counter.apply(op);
    }
    table
}

pub(crate) fn check_ours(table: &PnTable, truth: &[i64]) {
    for (item, value) in (0..).zip(truth) {
        assert_eq!(table.value(Item(item)), Ok(*value), "product {item}");
    }
}

pub(crate) fn check_theirs(table: &Theirs, truth: &[i64]) {
    for (item, value) in (0..).zip(truth) {
        assert_eq!(table[&item].read(), (*value).into(), "product {item}");
    }
}
