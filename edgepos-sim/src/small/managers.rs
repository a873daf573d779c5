//! The managers of a small world: how they resolve the exception that is open when the world is explored, and what they were told.

use std::collections::{BTreeMap, BTreeSet};

use edgepos::model::CounterRow;
use edgepos::{Action, Refusal, Reply, Resolve, ResolveError};
use edgepos_core::{EventId, IdempotencyKey};

use crate::check::{Rule, Violation};
use crate::goods::products;

/// What a manager decides. Who decides the same at another till repeats the same call, under the same key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Way {
    /// The missing piece is owed.
    Backorder,
    /// The record was wrong by one.
    Adjust,
}

/// What managers asked for, and what each key came to.
#[derive(Debug, Default)]
pub(super) struct Managers {
    /// Calls that were made at a place and not answered.
    unanswered: BTreeSet<(usize, Way)>,
    decided: BTreeMap<Way, EventId>,
    has_asked: bool,
}

impl Way {
    /// The call that says so.
    pub(super) fn call(self) -> Resolve {
        let (action, key) = match self {
            Self::Backorder => (Action::Backorder, 0xB0),
            Self::Adjust => (Action::AdjustInventory { delta: 1 }, 0xB1),
        };
        let product = products().next().unwrap_or_default();
        Resolve {
            exception: CounterRow::stock(&product, 0).to_key(),
            episode: 1,
            action,
            actor: "Ada".into(),
            reason: String::new(),
            base: None,
            key: IdempotencyKey([key; 16]),
        }
    }

    /// Whose call it is.
    pub(super) fn of(call: &Resolve) -> Self {
        if call.action == Action::Backorder { Self::Backorder } else { Self::Adjust }
    }
}

impl Managers {
    /// A manager asks.
    pub(super) fn asks(&mut self, place: usize, way: Way) {
        self.unanswered.insert((place, way));
        self.has_asked = true;
    }

    /// Calls that were made and not answered.
    pub(super) fn unanswered(&self) -> Vec<(usize, Way)> {
        self.unanswered.iter().copied().collect()
    }

    /// A manager is answered.
    ///
    /// # Errors
    /// When one key comes to two decisions, or two keys both count.
    pub(super) fn answered(
        &mut self,
        place: usize,
        way: Way,
        reply: &Result<Reply, Refusal>,
    ) -> Result<(), Violation> {
        match reply {
            Ok(Reply::Resolved(resolution)) => {
                self.decided.entry(way).or_insert(resolution.event);
                let events: BTreeSet<_> = self.decided.values().chain([&resolution.event]).collect();
                if events.len() > 1 || resolution.resolved.refused.is_some() {
                    let what = format!("one exception is resolved by {events:?}");
                    return Err(Violation::new(Rule::OneResolution, what));
                }
            }
            // Nobody knows what becomes of it: the manager asks again.
            Err(Refusal::Resolve(ResolveError::NoMajority | ResolveError::Undecided)) => return Ok(()),
            Err(Refusal::Resolve(_)) => {}
            other => {
                return Err(Violation::new(Rule::Alive, format!("a manager was answered with {other:?}")));
            }
        }
        self.unanswered.remove(&(place, way));
        Ok(())
    }

    /// Whether somebody has asked and nobody has resolved anything.
    pub(super) fn have_resolved_nothing(&self) -> bool {
        self.has_asked && self.decided.is_empty()
    }
}
