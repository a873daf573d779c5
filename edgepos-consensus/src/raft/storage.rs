//! Our log as raft's storage.

use ::raft::eraftpb;
use ::raft::storage::{GetEntriesContext, Storage};
use ::raft::{Error, RaftState, StorageError};
use protobuf::Message as _;

use super::translate::{entry_to_raft, members_to_raft, snapshot_to_raft};
use crate::log::Log;
use crate::rows::Hard;

/// Entries in one message, well below what a decoder takes.
const MAX_APPEND_ENTRIES: usize = 900;

/// Raft's view of the log.
pub(super) struct Disk(Log);

impl Disk {
    pub(super) fn new(log: Log) -> Self {
        Self(log)
    }

    pub(super) fn log(&self) -> &Log {
        &self.0
    }

    pub(super) fn log_mut(&mut self) -> &mut Log {
        &mut self.0
    }
}

impl Storage for Disk {
    fn initial_state(&self) -> ::raft::Result<RaftState> {
        let Hard { term, vote, commit } = self.0.hard();
        let hard = eraftpb::HardState { term, vote, commit, ..Default::default() };
        Ok(RaftState::new(hard, members_to_raft(self.0.members())))
    }

    fn entries(
        &self,
        low: u64,
        high: u64,
        max_size: impl Into<Option<u64>>,
        _context: GetEntriesContext,
    ) -> ::raft::Result<Vec<eraftpb::Entry>> {
        if low < self.0.first() {
            return Err(Error::Store(StorageError::Compacted));
        }
        if high > self.0.last() + 1 {
            return Err(Error::Store(StorageError::Unavailable));
        }
        let limit = max_size.into();
        let (mut entries, mut size) = (Vec::new(), 0);
        for entry in self.0.range(low, high) {
            let entry = entry_to_raft(entry);
            size += u64::from(entry.compute_size());
            let full = limit.is_some_and(|limit| size > limit || entries.len() >= MAX_APPEND_ENTRIES);
            if full && !entries.is_empty() {
                break;
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    fn term(&self, index: u64) -> ::raft::Result<u64> {
        let missing = match index < self.0.first() {
            true => StorageError::Compacted,
            false => StorageError::Unavailable,
        };
        self.0.term(index).ok_or(Error::Store(missing))
    }

    fn first_index(&self) -> ::raft::Result<u64> {
        Ok(self.0.first())
    }

    fn last_index(&self) -> ::raft::Result<u64> {
        Ok(self.0.last())
    }

    fn snapshot(&self, request_index: u64, _to: u64) -> ::raft::Result<eraftpb::Snapshot> {
        let unavailable = Error::Store(StorageError::SnapshotTemporarilyUnavailable);
        let snapshot =
            self.0.snapshot().filter(|snapshot| snapshot.index >= request_index).ok_or(unavailable)?;
        Ok(snapshot_to_raft(&snapshot))
    }
}
