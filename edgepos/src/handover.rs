//! What the driver and the store's thread hand each other, a round at a time.
//!
//! Callers that wait for the same flush are answered together, and what they do next is to share the next one. So the driver hands
//! over everything that is ready at once, and says with it how many answers it has heard: while some are on their way, the thread
//! knows that more may come of them.

use std::sync::mpsc::Sender;

use edgepos_core::{Load, LoadId, Persist, PersistId};
use tokio::sync::oneshot;

use crate::ports::{Rows, Sealing, StoreError};
use crate::terminal::Disk;

/// What the thread is asked.
pub(crate) enum Job {
    Commit(Persist),
    /// To be written, durable with the next commit.
    Write(Persist),
    Load(Load),
    /// A reader's question, answered beside the driver.
    Read(Load, oneshot::Sender<Rows>),
    /// What open baskets may still write.
    Promise(u64),
    /// Which old events may be put closer together, when there is time for it.
    Seal(Sealing),
}

/// What it answers, in batches. The channel closes when the store's files are free.
pub(crate) enum Done {
    Persisted(PersistId),
    Loaded(LoadId, Rows),
    Disk(Disk),
    /// What is wrong with the store itself has changed.
    Damage(Option<String>),
    Failed(StoreError),
}

/// Jobs that are handed over together.
pub(crate) struct Round {
    pub(crate) jobs: Vec<Job>,
    /// How many batches of answers the driver had heard, and done what follows from them, when it asked for these.
    pub(crate) heard: u64,
}

/// The driver's side.
pub(crate) struct Handover {
    queue: Sender<Round>,
    jobs: Vec<Job>,
    /// Jobs that have no answer yet.
    owed: usize,
    heard: u64,
    /// What the thread was last told of `heard`.
    told: u64,
}

impl Handover {
    pub(crate) fn new(queue: Sender<Round>) -> Self {
        Self { queue, jobs: Vec::new(), owed: 0, heard: 0, told: 0 }
    }

    /// Something for the next round.
    pub(crate) fn put(&mut self, job: Job) {
        self.owed += usize::from(matches!(job, Job::Commit(_) | Job::Write(_) | Job::Load(_)));
        self.jobs.push(job);
    }

    /// A batch of answers has come.
    pub(crate) fn hear(&mut self, batch: &[Done]) {
        let answers = batch.iter().filter(|done| matches!(done, Done::Persisted(_) | Done::Loaded(..)));
        self.owed = self.owed.saturating_sub(answers.count());
        self.heard += 1;
    }

    /// Hands over what was put since the last time. Where that is nothing, the thread is told that nothing comes of its answers, if it
    /// has something to do that may wait for it.
    pub(crate) fn hand_over(&mut self) {
        if self.jobs.is_empty() && (self.owed == 0 || self.told == self.heard) {
            return;
        }
        self.told = self.heard;
        // A send fails when the store's thread has ended, which its last answer explains.
        let _ = self.queue.send(Round { jobs: std::mem::take(&mut self.jobs), heard: self.heard });
    }
}
