//! Events beside the receipts.

use edgepos::Record;
use edgepos::model::{CashCount, Effect, PriceSet, ProductSet, StockLine, StockMoved, StockReason};
use serde::Deserialize;

use super::basket::{AskedEffect, currency, key};
use super::payment::{AskedIntent, AskedOutcome};
use crate::status::Failure;

/// An event, and the key that it is recorded under.
#[derive(Deserialize)]
pub(crate) struct Keyed {
    key: Option<String>,
    #[serde(default)]
    repair: bool,
    #[serde(default)]
    whatever_clock: bool,
    #[serde(flatten)]
    event: Asked,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Asked {
    StockReceived {
        from: String,
        lines: Vec<Moved>,
    },
    StockMoved {
        reason: StockReason,
        from: Option<String>,
        to: Option<String>,
        lines: Vec<Moved>,
    },
    ProductSet {
        product: String,
        name: String,
        base_unit: String,
        #[serde(default)]
        scale: u8,
        tax_code: Option<u16>,
        counted: Option<bool>,
        floor: Option<i64>,
    },
    PriceSet {
        product: String,
        amount: i64,
        currency: String,
        #[serde(default)]
        list: u16,
        #[serde(default)]
        tax_included: bool,
        valid_from: Option<u64>,
        valid_to: Option<u64>,
    },
    DayOpened {
        day: u32,
        #[serde(default)]
        float: i64,
        currency: Option<String>,
        #[serde(default)]
        cash: Vec<Cash>,
    },
    DayClosed {
        #[serde(default)]
        counted: i64,
        currency: Option<String>,
        #[serde(default)]
        cash: Vec<Cash>,
    },
    PaymentIntent(AskedIntent),
    PaymentOutcome(AskedOutcome),
    Custom {
        /// Text of the vendor's own, which is kept as it is.
        body: String,
        #[serde(default)]
        effects: Vec<AskedEffect>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Moved {
    product: String,
    quantity: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cash {
    currency: String,
    amount: i64,
    drawer: Option<String>,
}

impl Keyed {
    /// Goods move at `location`.
    pub(crate) fn into_record(self, location: u32) -> Result<Record, Failure> {
        let record = self.event.into_record(location)?;
        let record = if self.repair { record.repairing() } else { record };
        let record = if self.whatever_clock { record.whatever_clock() } else { record };
        Ok(match self.key.as_deref().map(key).transpose()? {
            Some(key) => record.with_key(key),
            None => record,
        })
    }
}

impl Asked {
    fn into_record(self, location: u32) -> Result<Record, Failure> {
        Ok(match self {
            Self::StockReceived { from, lines } => {
                let lines = lines.into_iter().map(StockLine::from).collect();
                let moved = StockMoved { reason: StockReason::Receipt, from: Some(from), to: None, lines };
                Record::stock_moved(&moved, location)
            }
            Self::StockMoved { reason, from, to, lines } => {
                let lines = lines.into_iter().map(StockLine::from).collect();
                Record::stock_moved(&StockMoved { reason, from, to, lines }, location)
            }
            Self::ProductSet { product, name, base_unit, scale, tax_code, counted, floor } => {
                Record::product(&ProductSet { product, name, base_unit, scale, tax_code, counted, floor })
            }
            Self::PriceSet { product, amount, currency: code, list, tax_included, valid_from, valid_to } => {
                let currency = currency(&code)?;
                let price = PriceSet { product, list, amount, currency, tax_included, valid_from, valid_to };
                Record::price(&price)
            }
            Self::DayOpened { day, float, currency, cash } => {
                Record::day_opened_with(day, float, counts(float, currency, cash)?)
            }
            Self::DayClosed { counted, currency, cash } => {
                Record::day_closed_with(counted, counts(counted, currency, cash)?)
            }
            Self::PaymentIntent(asked) => Record::payment_intent(asked.into()),
            Self::PaymentOutcome(asked) => Record::payment_outcome(asked.into()),
            Self::Custom { body, effects } => {
                Record::custom(body.into_bytes(), effects.into_iter().map(Effect::from).collect())
            }
        })
    }
}

impl From<Moved> for StockLine {
    fn from(Moved { product, quantity }: Moved) -> Self {
        Self { product, quantity }
    }
}

/// What is in the drawers: the amount of the terminal's own, where its currency is named, and the others.
fn counts(amount: i64, own: Option<String>, others: Vec<Cash>) -> Result<Vec<CashCount>, Failure> {
    let own = own.map(|currency| Cash { currency, amount, drawer: None });
    let count = |Cash { currency: code, amount, drawer }| {
        Ok(CashCount { drawer, ..CashCount::new(currency(&code)?, amount) })
    };
    own.into_iter().chain(others).map(count).collect()
}
