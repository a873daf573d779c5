//! The alerts port: who is told what someone must act on.

use std::time::Duration;

use async_trait::async_trait;
use edgepos_core::ReplicaId;
use thiserror::Error;

/// What someone must act on: a condition, or a figure beyond its threshold.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Incident {
    /// What it comes from.
    pub kind: IncidentKind,
    /// Its name in snake case, as in `docs/monitoring.md`.
    pub name: &'static str,
    /// Whether it holds; `false`: it is over.
    pub holds: bool,
    /// When it began, in ms since 1970 UTC by the terminal's clock.
    pub since_ms: u64,
    /// When it ended, where it has.
    pub until_ms: Option<u64>,
    /// How many are concerned: events, chains, attempts; 1 for an alert.
    pub count: u64,
    /// What it says, in an English sentence.
    pub says: &'static str,
    /// What it is about, in English: which chain, which peer, which value. Nothing of a customer, an operator or a sale.
    pub about: String,
    /// What to do, in an English sentence.
    pub remedy: &'static str,
}

/// What an incident comes from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum IncidentKind {
    /// It is a condition: see [`ConditionKind`](crate::ConditionKind).
    Condition,
    /// An [`Alert`](crate::Alert): a figure beyond its threshold.
    Alert,
}

/// What a manager is told in one call: what has changed, and all that holds.
///
/// Who keeps `standing` of the newest one of each terminal knows what is true, whatever was lost before.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Bulletin {
    /// The terminal that tells it.
    #[cfg_attr(feature = "serde", serde(with = "crate::shown::text"))]
    pub terminal: ReplicaId,
    /// When that terminal started, in ms since 1970 UTC by its clock.
    pub started_ms: u64,
    /// Rises with each that this start tells, from 1 on. One that arrives after a newer one is out of date.
    pub number: u64,
    /// What began or ended since the bulletin before this one that got through, each with its latest state. Empty in the first of a
    /// start: what an earlier start told and `standing` lacks is over.
    pub changes: Vec<Incident>,
    /// How many further changes there were that a later one of the same name replaced before anybody could be told.
    pub skipped: u64,
    /// Everything that holds.
    pub standing: Vec<Incident>,
}

/// Whoever is to be told was not.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{reason}")]
pub struct AlertError {
    /// Why, in English. It is logged: no address with a password in it.
    pub reason: String,
    /// How long to wait before the next attempt, where the other side says so.
    pub retry_after: Option<Duration>,
}

impl AlertError {
    /// One that says nothing of when to try again.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), retry_after: None }
    }
}

/// Tells somebody what began and what ended. A port that waits: implement it under
/// [`edgepos::async_trait`](macro@crate::async_trait), as in
///
/// ```
/// use edgepos::{AlertError, Alerts, Bulletin};
///
/// struct Pager;
///
/// #[edgepos::async_trait]
/// impl Alerts for Pager {
///     async fn tell(&self, bulletin: &Bulletin) -> Result<(), AlertError> {
///         for incident in &bulletin.changes {
///             println!("{} {}: {}", incident.name, if incident.holds { "began" } else { "is over" }, incident.about);
///         }
///         Ok(())
///     }
/// }
/// ```
///
/// The driver calls it from a task of its own, one call at a time, and never waits for it. What changes meanwhile is kept, the latest
/// state of each name, and told with the next call.
#[async_trait]
pub trait Alerts: Send + Sync {
    /// Tells it, once. A call that takes longer than 30 s is dropped and counts as failed; so is one that is under way when the terminal
    /// stops.
    ///
    /// # Errors
    /// When nobody was told, or nobody knows: it is told again after a wait, with what has changed by then.
    async fn tell(&self, bulletin: &Bulletin) -> Result<(), AlertError>;
}

/// Tells nobody beside the log, which has a line for each notice in any case.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogOnly;

#[async_trait]
impl Alerts for LogOnly {
    async fn tell(&self, _: &Bulletin) -> Result<(), AlertError> {
        Ok(())
    }
}
