//! Exceptions.

use edgepos_core::EventId;
use serde::{Serialize, Serializer};

use super::text;
use crate::model::{ExceptionEnded, ExceptionRaised, ReceiptNumber};

/// An exception as it is shown.
#[derive(Serialize)]
struct Raised<'a> {
    exception: &'static str,
    /// What it is about: the counter row's key, a basket or key that was booked twice, or a receipt's number.
    #[serde(serialize_with = "text::bytes::serialize")]
    row: &'a [u8],
    episode: u32,
    value: i64,
    #[serde(serialize_with = "text::list::serialize")]
    involved: &'a [EventId],
    #[serde(serialize_with = "text::list::serialize", skip_serializing_if = "<[EventId]>::is_empty")]
    payments: &'a [EventId],
    floor: i64,
    /// The number that several receipts have.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<ReceiptNumber>,
}

/// The end of one.
#[derive(Serialize)]
struct Ended<'a> {
    #[serde(serialize_with = "text::bytes::serialize")]
    row: &'a [u8],
    episode: u32,
    value: i64,
}

impl Serialize for ExceptionRaised {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self { exception, episode, value, floor, involved, payments, .. } = self;
        let (exception, row) = (exception.name(), self.subject());
        let receipt = self.receipt_number();
        let (episode, value, floor) = (*episode, *value, *floor);
        Raised { exception, row, episode, value, involved, payments, floor, receipt }.serialize(to)
    }
}

impl Serialize for ExceptionEnded {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Ended { row: self.subject(), episode: self.episode, value: self.value }.serialize(to)
    }
}
