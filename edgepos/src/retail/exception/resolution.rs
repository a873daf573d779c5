//! What becomes of an exception: what is proposed, what somebody decides, and what the store's log makes of it.

use edgepos_core::{EventId, IdempotencyKey};
use minicbor::{Decode, Encode};
use thiserror::Error;

use super::body::episode_key;
use super::reversal::Reversal;

/// Longest name of an actor or an approver, in bytes.
pub(crate) const MAX_NAME: usize = 64;
/// Longest reason, in bytes.
pub(crate) const MAX_REASON: usize = 512;

/// What is done about an exception, or about an earlier resolution: its number in a decision, for ever.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Encode, Decode)]
#[cbor(transparent)]
pub struct ActionCode(#[n(0)] pub u8);

impl ActionCode {
    /// The missing goods are owed to customers.
    pub const BACKORDER: Self = Self(0);
    /// The stock record was wrong, by this much.
    pub const ADJUST_INVENTORY: Self = Self(1);
    /// Somebody counts, or has counted.
    pub const RECOUNT: Self = Self(2);
    /// It stays as it is.
    pub const ACCEPT: Self = Self(3);
    /// A sale is taken back.
    pub const VOID_TRANSACTION: Self = Self(4);
    /// The latest decision about the exception is taken back.
    pub const UNDO: Self = Self(5);
    /// What was owed is handed out.
    pub const FULFIL: Self = Self(6);
    /// What was owed is owed no longer.
    pub const CANCEL: Self = Self(7);
    /// What was to be counted is counted.
    pub const COUNT: Self = Self(8);

    /// Its name, in snake case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BACKORDER => "backorder",
            Self::ADJUST_INVENTORY => "adjust_inventory",
            Self::RECOUNT => "recount",
            Self::ACCEPT => "accept",
            Self::VOID_TRANSACTION => "void_transaction",
            Self::UNDO => "undo",
            Self::FULFIL => "fulfil",
            Self::CANCEL => "cancel",
            Self::COUNT => "count",
            _ => "unknown",
        }
    }

    /// Whether it goes on from an earlier decision, and so from a resolution that is there.
    pub(super) const fn is_step(self) -> bool {
        matches!(self, Self::UNDO | Self::FULFIL | Self::CANCEL | Self::COUNT)
    }
}

/// What somebody wants done about an exception.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// What is missing is owed to customers: it is set aside as reserved, until it is [handed out](Self::Fulfil) or
    /// [cancelled](Self::Cancel). Of stock on hand.
    Backorder,
    /// The stock record was wrong by `delta`. Of stock.
    AdjustInventory {
        /// By how much the record changes; not zero.
        delta: i64,
    },
    /// Somebody counts: what there is, where it is known already; else the exception stays open until the [count](Self::Count). Of stock.
    Recount {
        /// How much there is.
        counted: Option<i64>,
    },
    /// It stays as it is: the exception stays open, marked, until its counter is at its floor again.
    Accept,
    /// A sale is taken back: every counter that it moved moves back.
    VoidTransaction {
        /// The event that booked it.
        transaction: EventId,
        /// Whether its money was given back; where not, no drawer's cash moves.
        refund: bool,
        /// Who has approved it.
        approved_by: String,
    },
    /// Takes the latest decision about the exception back, with everything that it did to counters.
    Undo {
        /// The event of that decision.
        of: EventId,
    },
    /// What was owed is handed out, from goods that have come.
    Fulfil {
        /// The event that made it a back-order.
        of: EventId,
    },
    /// What was owed is owed no longer; the return that goes with it brings the sold quantity back.
    Cancel {
        /// The event that made it a back-order.
        of: EventId,
    },
    /// What was to be counted is counted.
    Count {
        /// The event that asked for it.
        of: EventId,
        /// How much there is.
        counted: i64,
    },
}

impl Action {
    /// Its number in a decision.
    pub fn code(&self) -> ActionCode {
        match self {
            Self::Backorder => ActionCode::BACKORDER,
            Self::AdjustInventory { .. } => ActionCode::ADJUST_INVENTORY,
            Self::Recount { .. } => ActionCode::RECOUNT,
            Self::Accept => ActionCode::ACCEPT,
            Self::VoidTransaction { .. } => ActionCode::VOID_TRANSACTION,
            Self::Undo { .. } => ActionCode::UNDO,
            Self::Fulfil { .. } => ActionCode::FULFIL,
            Self::Cancel { .. } => ActionCode::CANCEL,
            Self::Count { .. } => ActionCode::COUNT,
        }
    }

    /// The earlier decision that it goes on from.
    pub(super) fn of(&self) -> Option<EventId> {
        match self {
            Self::Undo { of } | Self::Fulfil { of } | Self::Cancel { of } | Self::Count { of, .. } => {
                Some(*of)
            }
            _ => None,
        }
    }
}

/// A resolution as it is asked for, by a person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resolve {
    /// What the exception is about: [`ExceptionRaised::subject`](crate::model::ExceptionRaised::subject).
    pub exception: Vec<u8>,
    /// Which exception of it.
    pub episode: u32,
    /// What is to be done.
    pub action: Action,
    /// Who decides, 1 to 64 bytes.
    pub actor: String,
    /// Why, at most 512 bytes.
    pub reason: String,
    /// The position of the latest decision that the actor has seen: [`OpenException::base`](crate::OpenException::base). `None`: the
    /// latest that this terminal has.
    pub base: Option<u64>,
    /// The till's idempotency key: a repeat, at any terminal, answers what the first call came to.
    pub key: IdempotencyKey,
}

/// Why a decision has its position and no effect.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Encode, Decode)]
#[cbor(transparent)]
pub struct Verdict(#[n(0)] pub u8);

impl Verdict {
    /// The key has decided something before: that is the answer.
    pub const REPEATED: Self = Self(0);
    /// The exception was never raised, or has ended.
    pub const NOT_OPEN: Self = Self(1);
    /// The exception is resolved already.
    pub const RESOLVED_BEFORE: Self = Self(2);
    /// Something was decided that its author had not seen.
    pub const STALE: Self = Self(3);
    /// The decision that it goes on from is not one that it can go on from.
    pub const NO_SUCH_STEP: Self = Self(4);
    /// The sale is voided already.
    pub const VOIDED_BEFORE: Self = Self(5);

    /// Its name, in snake case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::REPEATED => "repeated",
            Self::NOT_OPEN => "not_open",
            Self::RESOLVED_BEFORE => "resolved_before",
            Self::STALE => "stale",
            Self::NO_SUCH_STEP => "no_such_step",
            Self::VOIDED_BEFORE => "voided_before",
            _ => "unknown",
        }
    }
}

/// The body of [`Kind::EXCEPTION_RESOLVED`](crate::model::Kind::EXCEPTION_RESOLVED): somebody has decided about an exception. What it
/// does to counters are the event's effects; one that is refused has none.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct ExceptionResolved {
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub(super) row: Vec<u8>,
    /// Which exception of the row.
    #[n(1)]
    pub episode: u32,
    /// What is done.
    #[n(2)]
    pub action: ActionCode,
    /// Who decided, as the call named them.
    #[n(3)]
    pub actor: String,
    /// Why, as the call said.
    #[n(4)]
    pub reason: String,
    /// When, in ms since 1970 UTC by the clock of the terminal that was asked.
    #[n(5)]
    pub at_ms: u64,
    /// The position of the latest decision that its author had seen.
    #[n(6)]
    pub base: u64,
    #[n(7)]
    #[cbor(with = "minicbor::bytes")]
    key: [u8; 16],
    /// The earlier decision that it goes on from.
    #[n(8)]
    #[cbor(with = "edgepos_wire::optional_event_id")]
    pub of: Option<EventId>,
    /// How much: by how much stock was adjusted, what was counted, what is owed.
    #[n(9)]
    pub amount: Option<i64>,
    /// The sale that is voided.
    #[n(10)]
    #[cbor(with = "edgepos_wire::optional_event_id")]
    pub transaction: Option<EventId>,
    /// Whether its money was given back.
    #[n(11)]
    pub refund: Option<bool>,
    /// Who has approved it.
    #[n(12)]
    pub approved_by: Option<String>,
    /// What was proposed, where the resolver decided by itself.
    #[n(13)]
    pub advice: Option<Advice>,
    /// Why it has no effect; absent where it has.
    #[n(14)]
    pub refused: Option<Verdict>,
    /// What it does to the figures of a business day; absent where it does nothing to them, or an earlier version has decided it.
    #[n(15)]
    pub reversal: Option<Box<Reversal>>,
}

/// What the resolver proposes, with its reasons.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Advice {
    /// What to do.
    #[n(0)]
    pub action: ActionCode,
    /// The sale that is to be voided, or to be looked at.
    #[n(1)]
    #[cbor(with = "edgepos_wire::optional_event_id")]
    pub transaction: Option<EventId>,
    /// Who proposes it: `rules`, or a model by its name.
    #[n(2)]
    pub by: String,
    /// Why, in English; at most 8.
    #[n(3)]
    pub reasons: Vec<String>,
    /// How suspicious each sale looks that is involved, as far as a model has said so; at most 64.
    #[n(4)]
    #[cbor(default)]
    pub scores: Vec<Score>,
    /// Why the rules proposed it where a model should have.
    #[n(5)]
    pub fallback: Option<Fallback>,
}

/// How suspicious a sale looks to a model.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Score {
    /// The event that booked it.
    #[n(0)]
    #[cbor(with = "edgepos_wire::event_id")]
    #[cfg_attr(feature = "serde", serde(with = "crate::shown::text"))]
    pub event: EventId,
    /// 0 to 1,000: whole numbers, so that every terminal reads the same.
    #[n(1)]
    pub per_mille: u16,
}

/// Why the rules proposed something where a model should have.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Encode, Decode)]
#[cbor(transparent)]
pub struct Fallback(#[n(0)] pub u8);

impl Fallback {
    /// No answer came within [`Policy::model_within_ms`](crate::Policy::model_within_ms).
    pub const LATE: Self = Self(0);
    /// The model is not there, or failed.
    pub const NO_MODEL: Self = Self(1);
    /// None of the sales that are involved can be read here.
    pub const NO_SALES: Self = Self(2);
    /// What the sales say is not what the model knows.
    pub const NO_FEATURES: Self = Self(3);

    /// Its name, in snake case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LATE => "late",
            Self::NO_MODEL => "no_model",
            Self::NO_SALES => "no_sales",
            Self::NO_FEATURES => "no_features",
            _ => "unknown",
        }
    }
}

/// The body of [`Kind::RESOLUTION_PROPOSED`](crate::model::Kind::RESOLUTION_PROPOSED): how the store's resolver would resolve an
/// exception. The first of an episode counts; it moves nothing.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct ResolutionProposed {
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub(super) row: Vec<u8>,
    /// Which exception of the row.
    #[n(1)]
    pub episode: u32,
    /// What is proposed.
    #[n(2)]
    pub advice: Advice,
}

impl ResolutionProposed {
    /// A proposal about an episode.
    pub(super) fn new(row: Vec<u8>, episode: u32, advice: Advice) -> Self {
        Self { row, episode, advice }
    }

    /// What the exception is about.
    pub fn subject(&self) -> &[u8] {
        &self.row
    }

    pub(super) fn episode_key(&self) -> Vec<u8> {
        episode_key(&self.row, self.episode)
    }
}

impl ExceptionResolved {
    /// The decision that a call asks for, without what only the counters and the sale tell.
    pub(super) fn of_call(call: &Resolve, at_ms: u64, base: u64) -> Self {
        let (transaction, refund, approved_by) = match &call.action {
            Action::VoidTransaction { transaction, refund, approved_by } => {
                (Some(*transaction), Some(*refund), Some(approved_by.clone()))
            }
            _ => (None, None, None),
        };
        let amount = match call.action {
            Action::AdjustInventory { delta } => Some(delta),
            Action::Recount { counted } => counted,
            Action::Count { counted, .. } => Some(counted),
            _ => None,
        };
        Self {
            row: call.exception.clone(),
            episode: call.episode,
            action: call.action.code(),
            actor: call.actor.clone(),
            reason: call.reason.clone(),
            at_ms,
            base,
            key: call.key.0,
            of: call.action.of(),
            amount,
            transaction,
            refund,
            approved_by,
            advice: None,
            refused: None,
            reversal: None,
        }
    }

    /// The same without effect. It has fields 0 to 12 and 14 for ever, whatever later versions add to a decision: each terminal writes it
    /// anew, and all must write the same bytes.
    pub(super) fn refused(&self, verdict: Verdict) -> Self {
        Self { advice: None, refused: Some(verdict), reversal: None, ..self.clone() }
    }

    /// What the exception is about: see [`ExceptionRaised::subject`](crate::model::ExceptionRaised::subject).
    pub fn subject(&self) -> &[u8] {
        &self.row
    }

    /// The till's idempotency key.
    pub fn key(&self) -> IdempotencyKey {
        IdempotencyKey(self.key)
    }

    /// Whether it says what the call asks for: its key was meant for it.
    pub(super) fn is_of(&self, call: &Resolve) -> bool {
        let wants = Self::of_call(call, self.at_ms, self.base);
        let (amount, advice) = (wants.amount.or(self.amount), self.advice.clone());
        *self == Self { amount, advice, refused: self.refused, reversal: self.reversal.clone(), ..wants }
    }

    /// It is proposed where this business day is open: that is the one whose figures it changes.
    pub(crate) fn on_day(mut self, open: Option<u32>) -> Self {
        if let Some((reversal, open)) = self.reversal.as_mut().zip(open) {
            reversal.day = open;
        }
        self
    }

    pub(super) fn episode_key(&self) -> Vec<u8> {
        episode_key(&self.row, self.episode)
    }
}

/// A resolution that is in force, or an earlier one under the same key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resolution {
    /// Its place in the store's chain.
    pub event: EventId,
    /// What was decided.
    pub resolved: ExceptionResolved,
    /// Whether an earlier call with this key had decided it.
    pub repeated: bool,
}

/// A resolution was not done.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// No exception of this row and episode is raised, as far as is known here.
    #[error("no exception {episode} of this row is raised")]
    Unknown {
        /// The number of the exception that was asked for.
        episode: u32,
    },
    /// The exception has ended.
    #[error("exception {episode} of this row has ended")]
    Ended {
        /// The number of the exception that was asked for.
        episode: u32,
    },
    /// The exception is resolved: undo that first.
    #[error("the exception is resolved already, by {by}: undo that first")]
    ResolvedBefore {
        /// The event of the resolution.
        by: EventId,
    },
    /// Something was decided about the exception that the caller has not seen. Look again.
    #[error("position {current} has decided about the exception since {base}: look again")]
    Stale {
        /// What the caller had seen.
        base: u64,
        /// What there is.
        current: u64,
    },
    /// The decision that it goes on from is not there, is not the latest, or is of another kind.
    #[error("{of} is no decision that this can go on from")]
    NoSuchStep {
        /// The event that was named.
        of: EventId,
    },
    /// The sale is voided already.
    #[error("{transaction} is voided already")]
    VoidedBefore {
        /// The event of the sale.
        transaction: EventId,
    },
    /// The sale is not here, or has no part in the exception.
    #[error("{transaction}: {reason}")]
    BadTransaction {
        /// The event that was named.
        transaction: EventId,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// What is asked for does not fit the exception.
    #[error("{action}: {reason}")]
    BadAction {
        /// The name of the action.
        action: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// Nobody leads the store, or no majority is heard: it decides nothing.
    #[error("the store decides nothing at the moment: no majority of its terminals is heard")]
    NoMajority,
    /// The store was asked, and has not decided yet. Whether it will is not known: ask again under the same key.
    #[error("the store has not decided yet: ask again under the same key")]
    Undecided,
    /// The election takes no more proposals at the moment.
    #[error("the store takes no more proposals at the moment")]
    Busy,
}
