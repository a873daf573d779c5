//! The rules by which exceptions are resolved where nobody knows better, and which of them the store resolves by itself.

use std::time::Duration;

use edgepos_core::{EventId, IdempotencyKey};
use serde::{Deserialize, Serialize};

use super::body::{ExceptionRaised, ExceptionType};
use super::resolution::{Action, ActionCode, Advice, Resolve};
use crate::retail::keys::name::BookedName;

/// What is done with what the resolver proposes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Handling {
    /// Nothing is proposed.
    Off,
    /// It stands beside the exception until a person decides.
    #[default]
    Propose,
    /// The store does it by itself.
    Apply,
}

/// For which exceptions the store's resolver proposes something, and which the store resolves by itself. The default proposes for each and
/// applies nothing. The terminal that leads goes by its own: give all terminals of a store the same.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// More was sold than there was.
    pub oversold: Handling,
    /// More of a receipt line came back than was sold, or more money was paid back on it than it came to.
    pub returned_twice: Handling,
    /// Points or a gift card are overdrawn.
    pub overdrawn: Handling,
    /// A coupon was used too often.
    pub coupon_reused: Handling,
    /// Goods came back on a receipt that nobody has.
    pub unreferenced_return: Handling,
    /// One basket or key was booked more than once.
    pub duplicate: Handling,
    /// Two receipts of one terminal and series have one number.
    pub same_number: Handling,
    /// Any other counter is below its floor.
    pub below_floor: Handling,
    /// Whether a sale may be voided without a person's approval. Default `false`: a void is proposed, whatever the handling.
    pub voids_unapproved: bool,
    /// How long a model may take that is asked what to do, in ms; the rules propose then. Default: there is no model to ask, and the rules
    /// propose at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_within_ms: Option<u64>,
}

impl Policy {
    /// What is done with what is proposed for exceptions of a type.
    pub fn handling(&self, exception: ExceptionType) -> Handling {
        match exception {
            ExceptionType::OVERSOLD => self.oversold,
            ExceptionType::RETURNED_TWICE | ExceptionType::REFUNDED_TWICE => self.returned_twice,
            ExceptionType::OVERDRAWN => self.overdrawn,
            ExceptionType::COUPON_REUSED => self.coupon_reused,
            ExceptionType::UNREFERENCED => self.unreferenced_return,
            ExceptionType::DUPLICATE => self.duplicate,
            ExceptionType::SAME_NUMBER => self.same_number,
            _ => self.below_floor,
        }
    }

    /// How long a model may take; `None` where there is none to ask.
    pub(crate) fn model_within(&self) -> Option<Duration> {
        self.model_within_ms.map(Duration::from_millis)
    }

    /// Whether the store does by itself what is advised.
    pub(super) fn applies(&self, exception: ExceptionType, advice: &Advice) -> bool {
        let allowed = advice.action != ActionCode::VOID_TRANSACTION || self.voids_unapproved;
        self.handling(exception) == Handling::Apply && allowed
    }
}

/// The rule policy: what it proposes follows from the exception alone, so that it is the same wherever it is asked.
///
/// Stock is counted again: usually the record is wrong, and the goods have left. Of a basket that was booked twice the later sale is voided,
/// by its id. Anything else stays as it is until somebody has looked: a basket that was booked once and paid twice is no sale too many, and
/// two things under one key may both have happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rules;

impl Rules {
    /// What the rules propose.
    pub fn advise(self, raised: &ExceptionRaised) -> Advice {
        let (action, transaction, reason) = match raised.exception {
            ExceptionType::OVERSOLD => (
                ActionCode::RECOUNT,
                None,
                format!("{} were sold beyond what the record has: count what there is", short(raised)),
            ),
            ExceptionType::DUPLICATE => duplicate(raised),
            ExceptionType::SAME_NUMBER => (
                ActionCode::ACCEPT,
                raised.involved.last().copied(),
                "two customers hold receipts of one number: both sales stand, and whoever keeps the books has to know".to_owned(),
            ),
            ExceptionType::RETURNED_TWICE => (
                ActionCode::ACCEPT,
                raised.involved.last().copied(),
                "more came back than was sold: look at the returns that are involved".to_owned(),
            ),
            ExceptionType::REFUNDED_TWICE => (
                ActionCode::ACCEPT,
                raised.involved.last().copied(),
                "more money was paid back than the line came to: look at the returns that are involved".to_owned(),
            ),
            ExceptionType::UNREFERENCED => (
                ActionCode::ACCEPT,
                raised.involved.last().copied(),
                "goods came back on a receipt that nobody has".to_owned(),
            ),
            _ => (
                ActionCode::ACCEPT,
                raised.involved.last().copied(),
                format!("the counter is {} below its floor", short(raised)),
            ),
        };
        let (by, reasons) = ("rules".to_owned(), vec![reason]);
        Advice { action, transaction, by, reasons, scores: Vec::new(), fallback: None }
    }
}

/// What is done about what was booked more than once.
fn duplicate(raised: &ExceptionRaised) -> (ActionCode, Option<EventId>, String) {
    let (booked, last) = (raised.booked().count(), raised.booked().next_back());
    if !raised.payments.is_empty() && booked < 2 {
        let reason = "it was booked once, and more was paid than that: give the rest back, and record that it went back";
        return (ActionCode::ACCEPT, last, reason.to_owned());
    }
    if matches!(raised.booked_twice(), Some(BookedName::Basket(_))) {
        let reason = format!("it was booked {booked} times; of these the one with the lowest id stays");
        return (ActionCode::VOID_TRANSACTION, last, reason);
    }
    let reason = "one key is on several records, which all count: take back what did not happen; goods that moved can be voided";
    (ActionCode::ACCEPT, last, reason.to_owned())
}

/// By how much the counter is below its floor.
fn short(raised: &ExceptionRaised) -> u64 {
    raised.floor.saturating_sub(raised.value).unsigned_abs()
}

/// The call by which the store does what is advised; `None` where it takes a person to say how.
pub(super) fn call(
    raised: &ExceptionRaised,
    advice: &Advice,
    base: u64,
    key: IdempotencyKey,
) -> Option<Resolve> {
    let void = |transaction: EventId| Action::VoidTransaction {
        transaction,
        // Whether money went back is for a person to say.
        refund: false,
        approved_by: "policy".into(),
    };
    let action = match advice.action {
        ActionCode::BACKORDER => Action::Backorder,
        ActionCode::RECOUNT => Action::Recount { counted: None },
        ActionCode::ACCEPT => Action::Accept,
        ActionCode::VOID_TRANSACTION => void(advice.transaction?),
        _ => return None,
    };
    Some(Resolve {
        exception: raised.subject().to_vec(),
        episode: raised.episode,
        action,
        actor: advice.by.clone(),
        reason: advice.reasons.first().cloned().unwrap_or_default(),
        base: Some(base),
        key,
    })
}
