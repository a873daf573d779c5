//! Watches rows that are below their floor, so that the leader raises one exception for each.

use std::collections::BTreeMap;
use std::time::Duration;

use edgepos_core::Time;

/// How long a proposal may take before it is made again. The election keeps a proposal until it is decided; what is lost is only
/// one whose number an earlier life of this terminal had already used.
const PATIENCE: Duration = Duration::from_secs(30);

/// Shortest wait before a row is judged again, whatever the grace period.
const SHORTEST: Duration = Duration::from_millis(100);

/// What may become an exception, and since when. Every terminal watches, so that a new leader need not start to wait anew.
#[derive(Debug)]
pub(super) struct Watch<S> {
    below: BTreeMap<S, Below>,
}

impl<S> Default for Watch<S> {
    fn default() -> Self {
        Self { below: BTreeMap::new() }
    }
}

#[derive(Debug)]
struct Below {
    /// Not to be judged before.
    due: Option<Time>,
    since: Time,
}

impl<S: Ord + Clone> Watch<S> {
    /// The row is below its floor, or no longer.
    pub(super) fn note(&mut self, now: Time, item: S, is_below: bool) {
        if is_below {
            self.below.entry(item).or_insert(Below { due: None, since: now });
        } else {
            self.below.remove(&item);
        }
    }

    /// The exception is raised: nothing is left to watch.
    pub(super) fn settle(&mut self, item: &S) {
        self.below.remove(item);
    }

    /// Whether it is watched.
    pub(super) fn has(&self, item: &S) -> bool {
        self.below.contains_key(item)
    }

    /// All that is watched.
    pub(super) fn all(&self) -> impl Iterator<Item = &S> {
        self.below.keys()
    }

    /// It is due at this moment.
    pub(super) fn due_at(&mut self, item: &S, now: Time) {
        self.wait(now, item);
    }

    /// Rows that have been below for `grace` and wait for nothing.
    pub(super) fn due(&self, now: Time, grace: Duration) -> Vec<S> {
        self.below.iter().filter(|(_, below)| now >= below.at(grace)).map(|(item, _)| item.clone()).collect()
    }

    /// It is proposed.
    pub(super) fn proposed(&mut self, now: Time, item: &S) {
        self.wait(now + PATIENCE, item);
    }

    /// It cannot be proposed, or not be judged yet.
    pub(super) fn postpone(&mut self, now: Time, grace: Duration, item: &S) {
        self.wait(now + grace.max(SHORTEST), item);
    }

    /// When the next row is due.
    pub(super) fn next(&self, grace: Duration) -> Option<Time> {
        self.below.values().map(|below| below.at(grace)).min()
    }

    fn wait(&mut self, until: Time, item: &S) {
        if let Some(below) = self.below.get_mut(item) {
            below.due = Some(until);
        }
    }
}

impl Below {
    fn at(&self, grace: Duration) -> Time {
        self.due.unwrap_or(self.since + grace)
    }
}
