//! Writes on their way to the disk, and the messages that wait for them.

use std::collections::VecDeque;

use edgepos_core::{PersistId, Time};

use crate::message::{Body, Message};

/// One write that was handed out and not yet reported durable.
#[derive(Debug)]
pub(crate) struct Waiting {
    id: PersistId,
    pub(crate) since: Time,
    /// The newest of raft's numbered batches that this write completes.
    pub(crate) number: u64,
    /// Whether it holds a term or a vote. While it waits, this terminal could forget both: nothing may be said in the new term.
    promise: bool,
    /// Set when it installs a snapshot: the index up to which it applies.
    pub(crate) snapshot: Option<u64>,
    /// Sent once it is durable.
    pub(crate) messages: Vec<Message>,
}

/// What a report of durability means.
pub(crate) enum Confirmed {
    /// The oldest write is durable.
    Next(Waiting),
    /// It was reported before.
    Again,
    /// One is missing in between.
    Gap { expected: PersistId },
}

/// All writes under way, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    last: u64,
    waiting: VecDeque<Waiting>,
}

impl Flight {
    /// Starts a write and gives it its id.
    pub(crate) fn start(
        &mut self,
        number: u64,
        promise: bool,
        snapshot: Option<u64>,
        since: Time,
    ) -> PersistId {
        self.last += 1;
        let id = PersistId(self.last);
        self.waiting.push_back(Waiting { id, since, number, promise, snapshot, messages: Vec::new() });
        id
    }

    /// Attaches a batch without writes to the newest write, since batches complete in order. `false` when nothing is under way.
    pub(crate) fn attach(&mut self, number: u64) -> bool {
        match self.waiting.back_mut() {
            Some(waiting) => {
                waiting.number = number;
                true
            }
            None => false,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Since when the oldest write is under way.
    pub(crate) fn oldest(&self) -> Option<Time> {
        self.waiting.front().map(|waiting| waiting.since)
    }

    /// Whether the term and the vote would survive a power cut at this moment.
    pub(crate) fn promise_durable(&self) -> bool {
        self.waiting.iter().all(|waiting| !waiting.promise)
    }

    /// Whether a snapshot is being installed. Until then raft can not look back into its log.
    pub(crate) fn installs_snapshot(&self) -> bool {
        self.waiting.iter().any(|waiting| waiting.snapshot.is_some())
    }

    /// Whether a request for votes has not left yet.
    pub(crate) fn holds_votes(&self) -> bool {
        self.waiting
            .iter()
            .flat_map(|waiting| &waiting.messages)
            .any(|held| matches!(held.body, Body::Vote { .. }))
    }

    /// Holds a message behind every write under way, or gives it back when there is none.
    pub(crate) fn hold_behind_all(&mut self, message: Message) -> Option<Message> {
        hold(self.waiting.back_mut(), message)
    }

    /// Holds a message behind the writes of term and vote only.
    pub(crate) fn hold_behind_promise(&mut self, message: Message) -> Option<Message> {
        hold(self.waiting.iter_mut().rev().find(|waiting| waiting.promise), message)
    }

    pub(crate) fn confirm(&mut self, id: PersistId) -> Confirmed {
        match self.waiting.front() {
            Some(waiting) if waiting.id == id => {
                self.waiting.pop_front().map_or(Confirmed::Again, Confirmed::Next)
            }
            Some(waiting) if id > waiting.id => Confirmed::Gap { expected: waiting.id },
            None if id.0 > self.last => Confirmed::Gap { expected: PersistId(self.last + 1) },
            _ => Confirmed::Again,
        }
    }
}

fn hold(waiting: Option<&mut Waiting>, message: Message) -> Option<Message> {
    match waiting {
        Some(waiting) => {
            waiting.messages.push(message);
            None
        }
        None => Some(message),
    }
}
