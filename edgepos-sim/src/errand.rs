//! What a till is at: one sale, from its first line to its receipt, or a basket that was left open.

use edgepos::model::BasketId;
use edgepos::{Commit, Draft};

use crate::drafts::payment;

/// A sale, and how far it is.
#[derive(Clone, Debug)]
pub(crate) struct Sell {
    pub(crate) draft: Draft,
    pub(crate) commit: Commit,
    pub(crate) stage: Stage,
    /// It was begun at another till, whose answer was lost.
    pub(crate) retried: bool,
}

/// What the till asks next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    Begin,
    Pay,
    Commit,
    /// The till asks once more for a receipt that it has.
    Repeat,
}

/// What somebody does at a till.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a till has one task at a time")]
pub(crate) enum Task {
    Sell(Sell),
    /// A basket that somebody left open.
    Settle(BasketId),
}

impl Sell {
    /// A new sale, with the key that belongs to its basket.
    pub(crate) fn new(draft: Draft) -> Self {
        let commit = payment(&draft);
        Self { draft, commit, stage: Stage::Begin, retried: false }
    }

    /// The same as at another till.
    pub(crate) fn again(draft: Draft, commit: Commit) -> Self {
        Self { draft, commit, stage: Stage::Begin, retried: true }
    }
}

impl Task {
    /// The basket that it is about.
    pub(crate) fn basket(&self) -> BasketId {
        match self {
            Self::Sell(sell) => sell.draft.basket,
            Self::Settle(basket) => *basket,
        }
    }
}
