//! What a fiscal signer is asked, and what it says.

use edgepos_core::EventId;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use thiserror::Error;

use super::body::{BasketId, Transaction};
use crate::retail::money::Currency;
use crate::retail::redact::mask_card_numbers;

/// What a fiscal device says of a receipt: opaque here. A vendor prints it, or shows it in a code.
///
/// It names the receipt that the device has signed, as the device says it where it does: an answer that comes late, behind the next
/// question, is told apart by that, and never stands on the wrong receipt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signature {
    series: String,
    number: u64,
    bytes: Vec<u8>,
}

/// A signature that is longer than a receipt may have.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("a signature of {given} bytes is longer than {max}", max = Signature::MAX)]
pub struct SignatureTooLong {
    given: usize,
}

impl Signature {
    /// Longest signature, in bytes.
    pub const MAX: usize = 4_096;

    /// These bytes of the device, for the receipt of this series and number.
    ///
    /// # Errors
    /// When there are more than [`MAX`](Self::MAX).
    pub fn new(series: impl Into<String>, number: u64, bytes: Vec<u8>) -> Result<Self, SignatureTooLong> {
        match bytes.len() {
            given if given > Self::MAX => Err(SignatureTooLong { given }),
            _ => Ok(Self { series: series.into(), number, bytes }),
        }
    }

    /// The bytes of the device.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Itself, where it is for this receipt.
    pub(crate) fn meant_for(self, series: &str, number: u64) -> Result<Self, SignError> {
        if self.series == series && self.number == number {
            return Ok(self);
        }
        Err(SignError::Away(format!(
            "it has signed {} {} and not {series} {number}",
            self.series, self.number
        )))
    }
}

/// Why a receipt is not signed.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum SignError {
    /// The device does not answer, or cannot sign for the moment: it is asked again later, and the sale is booked meanwhile.
    #[error("the signer is away: {0}")]
    Away(String),
    /// The device has read the receipt and will not sign it, now or later: that is put on record, and the sale stands.
    #[error("the signer refuses the receipt: {0}")]
    Refused(String),
}

/// A receipt to be signed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ToSign {
    /// The basket that it came of.
    pub basket: BasketId,
    /// The receipt series.
    pub series: String,
    /// Its number there. A receipt is named by terminal, series and number: who signed it before says the same again.
    pub number: u64,
    /// What it comes to, in minor units.
    pub total: i64,
    /// The currency of its amounts.
    pub currency: Currency,
    /// The body of its event as it is booked, with lines, payments and taxes: a [`Transaction`] in CBOR.
    pub body: Vec<u8>,
    /// The event that booked it, where it is booked already.
    pub event: Option<EventId>,
}

impl ToSign {
    /// The receipt of this transaction, whose body this is.
    pub fn of(transaction: &Transaction, body: Vec<u8>, event: Option<EventId>) -> Self {
        let Transaction { basket, series, number, total, currency, .. } = transaction.clone();
        Self { basket, series, number, total, currency, body, event }
    }
}

/// A receipt that is booked and waits for its signature.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct UnsignedReceipt {
    /// The basket that it came of.
    pub basket: BasketId,
    /// The event that booked it.
    #[cfg_attr(feature = "serde", serde(with = "crate::shown::text"))]
    pub event: EventId,
    /// The receipt series.
    pub series: String,
    /// Its number there.
    pub number: u64,
    /// When it was booked, by this terminal's wall clock, milliseconds since 1970 UTC.
    pub since_ms: u64,
}

/// What became of a signature.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(transparent)]
pub struct SigningState(#[n(0)] pub u8);

impl SigningState {
    /// The device has signed.
    pub const SIGNED: Self = Self(0);
    /// The device will not sign, and says why.
    pub const REFUSED: Self = Self(1);
    /// The receipt is booked without: the device was away. What it says later is an event of its own.
    pub const WAITING: Self = Self(2);

    /// Its name in answers; `unknown` for one of a later version.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SIGNED => "signed",
            Self::REFUSED => "refused",
            Self::WAITING => "waiting",
            _ => "unknown",
        }
    }

    /// Of several that were said of one receipt the lowest counts.
    pub(super) fn rank(self) -> u8 {
        self.0
    }
}

/// The body of [`Kind::FISCAL_SIGNED`](crate::model::Kind::FISCAL_SIGNED): what a fiscal device said of a receipt.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct FiscalSigned {
    /// The receipt's basket.
    #[n(0)]
    pub basket: BasketId,
    /// The receipt's series.
    #[n(1)]
    pub series: String,
    /// Its number there.
    #[n(2)]
    pub number: u64,
    /// What became of it.
    #[n(3)]
    pub state: SigningState,
    #[n(4)]
    signature: Option<ByteVec>,
    /// Why it is not signed, or not yet, at most 256 bytes.
    #[n(5)]
    pub reason: Option<String>,
}

/// Longest reason of a refusal, in bytes.
const MAX_REASON: usize = 256;

impl FiscalSigned {
    /// What a device has answered for the receipt of this name. Card numbers in a reason are masked, and it is cut at 256 bytes.
    pub fn of(basket: BasketId, series: String, number: u64, answer: Result<Signature, SignError>) -> Self {
        let answer = answer.and_then(|signature| signature.meant_for(&series, number));
        let (state, signature, reason) = match answer {
            Ok(Signature { bytes, .. }) => (SigningState::SIGNED, Some(ByteVec::from(bytes)), None),
            Err(SignError::Refused(reason)) => (SigningState::REFUSED, None, Some(reason)),
            Err(SignError::Away(reason)) => (SigningState::WAITING, None, Some(reason)),
        };
        let cut = |reason: String| {
            let mut reason = mask_card_numbers(&reason);
            reason.truncate(reason.floor_char_boundary(MAX_REASON));
            reason
        };
        Self { basket, series, number, state, signature, reason: reason.map(cut) }
    }

    /// What the device said, where it has signed.
    pub fn signature(&self) -> Option<&[u8]> {
        self.signature.as_ref().map(|bytes| bytes.as_slice())
    }

    /// Whether the device is to be asked about the receipt once more.
    pub(crate) fn waits(&self) -> bool {
        self.state == SigningState::WAITING
    }
}
