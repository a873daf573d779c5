//! Snapshots on their way to followers: raft waits for ever for the answer to one.

use std::collections::BTreeMap;

use edgepos_core::{ReplicaId, Time};

use crate::turn::Turn;

/// Followers that were sent a snapshot, and until when its answer may take.
#[derive(Clone, Debug, Default)]
pub(crate) struct SnapshotsSent {
    until: BTreeMap<ReplicaId, Time>,
}

impl SnapshotsSent {
    /// A snapshot leaves.
    pub(crate) fn sent(&mut self, turn: &Turn<'_>, to: ReplicaId) {
        self.until.insert(to, turn.now + 2 * turn.config.timing.election_max);
    }

    /// This terminal leads, or does so no more.
    pub(crate) fn change_role(&mut self) {
        self.until.clear();
    }

    /// Gives up what was not answered in time: raft tries again with the follower's next word.
    pub(crate) fn watch(&mut self, turn: &mut Turn<'_>) {
        let now = turn.now;
        self.until.retain(|replica, until| {
            let waits = turn.raft.awaits_snapshot(*replica);
            if waits && now >= *until {
                turn.raft.snapshot_lost(*replica);
            }
            waits && now < *until
        });
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        self.until.values().min().copied()
    }
}
