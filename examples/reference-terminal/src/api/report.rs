//! What a terminal tells of itself and of the store.

use serde::{Deserialize, Serialize};

use crate::names::VectorText;

/// Who a terminal is and how far it has come.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StatusReport {
    /// The name of this terminal's incarnation.
    pub me: String,
    /// Who writes its events: the same, or the incarnation that it became.
    #[serde(default)]
    pub author: String,
    /// The incarnation that leads.
    pub leader: Option<String>,
    /// In which term.
    pub term: Option<u64>,
    /// Whether this terminal leads.
    pub leads: bool,
    /// Whether it leads and hears a majority.
    pub entitled: bool,
    /// `normal`, `degraded` or `leaderless`.
    pub mode: String,
    /// The store's feature level: by which rules it decides.
    #[serde(default)]
    pub feature_level: u32,
    /// Whether this terminal does not know that level: it sells and exchanges events, and takes no part in what the store decides.
    #[serde(default)]
    pub below_level: bool,
    /// The open business day, as yyyymmdd.
    pub business_day: Option<u32>,
    /// Events here that the cloud is not known to hold.
    pub queued: u64,
    /// Baskets that are open.
    pub open_baskets: usize,
    /// Events that cannot be read here.
    pub quarantined: u64,
    /// Events of branches that lost, which are kept.
    #[serde(default)]
    pub set_aside: u64,
    /// Peers with a connection.
    pub connected: Vec<String>,
    /// Exceptions that are raised.
    pub exceptions: Vec<ExceptionReport>,
    /// What someone must act on, while it holds.
    #[serde(default)]
    pub conditions: Vec<ConditionReport>,
    /// What is on this terminal's disk.
    pub durable: VectorText,
    /// What the cloud holds, as far as is known here.
    pub cloud: VectorText,
}

/// What someone must act on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ConditionReport {
    /// `forked`, `disk_full` …: the names of `docs/monitoring.md`.
    pub condition: String,
    /// What it says, in a sentence.
    pub says: String,
    /// What to do about it.
    pub remedy: String,
    /// What it is about: a chain, a peer, what the disk said.
    pub about: String,
    /// How many are concerned.
    pub count: u64,
    /// Since when, in ms since 1970 UTC by the terminal's clock.
    pub since_ms: u64,
}

/// A counter fell below its floor, or something was booked twice.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ExceptionReport {
    /// `oversold`, `returned_twice` …
    pub exception: String,
    /// What it is about, in hexadecimal: the counter row's key, or a basket or key that was booked twice.
    pub row: String,
    /// Counts the exceptions of one row.
    pub episode: u32,
    /// The value that was seen.
    pub value: i64,
    /// The events that it is about, as far as they are named.
    #[serde(default)]
    pub involved: Vec<String>,
}

/// A basket that was begun and neither committed nor abandoned.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OpenBasketReport {
    /// The till's name for it.
    pub basket: String,
    /// The receipt series.
    pub series: String,
    /// The number that it holds.
    pub number: u64,
    /// What the customer owes, in minor units.
    pub total: i64,
}

/// The value of one counter.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CounterReport {
    /// What is counted: 0 stock, 1 points, 2 returnable, 3 stored value, 4 coupon use, 5 cash.
    pub counter: u16,
    /// Whose: text where it is printable, else hexadecimal.
    pub key: String,
    /// The place that it is counted at.
    pub location: u32,
    /// Its value as far as this terminal has seen.
    pub value: i64,
    /// For cash, its currency; absent where a version before summed up all currencies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
}

/// The price that is in force.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PriceReport {
    /// The product's code.
    pub product: String,
    /// The price list.
    pub list: u16,
    /// The price of one unit, in minor units.
    pub amount: i64,
    /// The currency, by its ISO 4217 code.
    pub currency: String,
    /// Whether tax is included.
    pub tax_included: bool,
    /// Since when, milliseconds since 1970 UTC.
    pub valid_from: Option<u64>,
    /// Not valid from this time on.
    pub valid_to: Option<u64>,
}
