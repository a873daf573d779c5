//! The rules of the store, and what it says of one that was broken.

use std::fmt;

/// A rule of the store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Rule {
    /// At most one leader in each term.
    OneLeaderPerTerm,
    /// Nothing that was acknowledged is lost.
    NothingLost,
    /// No event is applied twice, chains have no gaps, counters are the sums of their effects.
    NothingTwice,
    /// After the faults, all terminals and the cloud hold the same.
    Converged,
    /// One key, one receipt; one basket, one transaction; numbers without gaps.
    Receipts,
    /// One exception for each row below its floor.
    OneException,
    /// At most one resolution with effect for each episode, the same on every terminal.
    OneResolution,
    /// After the faults, a leader exists and everything reaches the cloud in time.
    Liveness,
    /// No panic, no terminal that stops, no false alarm.
    Alive,
    /// Who says that it may decide can.
    Honest,
    /// Whoever is stuck says so, and both sides of a fork do.
    Told,
    /// Every decision that carries an event has one position of the store's chain, the same everywhere.
    OnePosition,
    /// What cannot be read is kept, written down and shown, and nothing else is.
    Quarantined,
    /// A quiet store decides nothing.
    NoUselessDecision,
    /// Events say the shop's offset from UTC, and the price at a moment follows from what was said of it.
    InTime,
    /// A business day comes to the sum of its receipts, at every terminal.
    DayFigures,
    /// Counts of one shelf that were made at the same time take off what is missing once.
    OneCount,
    /// The same seed gives the same trace.
    Deterministic,
}

impl Rule {
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OneLeaderPerTerm => "one leader per term",
            Self::NothingLost => "nothing acknowledged is lost",
            Self::NothingTwice => "nothing applied twice",
            Self::Converged => "converged",
            Self::Receipts => "receipts",
            Self::OneException => "one exception",
            Self::OneResolution => "one resolution",
            Self::Liveness => "liveness",
            Self::Alive => "alive",
            Self::Honest => "honest",
            Self::Told => "told",
            Self::OnePosition => "one decision, one position",
            Self::Quarantined => "what cannot be read is shown",
            Self::NoUselessDecision => "no useless decision",
            Self::InTime => "in time",
            Self::DayFigures => "figures of a day",
            Self::OneCount => "one count",
            Self::Deterministic => "deterministic",
        }
    }
}

/// A rule was broken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// The rule that was broken.
    pub rule: Rule,
    /// How, in words that name the terminal and the event.
    pub what: String,
}

impl Violation {
    /// A broken rule.
    pub fn new(rule: Rule, what: impl Into<String>) -> Self {
        Self { rule, what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule.name(), self.what)
    }
}
