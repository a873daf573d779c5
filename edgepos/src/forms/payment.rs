//! How a basket is paid, and payments with a payment terminal in two steps.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::basket::EffectPart;
use super::{FormError, bytes, is_default, key, name};
use crate::model::{
    Counter, CounterRow, Effect, PaymentIntent, PaymentOutcome, PaymentState, StockState, Tender, TenderType,
    Tenders,
};
use crate::retail::sale::receipt::Commit;
use crate::terminal::Refusal;

/// The customer has paid.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pay {
    /// The basket that was begun.
    pub basket: String,
    /// The till's key for this attempt to sell, 32 hexadecimal digits. The same one for every retry.
    pub key: String,
    /// How it was paid.
    #[serde(deserialize_with = "crate::object::list")]
    pub tenders: Vec<TenderPart>,
    /// What the customer got back in cash, in minor units. The tenders less this come to the total.
    #[serde(default, skip_serializing_if = "is_default")]
    pub change: i64,
    /// The drawer that the cash goes into, where it is not the terminal's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drawer: Option<String>,
    /// Who takes the money, where that is not who began the basket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// What the payments do to points, gift cards and coupons, beside what the basket does; at most four, with `card`.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::object::list")]
    pub effects: Vec<EffectPart>,
    /// Additions of your own to the event, by name: bytes as hexadecimal digits. At most 1 KiB, with the effects.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ext: BTreeMap<String, String>,
}

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
    /// For `stored_value`: the gift card that it takes the money from. A card that nobody here knows is taken as it is; else no more than
    /// is on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<String>,
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

impl Pay {
    /// The commit that it asks for.
    ///
    /// # Errors
    /// When a name or the key cannot be read, or there are too many payments.
    pub fn into_commit(self) -> Result<Commit, FormError> {
        let Self { basket, key: text, tenders, change, drawer, operator, effects, ext } = self;
        let cards = tenders.iter().map(TenderPart::takes).collect::<Result<Vec<_>, _>>()?;
        let effects = effects.into_iter().map(Effect::from).chain(cards.into_iter().flatten()).collect();
        let ext = ext.into_iter().map(|(name, digits)| Ok((name, bytes(&digits)?)));
        let ext = ext.collect::<Result<_, FormError>>()?;
        let tenders = tenders.into_iter().map(TenderPart::into_tender).collect::<Result<_, _>>()?;
        let tenders = Tenders::new(tenders)?.with_change(change).in_drawer(drawer);
        let tenders = tenders.taken_by(operator).with_effects(effects).with_ext(ext);
        Ok(Commit { basket: name(&basket)?, key: key(&text)?, tenders })
    }
}

impl TenderPart {
    /// What it takes from its card.
    fn takes(&self) -> Result<Option<Effect>, FormError> {
        let Some(card) = &self.card else { return Ok(None) };
        if self.kind != TenderKind::StoredValue {
            let reason = "a gift card pays by `stored_value`";
            return Err(Refusal::BadField { field: "card", reason }.into());
        }
        let (counter, state) = (Counter::STORED_VALUE, StockState::OnHand);
        let row = CounterRow { counter, location: 0, state, key: card.clone().into_bytes() };
        // An amount that is no amount is refused with the payments.
        Ok(Some(Effect::new(row, self.amount.saturating_neg(), Some(0))))
    }

    fn into_tender(self) -> Result<Tender, FormError> {
        let tender = Tender::new(self.kind.into(), self.amount, self.external_ref.as_deref());
        Ok(match self.payment.as_deref().map(name).transpose()? {
            Some(payment) => tender.of_payment(payment),
            None => tender,
        })
    }
}

impl From<TenderKind> for TenderType {
    fn from(kind: TenderKind) -> Self {
        match kind {
            TenderKind::Cash => Self::CASH,
            TenderKind::Card => Self::CARD,
            TenderKind::StoredValue => Self::STORED_VALUE,
            TenderKind::Other => Self::OTHER,
        }
    }
}

impl IntentPart {
    pub(super) fn into_intent(self) -> Result<PaymentIntent, FormError> {
        let Self { payment, basket, kind, amount } = self;
        Ok(PaymentIntent { payment: name(&payment)?, basket: name(&basket)?, tender: kind.into(), amount })
    }
}

impl OutcomePart {
    pub(super) fn into_outcome(self) -> Result<PaymentOutcome, FormError> {
        let state = match self.state {
            OutcomeState::Approved => PaymentState::APPROVED,
            OutcomeState::Declined => PaymentState::DECLINED,
            OutcomeState::Reversed => PaymentState::REVERSED,
            OutcomeState::Settled => PaymentState::SETTLED,
        };
        let (payment, basket) = (name(&self.payment)?, name(&self.basket)?);
        Ok(PaymentOutcome::new(payment, basket, state, self.amount, self.external_ref.as_deref()))
    }
}
