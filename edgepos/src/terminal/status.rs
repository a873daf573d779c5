//! What a terminal can be asked.

use super::{CounterValue, OpenBasket, Status, Terminal};
use crate::model::{CounterRow, PriceSet, ProductSet};

impl Terminal {
    /// Who it is, whom it follows, and how far its events have come.
    pub fn status(&self) -> Status {
        Status {
            me: self.config.me,
            leader: self.election.leader(),
            entitled: self.election.entitled(),
            mode: self.mode_name(),
            durable: self.outbox.durable().clone(),
            cloud: self.outbox.cloud().clone(),
            queued: self.outbox.queue_len(),
            connected: self.peers.keys().copied().collect(),
            open_baskets: self.sales.open_count(),
            exceptions: self.state.exceptions.iter().cloned().collect(),
            quarantined: self.state.quarantined,
            business_day: self.day.and_then(|(day, open)| open.then_some(day)),
        }
    }

    /// Baskets that were begun and neither committed nor abandoned, by rising id. After a crash the cashier settles each.
    pub fn unresolved(&self) -> Vec<OpenBasket> {
        self.sales.unresolved().collect()
    }

    /// The value of a counter as far as this terminal has seen; `None` when nothing ever moved it.
    pub fn counter(&self, row: &CounterRow) -> Option<i64> {
        self.state.counters.get(row)
    }

    /// Every counter and its value, by rising key.
    pub fn counters(&self) -> Vec<CounterValue> {
        self.state.counters.iter().map(|(row, value)| CounterValue { row, value }).collect()
    }

    /// A product's master data.
    pub fn product(&self, product: &str) -> Option<&ProductSet> {
        self.state.catalogue.product(product)
    }

    /// The newest price of a product on a list, while it is valid at `at_ms` (milliseconds since 1970 UTC).
    pub fn price(&self, product: &str, list: u16, at_ms: u64) -> Option<&PriceSet> {
        self.state.catalogue.price(product, list, at_ms)
    }
}
