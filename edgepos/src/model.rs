//! The retail data model: what an event says, and what it does to counters.
//!
//! An event has three parts that the SDK reads (the envelope, references, effects) and a body that it carries. Names follow the
//! ARTS/OMG retail vocabulary where it has one. Everything is CBOR (RFC 8949) with small integer keys; a reader skips keys that
//! it does not know, and the original bytes are what is stored, hashed and forwarded.

pub use crate::retail::body::*;
pub use crate::retail::counting::body::CountLine;
pub use crate::retail::customer::body::KeyId;
pub use crate::retail::customer::sealing::{CustomerKey, NotAKey};
pub use crate::retail::day::body::{CashCount, next_date};
pub use crate::retail::day::cash::CashReason;
pub use crate::retail::day::shift::ShiftId;
pub use crate::retail::effect::{Counter, CounterRow, Effect, StockState};
pub use crate::retail::envelope::{ClockQuality, Envelope, Mode, Origin, Ref, RefRole, Reissue};
pub use crate::retail::exception::body::ExceptionType;
pub use crate::retail::exception::resolution::{ActionCode, Advice, Fallback, Score, Verdict};
pub use crate::retail::exception::reversal::{Reversal, TenderReversal};
pub use crate::retail::keys::name::BookedName;
pub use crate::retail::kind::{Kind, KnownKind, Subject};
pub use crate::retail::money::{Currency, CurrencyError};
pub use crate::retail::payment::body::PaymentState;
pub use crate::retail::payment::name::PaymentId;
pub use crate::retail::redact::{is_card_number, mask_card_numbers};
pub use crate::retail::sale::body::{
    BasketId, Discount, DocType, Line, OriginalLine, Tax, Tender, TenderType,
};
pub use crate::retail::sale::fiscal::{Signature, SignatureTooLong, SigningState};
pub use crate::retail::sale::number::ReceiptNumber;
pub use crate::retail::sale::tenders::{Tenders, TendersError, TooManyTenders};
pub use crate::retail::stock::{StockLine, StockReason};
pub use edgepos_wire::{DecodeError, DecodeFault};
