//! How a till pays: means, and payments with a payment terminal in two steps.

use serde::{Deserialize, Serialize};

/// One payment of a transaction.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenderPart {
    /// By what it is paid.
    pub kind: TenderKind,
    /// How much, in minor units.
    pub amount: i64,
    /// The payment provider's reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_ref: Option<String>,
    /// The payment that a payment terminal approved, as its intent called it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<String>,
}

/// A means of payment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenderKind {
    /// Notes and coins.
    Cash,
    /// A debit or credit card.
    Card,
    /// A gift card or a voucher.
    StoredValue,
    /// Anything else, such as a manufacturer's coupon.
    Other,
}

/// A payment terminal is about to be asked for money. It is asked once this is answered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntentPart {
    /// The till's name for this attempt, 32 hexadecimal digits. The next attempt has another one.
    pub payment: String,
    /// The basket that is to be paid.
    pub basket: String,
    /// By what it is paid.
    pub kind: TenderKind,
    /// How much is asked for, in minor units.
    pub amount: i64,
}

/// What the payment terminal said.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutcomePart {
    /// The payment, as its intent called it.
    pub payment: String,
    /// The basket that was to be paid.
    pub basket: String,
    /// What became of it.
    pub state: OutcomeState,
    /// How much was taken, in minor units; 0 where nothing was.
    #[serde(default)]
    pub amount: i64,
    /// The payment provider's reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_ref: Option<String>,
}

/// What became of a payment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeState {
    /// The money is taken.
    Approved,
    /// It is not, and will not be.
    Declined,
    /// It was taken, and was given back.
    Reversed,
    /// It was settled by other means, by somebody's word.
    Settled,
}
