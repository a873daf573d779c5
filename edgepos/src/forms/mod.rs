//! What a till says in JSON, one form for each thing that it may want: the bodies of the reference terminal's HTTP and the requests of the C
//! API. A name is text, an amount a whole number of minor units, and a field that a form does not have is refused.

mod basket;
mod customer;
mod from_above;
mod nearest;
mod payment;
mod record;
mod resolving;

pub use basket::{Begin, BeginLine, DiscountPart, EffectPart, Original, TaxPart};
pub use customer::{KeepKey, Secret};
pub use from_above::FromAbove;
pub use nearest::explain;
pub use payment::{IntentPart, OutcomePart, OutcomeState, Pay, TenderKind, TenderPart};
pub use record::{CashPart, CountPart, KeyedRecord, RecordEvent, StockPart};
pub use resolving::{ResolutionPart, ResolveException};

use edgepos_core::{IdempotencyKey, ParseIdError};
use thiserror::Error;

use crate::model::{Currency, CurrencyError, NotAKey, TooManyTenders};
pub use crate::object::{list, read};
use crate::terminal::refusal::Refusal;

/// What a form says does not read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FormError {
    /// A name or a key cannot be read.
    #[error("{text:?}: {source}")]
    Name {
        /// What stands in its place.
        text: String,
        /// What is wrong with it.
        source: ParseIdError,
    },
    /// A currency that ISO 4217 does not have.
    #[error("currency {text:?}: {source}")]
    Currency {
        /// What stands in its place.
        text: String,
        /// What is wrong with it.
        source: CurrencyError,
    },
    /// What is no customer's key.
    #[error("secret: {0}")]
    CustomerKey(#[source] NotAKey),
    /// What it says is refused wherever it is recorded.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Something that a till alone records.
    #[error("what comes down from the cloud is a product, a price, a document or a customer")]
    NotFromAbove,
    /// There are too many payments.
    #[error(transparent)]
    Tenders(#[from] TooManyTenders),
    /// Bytes cannot be read: the row of an exception, a part of an attachment, its hash.
    #[error("{text:?}: expected hexadecimal digits, two a byte")]
    Row {
        /// What stands in its place.
        text: String,
    },
}

/// Whether a field has its default and need not be written.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A name as it is displayed.
fn name<T: std::str::FromStr<Err = ParseIdError>>(text: &str) -> Result<T, FormError> {
    text.parse().map_err(|source| FormError::Name { text: text.to_owned(), source })
}

/// Bytes from hexadecimal digits.
fn bytes(text: &str) -> Result<Vec<u8>, FormError> {
    let digits = text.len().is_multiple_of(2) && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    let each = (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok());
    digits.then(|| each.collect()).flatten().ok_or_else(|| FormError::Row {
        // As much as tells what it is.
        text: text.chars().take(80).collect(),
    })
}

/// A till's key, 32 hexadecimal digits.
fn key(text: &str) -> Result<IdempotencyKey, FormError> {
    name(text)
}

/// A currency by its ISO 4217 code, one that is in use.
fn currency(text: &str) -> Result<Currency, FormError> {
    text.parse().map_err(|source| FormError::Currency { text: text.to_owned(), source })
}

/// That of a receipt, on which something comes back.
fn receipt_currency(text: &str) -> Result<Currency, FormError> {
    Currency::of_receipt(text).map_err(|source| FormError::Currency { text: text.to_owned(), source })
}
