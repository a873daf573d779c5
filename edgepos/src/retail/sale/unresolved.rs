//! What is told of a basket that is open.

use super::body::{BasketId, Line};
use crate::retail::money::Currency;

/// A basket that was begun and neither committed nor abandoned: after a crash the cashier settles each of them.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OpenBasket {
    /// The till's name for it.
    pub basket: BasketId,
    /// The receipt series.
    pub series: String,
    /// The number that it holds; 0 where it gets one [at its commit](crate::NumberAt::Commit), and in training.
    pub number: u64,
    /// What the customer owes, in minor units.
    pub total: i64,
    /// When it was begun, by this terminal's wall clock, milliseconds since 1970 UTC.
    pub begun_ms: u64,
    /// The currency of its amounts.
    pub currency: Currency,
    /// What was scanned.
    pub lines: Vec<Line>,
    /// Who was signed in.
    pub operator: Option<String>,
    /// The number of this terminal.
    pub terminal: u16,
}
