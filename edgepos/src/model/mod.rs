//! The retail data model: what an event says, and what it does to counters.
//!
//! An event has three parts that the SDK reads (the envelope, references, effects) and a body that it carries. Names follow the
//! ARTS/OMG retail vocabulary where it has one. Everything is CBOR (RFC 8949) with small integer keys; a reader skips keys that
//! it does not know, and the original bytes are what is stored, hashed and forwarded.

mod body;
mod cbor;
mod effect;
mod envelope;
mod exception;
mod money;
mod redact;
mod transaction;

pub use body::{
    DayClosed, DayOpened, NumberVoided, PriceSet, ProductSet, StockLine, StockMoved, StockReason,
};
pub use effect::{Counter, CounterRow, Effect, StockState};
pub use envelope::{ClockQuality, DecodeError, Envelope, Kind, Mode, Ref, RefRole};
pub use exception::{ExceptionRaised, ExceptionType};
pub use money::{Currency, CurrencyError};
pub use redact::mask_card_numbers;
pub use transaction::{
    BasketId, Discount, DocType, Line, OriginalLine, Tax, Tender, TenderType, Tenders, Transaction,
};

pub(crate) use cbor::{from_cbor, to_cbor};
