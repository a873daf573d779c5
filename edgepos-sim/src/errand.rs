//! What a till is at: one sale, from its first line to its receipt, or a basket that was left open.

use edgepos::model::{BasketId, CustomerKey};
use edgepos::{Commit, Draft, Record, Refusal, RequestId, Resolve, Terminal};
use edgepos_core::{IdempotencyKey, Now};

use crate::drafts::{card_steps, payment};

/// What a till asks of its terminal.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    /// Open a basket.
    Begin(Draft),
    /// Book the basket that was paid.
    Commit(Commit),
    /// Give it up.
    Abandon(BasketId),
    /// Record something else.
    Record(Record),
    /// Record a step of a payment.
    Payment(Record),
    /// Resolve an exception: what a manager asks, who hears the answer.
    Resolve(Box<Resolve>),
    /// What a clerk asks, who hears the answer.
    Beside(Beside),
}

/// What is asked beside sales.
#[derive(Clone, Debug)]
pub(crate) enum Beside {
    /// Keep the key to a customer's fields.
    Keep(CustomerKey),
    /// List the baskets that are open behind this one.
    Baskets(Option<BasketId>),
    /// Change an open basket to this.
    Update(Box<Draft>),
    /// Put a basket aside.
    Park(BasketId),
    /// Recall one.
    Claim(BasketId),
}

impl Beside {
    /// Asks it of a terminal.
    ///
    /// # Errors
    /// When the terminal refuses at once.
    pub(crate) fn ask(self, terminal: &mut Terminal, now: Now, id: RequestId) -> Result<(), Refusal> {
        match self {
            Self::Keep(key) => terminal.keep_key(now, id, &key),
            Self::Baskets(after) => terminal.ask_baskets(now, id, after),
            Self::Update(draft) => terminal.update(now, id, *draft),
            Self::Park(basket) => terminal.park(now, id, basket),
            Self::Claim(basket) => terminal.claim(now, id, basket),
        }
    }
}

/// What the till waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Waiting {
    Begin(BasketId),
    Commit(BasketId, IdempotencyKey),
    Abandon(BasketId),
    Record,
    Payment,
}

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

    /// Whether a payment terminal is asked: its approval is known at this till alone.
    pub(crate) fn by_card(&self) -> bool {
        self.commit.tenders.as_slice().iter().any(|tender| tender.payment().is_some())
    }

    /// What is on record before the commit, however often it is asked for: the intent, and the approval.
    pub(crate) fn payment(&self) -> Vec<Ask> {
        let steps = if self.by_card() { card_steps(&self.commit) } else { Vec::new() };
        steps.into_iter().map(Ask::Payment).collect()
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
