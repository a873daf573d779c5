//! How a basket is paid, and payments with a payment terminal in two steps.

use edgepos::Commit;
use edgepos::model::{
    BasketId, PaymentId, PaymentIntent, PaymentOutcome, PaymentState, Tender, TenderType, Tenders,
};
use serde::Deserialize;

use super::basket::key;
use crate::status::Failure;

/// The customer has paid.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pay {
    basket: BasketId,
    key: String,
    tenders: Vec<AskedTender>,
    #[serde(default)]
    change: i64,
    drawer: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedTender {
    kind: Means,
    amount: i64,
    external_ref: Option<String>,
    payment: Option<PaymentId>,
}

/// A payment terminal is about to be asked for money.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskedIntent {
    payment: PaymentId,
    basket: BasketId,
    kind: Means,
    amount: i64,
}

/// What the payment terminal said.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskedOutcome {
    payment: PaymentId,
    basket: BasketId,
    state: State,
    #[serde(default)]
    amount: i64,
    external_ref: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Approved,
    Declined,
    Reversed,
    Settled,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Means {
    Cash,
    Card,
    StoredValue,
    Other,
}

impl Pay {
    pub(crate) fn into_commit(self) -> Result<Commit, Failure> {
        let Self { basket, key: name, tenders, change, drawer } = self;
        let tenders = Tenders::new(tenders.into_iter().map(Tender::from).collect());
        let tenders = tenders.map_err(Failure::bad_request)?.with_change(change).in_drawer(drawer);
        Ok(Commit { basket, key: key(&name)?, tenders })
    }
}

impl From<AskedTender> for Tender {
    fn from(asked: AskedTender) -> Self {
        let AskedTender { kind, amount, external_ref, payment } = asked;
        let tender = Self::new(kind.into(), amount, external_ref.as_deref());
        match payment {
            Some(payment) => tender.of_payment(payment),
            None => tender,
        }
    }
}

impl From<Means> for TenderType {
    fn from(means: Means) -> Self {
        match means {
            Means::Cash => Self::CASH,
            Means::Card => Self::CARD,
            Means::StoredValue => Self::STORED_VALUE,
            Means::Other => Self::OTHER,
        }
    }
}

impl From<AskedIntent> for PaymentIntent {
    fn from(asked: AskedIntent) -> Self {
        let AskedIntent { payment, basket, kind, amount } = asked;
        Self { payment, basket, tender: kind.into(), amount }
    }
}

impl From<AskedOutcome> for PaymentOutcome {
    fn from(asked: AskedOutcome) -> Self {
        let AskedOutcome { payment, basket, state, amount, external_ref } = asked;
        let state = match state {
            State::Approved => PaymentState::APPROVED,
            State::Declined => PaymentState::DECLINED,
            State::Reversed => PaymentState::REVERSED,
            State::Settled => PaymentState::SETTLED,
        };
        Self::new(payment, basket, state, amount, external_ref.as_deref())
    }
}
