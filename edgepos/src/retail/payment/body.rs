//! What is said of a payment: before the payment terminal is asked, and after.

use edgepos_core::EventId;
use edgepos_wire::to_cbor;
use minicbor::{Decode, Encode};

use super::name::PaymentId;
use crate::retail::kind::KnownKind;
use crate::retail::redact::mask_card_numbers;
use crate::retail::sale::body::{BasketId, TenderType};

/// Longest reference of a provider, in characters.
const MAX_REF: usize = 64;

/// The body of [`Kind::PAYMENT_INTENT`](crate::model::Kind::PAYMENT_INTENT): a payment terminal is about to be asked for money. What came
/// of it is said by a [`PaymentOutcome`]; until then nobody knows.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cbor(map)]
pub struct PaymentIntent {
    /// The till's name for this attempt.
    #[n(0)]
    pub payment: PaymentId,
    /// The basket that is to be paid.
    #[n(1)]
    pub basket: BasketId,
    /// By what means.
    #[n(2)]
    pub tender: TenderType,
    /// How much is asked for, in minor units of the basket's currency; negative for money that goes back.
    #[n(3)]
    pub amount: i64,
}

/// What became of a payment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode)]
#[cbor(transparent)]
pub struct PaymentState(#[n(0)] pub u8);

impl PaymentState {
    /// The money is taken, or given back.
    pub const APPROVED: Self = Self(0);
    /// It is not, and will not be.
    pub const DECLINED: Self = Self(1);
    /// It was taken, and was given back.
    pub const REVERSED: Self = Self(2);
    /// It was taken for a basket that was paid at another till; the terminal says so itself.
    pub const SURPLUS: Self = Self(3);
    /// It was settled by other means, by somebody's word.
    pub const SETTLED: Self = Self(4);

    /// Its name in reports, in snake case; `unknown` for one of a later version.
    pub const fn name(self) -> &'static str {
        match self {
            Self::APPROVED => "approved",
            Self::DECLINED => "declined",
            Self::REVERSED => "reversed",
            Self::SURPLUS => "surplus",
            Self::SETTLED => "settled",
            _ => "unknown",
        }
    }
}

/// The body of [`Kind::PAYMENT_OUTCOME`](crate::model::Kind::PAYMENT_OUTCOME): what became of a payment. A later outcome replaces an
/// earlier one.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cbor(map)]
pub struct PaymentOutcome {
    /// The till's name for it, from its intent.
    #[n(0)]
    pub payment: PaymentId,
    /// The basket that was to be paid.
    #[n(1)]
    pub basket: BasketId,
    /// What became of it.
    #[n(2)]
    pub state: PaymentState,
    /// How much was taken, in minor units, which need not be what was asked for; 0 where nothing was.
    #[n(3)]
    pub amount: i64,
    #[n(4)]
    external_ref: Option<String>,
    #[n(5)]
    #[cbor(with = "edgepos_wire::optional_event_id")]
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::shown::text::option::serialize"))]
    beside: Option<EventId>,
}

impl PaymentOutcome {
    /// So much became of it. `external_ref` is the provider's reference: card-like numbers are masked, and it is cut at 64 characters.
    pub fn new(
        payment: PaymentId,
        basket: BasketId,
        state: PaymentState,
        amount: i64,
        external_ref: Option<&str>,
    ) -> Self {
        let external_ref = external_ref.map(|text| mask_card_numbers(text).chars().take(MAX_REF).collect());
        Self { payment, basket, state, amount, external_ref, beside: None }
    }

    /// Taken, for a basket that `beside` had booked already.
    pub(crate) fn surplus(payment: PaymentId, basket: BasketId, amount: i64, beside: EventId) -> Self {
        Self { beside: Some(beside), ..Self::new(payment, basket, PaymentState::SURPLUS, amount, None) }
    }

    /// The provider's reference.
    pub fn external_ref(&self) -> Option<&str> {
        self.external_ref.as_deref()
    }

    /// For a surplus, the sale that had been paid before.
    pub fn beside(&self) -> Option<EventId> {
        self.beside
    }
}

/// A step of a payment, as the till says it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    Intent(PaymentIntent),
    Outcome(PaymentOutcome),
}

impl Step {
    pub(crate) fn kind(&self) -> KnownKind {
        match self {
            Self::Intent(_) => KnownKind::PaymentIntent,
            Self::Outcome(_) => KnownKind::PaymentOutcome,
        }
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        match self {
            Self::Intent(intent) => to_cbor(intent),
            Self::Outcome(outcome) => to_cbor(outcome),
        }
    }
}
