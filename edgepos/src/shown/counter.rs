//! Counters.

use serde::{Serialize, Serializer};

use super::text::hex;
use crate::model::{Counter, CounterRow, Currency};
use crate::retail::counters::CounterValue;

/// A counter as it is shown.
#[derive(Serialize)]
struct Shown {
    /// What is counted: 0 stock, 1 points, 2 returnable, 3 stored value, 4 coupon use, 5 cash, 6 payments that did not add up, 7 money paid back.
    counter: u16,
    /// Whose: text where it is printable, else hexadecimal.
    key: String,
    location: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<Currency>,
}

impl Shown {
    fn of(row: &CounterRow, value: Option<i64>) -> Self {
        let text = std::str::from_utf8(&row.key).ok().filter(|text| !text.chars().any(char::is_control));
        let key = match text {
            Some(text) if ![Counter::RETURNABLE, Counter::REFUNDABLE].contains(&row.counter) => {
                text.to_owned()
            }
            _ => hex(&row.key),
        };
        Self { counter: row.counter.0, key, location: row.location, value, currency: row.currency() }
    }
}

impl Serialize for CounterRow {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Shown::of(self, None).serialize(to)
    }
}

impl Serialize for CounterValue {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Shown::of(&self.row, Some(self.value)).serialize(to)
    }
}
