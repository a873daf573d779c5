//! What `sqlite3` shows of an event.

use edgepos_sync::EventRecord;
use edgepos_wire::from_cbor;

use crate::model::{self, Envelope, Kind};

/// SQLite has signed integers only; what is beyond them is not worth refusing an event for.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What the columns of [`SqliteStore`](crate::SqliteStore) show of an event, for who reads one that has none since it is in a segment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct EventColumns {
    /// The number of its kind.
    pub kind: Option<u16>,
    /// The author's wall clock, milliseconds since 1970 UTC.
    pub utc_ms: Option<u64>,
    /// The business day, as yyyymmdd.
    pub business_day: Option<u32>,
    /// The place in the store.
    pub workstation: Option<u16>,
    /// The receipt series that it is about.
    pub series: Option<String>,
    /// The number in that series.
    pub number: Option<u64>,
    /// What a sale comes to, in minor units.
    pub total: Option<i64>,
    /// In which currency, by its code.
    pub currency: Option<String>,
}

impl EventColumns {
    /// Those of an event. None, where this version cannot read it.
    pub fn of(record: &EventRecord) -> Self {
        let Ok(envelope) = Envelope::decode(&record.payload) else { return Self::default() };
        let mut columns = Self {
            kind: Some(envelope.kind.0),
            utc_ms: Some(envelope.utc_ms),
            business_day: envelope.business_day,
            workstation: Some(envelope.workstation),
            ..Self::default()
        };
        if envelope.kind == Kind::TRANSACTION
            && let Ok(transaction) = from_cbor::<model::Transaction>("transaction", &envelope.body)
        {
            columns.series = Some(transaction.series);
            columns.number = Some(transaction.number);
            columns.total = Some(transaction.total);
            columns.currency = Some(transaction.currency.to_string());
        }
        if envelope.kind == Kind::NUMBER_VOIDED
            && let Ok(voided) = from_cbor::<model::NumberVoided>("voided number", &envelope.body)
        {
            columns.series = Some(voided.series);
            columns.number = Some(voided.number);
        }
        if envelope.kind == Kind::FISCAL_SIGNED
            && let Ok(signed) = from_cbor::<model::FiscalSigned>("signature", &envelope.body)
        {
            columns.series = Some(signed.series);
            columns.number = Some(signed.number);
        }
        if envelope.kind == Kind::RECEIPT_PRINTED
            && let Ok(printed) = from_cbor::<model::ReceiptPrinted>("print", &envelope.body)
        {
            columns.series = Some(printed.series);
            columns.number = Some(printed.number);
        }
        columns
    }
}
