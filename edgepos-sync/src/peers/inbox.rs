//! The batch that a peer has sent, until all of it is taken in: slice by slice, so that what is recorded here waits for one at most.

use std::collections::VecDeque;

use edgepos_core::Seq;

use crate::event::Hash;
use crate::log::linked::Linked;
use crate::wire::batch::{Batch, Run};

/// One batch at most: the next comes once this is answered.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    number: Option<u64>,
    runs: VecDeque<Run>,
    open: Option<OpenRun>,
    /// Events of the batch that are not taken yet.
    events: u64,
    /// Their payload bytes, by the mean of the batch.
    bytes: u64,
}

/// A run of which the rest is to be taken.
#[derive(Debug)]
pub(super) struct OpenRun {
    pub(super) linked: Linked,
    /// Where the run ends.
    pub(super) last: Seq,
    /// The hash of the chain there, as the peer states it.
    pub(super) head: Hash,
}

impl Inbox {
    pub(super) fn is_empty(&self) -> bool {
        self.number.is_none()
    }

    /// A batch has come.
    pub(super) fn fill(&mut self, number: u64, batch: Batch) {
        let payloads = batch.runs.iter().flat_map(|run| &run.payloads);
        let (events, bytes) =
            payloads.fold((0, 0), |(events, bytes), payload| (events + 1, bytes + payload.len() as u64));
        *self = Self { number: Some(number), runs: batch.runs.into(), open: None, events, bytes };
    }

    /// Events that are not taken yet, and their payload bytes.
    pub(super) fn load(&self) -> (u64, u64) {
        (self.events, self.bytes)
    }

    /// So many events were taken.
    pub(super) fn took(&mut self, events: u32) {
        let left = self.events.saturating_sub(events.into());
        self.bytes = (self.bytes * left).checked_div(self.events).unwrap_or(0);
        self.events = left;
    }

    /// The next run, where none is open.
    pub(super) fn next_run(&mut self) -> Option<Run> {
        self.runs.pop_front()
    }

    /// The run that is open; it is put back unless it is done.
    pub(super) fn take_open(&mut self) -> Option<OpenRun> {
        self.open.take()
    }

    pub(super) fn put_open(&mut self, run: OpenRun) {
        self.open = Some(run);
    }

    /// The number of the batch, once nothing of it is left.
    pub(super) fn take_done(&mut self) -> Option<u64> {
        let done = self.number.take_if(|_| self.runs.is_empty() && self.open.is_none())?;
        *self = Self::default();
        Some(done)
    }
}
