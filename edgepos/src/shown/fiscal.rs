//! Receipts that a fiscal device is asked to sign.

use edgepos_core::EventId;
use serde::{Serialize, Serializer};

use super::text;
use crate::model::{BasketId, Currency, Transaction};
use crate::retail::sale::fiscal::ToSign;

/// A receipt to be signed as it is shown.
#[derive(Serialize)]
struct Shown<'a> {
    basket: BasketId,
    series: &'a str,
    number: u64,
    total: i64,
    currency: Currency,
    /// What the body says; absent where it does not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction: Option<Transaction>,
    /// The bytes that are booked.
    #[serde(serialize_with = "text::bytes::serialize")]
    body: &'a [u8],
    #[serde(serialize_with = "text::option::serialize", skip_serializing_if = "Option::is_none")]
    event: Option<EventId>,
}

impl Serialize for ToSign {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self { basket, series, number, total, currency, body, event } = self;
        let shown = Shown {
            basket: *basket,
            series,
            number: *number,
            total: *total,
            currency: *currency,
            transaction: edgepos_wire::from_cbor("transaction", body).ok(),
            body,
            event: *event,
        };
        shown.serialize(to)
    }
}
