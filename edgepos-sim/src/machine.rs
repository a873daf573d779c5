//! What runs on a device: a terminal of this version, or one of a later version.

use edgepos::model::BasketId;
use edgepos::{Input, OpenBasket, Output, Refusal, RequestId, Status, Terminal};
use edgepos_core::{Now, ReplicaId, Time};

use crate::errand::Ask;
use crate::later::Later;

/// One running terminal.
pub(crate) enum Machine {
    /// Of this version.
    Today(Box<Terminal>),
    /// Of a later one.
    Later(Box<Later>),
}

impl Machine {
    /// The world did something.
    pub(crate) fn handle(&mut self, now: Now, input: Input) {
        match self {
            Self::Today(terminal) => terminal.handle(now, input),
            Self::Later(later) => later.handle(now, input),
        }
    }

    /// A till asks. A later terminal has no till: it sells by itself.
    ///
    /// # Errors
    /// When the terminal refuses at once.
    pub(crate) fn ask(&mut self, now: Now, id: RequestId, ask: Ask) -> Result<(), Refusal> {
        let Self::Today(terminal) = self else {
            return Err(Refusal::Stopped("a later terminal has no till".into()));
        };
        match ask {
            Ask::Begin(draft) => terminal.begin(now, id, draft),
            Ask::Commit(commit) => terminal.commit(now, id, commit),
            Ask::Abandon(basket) => terminal.abandon(now, id, basket),
            Ask::Record(record) | Ask::Payment(record) => terminal.record(now, id, record),
            Ask::Resolve(call) => terminal.resolve(now, id, &call),
            Ask::Beside(beside) => beside.ask(terminal, now, id),
        }
    }

    /// Hands the leadership over.
    pub(crate) fn step_down(&mut self, now: Now) {
        match self {
            Self::Today(terminal) => terminal.step_down(now),
            Self::Later(later) => later.step_down(now),
        }
    }

    /// An operator wants the store raised to its next feature level. A later terminal leaves that to today's.
    pub(crate) fn raise_level(&mut self, now: Now) -> bool {
        match self {
            Self::Today(terminal) => terminal.raise_level(now).is_ok(),
            Self::Later(_) => false,
        }
    }

    /// An operator says that another box takes the place of the terminal of this number. Whether that is to be decided.
    pub(crate) fn replace(&mut self, now: Now, number: u16) -> bool {
        match self {
            Self::Today(terminal) => terminal.replace(now, number, false).is_ok(),
            Self::Later(_) => false,
        }
    }

    /// Another terminal is to take part in what the store decides. Whether it may.
    pub(crate) fn admit(&mut self, now: Now, replica: ReplicaId) -> bool {
        match self {
            Self::Today(terminal) => terminal.admit(now, replica).is_ok(),
            Self::Later(_) => false,
        }
    }

    /// The next duty.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        match self {
            Self::Today(terminal) => terminal.poll_output(),
            Self::Later(later) => later.poll_output(),
        }
    }

    /// When it wants to be woken.
    pub(crate) fn poll_timeout(&self) -> Option<Time> {
        match self {
            Self::Today(terminal) => terminal.poll_timeout(),
            Self::Later(later) => later.poll_timeout(),
        }
    }

    /// Whether it has given up.
    pub(crate) fn is_stopped(&self) -> bool {
        matches!(self, Self::Today(terminal) if terminal.is_stopped())
    }

    /// What it tells of itself.
    pub(crate) fn status(&self) -> Status {
        match self {
            Self::Today(terminal) => terminal.status(),
            Self::Later(later) => later.status(),
        }
    }

    /// Baskets that are open.
    pub(crate) fn unresolved(&self) -> Vec<OpenBasket> {
        match self {
            Self::Today(terminal) => terminal.unresolved(),
            Self::Later(_) => Vec::new(),
        }
    }

    /// Baskets of which payments are not settled.
    pub(crate) fn unsettled(&self) -> impl Iterator<Item = BasketId> {
        let payments = match self {
            Self::Today(terminal) => terminal.unresolved_payments(),
            Self::Later(_) => Vec::new(),
        };
        payments.into_iter().map(|open| open.basket)
    }
}

impl std::fmt::Debug for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Today(_) => "Today",
            Self::Later(_) => "Later",
        })
    }
}
