//! Prices that were set: who sets one and knows another has replaced it, whatever any clock shows.

use std::collections::BTreeMap;

use edgepos::crdt::VersionVector;
use edgepos::model::{Currency, PriceSet};
use edgepos::{Record, RequestId};
use edgepos_core::EventId;

use crate::check::{Rule, StoreView, Violation};
use crate::goods::products;

/// Every price that a till sets in a small world.
const AMOUNTS: [i64; 2] = [100, 200];

/// What was set, and by whom who knew what.
#[derive(Debug, Default)]
pub(super) struct Prices {
    asked: BTreeMap<RequestId, (i64, VersionVector)>,
    set: Vec<Set>,
}

/// A price that was set.
#[derive(Debug)]
struct Set {
    amount: i64,
    event: EventId,
    /// What its terminal held when it was asked.
    knew: VersionVector,
}

/// A price of the first product, also where the clock is off.
pub(super) fn price(amount: i64, anyway: bool) -> Record {
    let product = products().next().unwrap_or_default();
    let (currency, list) = (Currency::EUR, 0);
    let record = Record::price(&PriceSet {
        product,
        list,
        amount,
        currency,
        tax_included: true,
        valid_from: None,
        valid_to: None,
        version: None,
    });
    if anyway { record.whatever_clock() } else { record }
}

impl Prices {
    /// A terminal that holds these events is asked for this. Whether it is a price, and one that a wrong clock may set.
    pub(super) fn asks(
        &mut self,
        request: RequestId,
        record: &Record,
        knows: Option<&VersionVector>,
    ) -> Option<bool> {
        let ways = AMOUNTS.into_iter().flat_map(|amount| [(amount, false), (amount, true)]);
        let (amount, anyway) =
            ways.into_iter().find(|(amount, anyway)| price(*amount, *anyway) == *record)?;
        self.asked.insert(request, (amount, knows.cloned().unwrap_or_default()));
        Some(anyway)
    }

    /// It is set.
    pub(super) fn are_set(&mut self, request: RequestId, event: EventId) {
        let asked = self.asked.remove(&request);
        self.set.extend(asked.map(|(amount, knew)| Set { amount, event, knew }));
    }

    /// Prices in force that somebody has replaced who knew them.
    pub(super) fn check(&self, view: &StoreView) -> Vec<Violation> {
        let shown = view.terminals.iter().flat_map(|terminal| terminal.prices.values());
        let in_force = |set: &&Set| shown.clone().any(|price| price.amount == set.amount);
        let mut found = Vec::new();
        for old in self.set.iter().filter(in_force) {
            if let Some(new) = self.set.iter().find(|new| new.knew.covers(old.event)) {
                let (Set { amount, event, .. }, Set { amount: now, event: by, .. }) = (old, new);
                let what =
                    format!("price {amount} of {event} is in force, and {by}, which knew it, set {now}");
                found.push(Violation::new(Rule::InTime, what));
            }
        }
        found
    }
}
