//! Whether another live terminal uses the number of this one: a disk was cloned, or the old box was switched on after its replacement.
//!
//! Both go on, each as an author of its own; both say so.

use std::collections::BTreeMap;
use std::time::Duration;

use edgepos_core::{Chain, EventId, Now, ReplicaId, Seq, Time};
use edgepos_sync::{Mistake, Witness};

use super::condition::Finding;

/// How long another holder counts as there after it was last heard of.
const HELD_FOR: Duration = Duration::from_secs(600);

/// What is heard of others under the number of this terminal.
#[derive(Debug)]
pub(super) struct Holders {
    terminal: u16,
    /// Events of this number that bear a later time were written by somebody who is there at the same time; for the names that were this
    /// terminal's since its start, from when on it wrote under them no more.
    silent_since: BTreeMap<ReplicaId, u64>,
    started_ms: u64,
    /// How far the cloud first claimed to hold chains of this number that nobody here has.
    in_cloud: BTreeMap<Chain, Seq>,
    heard: Option<(Time, String)>,
}

impl Holders {
    /// Nobody else was heard yet.
    pub(super) fn new(now: Now, terminal: u16) -> Self {
        let (silent_since, in_cloud) = (BTreeMap::new(), BTreeMap::new());
        Self { terminal, silent_since, started_ms: now.wall.0, in_cloud, heard: None }
    }

    /// This terminal writes under this name no more.
    pub(super) fn left(&mut self, now: Now, name: ReplicaId) {
        self.silent_since.insert(name, now.wall.0);
    }

    /// Somebody connects under the name of this terminal.
    pub(super) fn connected(&mut self, now: Now, name: ReplicaId) {
        self.heard = Some((now.mono, format!("a second terminal connects as {name}")));
    }

    /// A peer said that another terminal of this number is connected to it.
    pub(super) fn rival(&mut self, heard: Time, name: ReplicaId) {
        if self.heard.as_ref().is_none_or(|(known, _)| *known < heard) {
            self.heard = Some((heard, format!("a second terminal is connected as {name}")));
        }
    }

    /// An event has come that was written elsewhere at this time of day.
    pub(super) fn event(&mut self, now: Now, id: EventId, utc_ms: u64) {
        let name = id.chain.replica;
        if name.terminal() != self.terminal || name.is_store() {
            return;
        }
        let since = self.silent_since.get(&name).copied().unwrap_or(self.started_ms);
        if utc_ms > since {
            self.heard = Some((now.mono, format!("a second terminal sells as {name}")));
        }
    }

    /// What the cloud claims and nobody here has: where it grows, somebody writes it.
    pub(super) fn claims(&mut self, now: Now, author: ReplicaId, mistakes: impl Iterator<Item = Mistake>) {
        for mistake in mistakes {
            let Mistake::Above { chain, claimed, witness: Witness::Cloud, .. } = mistake else { continue };
            if chain.replica.terminal() != self.terminal || chain.replica == author {
                continue;
            }
            let known = self.in_cloud.entry(chain).or_insert(claimed);
            if claimed > *known {
                *known = claimed;
                let name = chain.replica;
                self.heard =
                    Some((now.mono, format!("a second terminal sells as {name}, as the cloud knows")));
            }
        }
    }

    /// Whether one is there.
    pub(super) fn finding(&mut self, now: Now) -> Option<Finding> {
        self.heard.take_if(|(heard, _)| now.mono >= *heard + HELD_FOR);
        self.heard.as_ref().map(|(_, about)| Finding { count: 1, about: about.clone() })
    }

    /// When it is to be looked at again.
    pub(super) fn next_due(&self) -> Option<Time> {
        self.heard.as_ref().map(|(heard, _)| *heard + HELD_FOR)
    }
}
