//! Writes on their way to the disk, and the messages that wait for them.

use std::collections::VecDeque;

use edgepos_core::{Persist, PersistId, Time, Write};

use crate::io::{Event, Output};
use crate::message::{Body, Message};
use crate::turn::Turn;

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
    /// The oldest takes too long, and that was told.
    stall_told: bool,
}

/// What a write completes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Completes {
    /// One of raft's numbered batches; 0 for none.
    pub(crate) number: u64,
    /// A term or a vote, or what else must be durable before this terminal says a word.
    pub(crate) promise: bool,
    /// The snapshot up to this index.
    pub(crate) snapshot: Option<u64>,
}

impl Completes {
    /// A write of the election's own that nothing but the terminal's words depends on.
    pub(crate) const PROMISE: Self = Self { number: 0, promise: true, snapshot: None };
    /// A write that nothing depends on.
    pub(crate) const NOTHING: Self = Self { number: 0, promise: false, snapshot: None };
}

impl Flight {
    /// Hands out a write.
    pub(crate) fn start(&mut self, turn: &mut Turn<'_>, completes: Completes, writes: Vec<Write>) {
        let Completes { number, promise, snapshot } = completes;
        self.last += 1;
        let (id, since) = (PersistId(self.last), turn.now);
        self.waiting.push_back(Waiting { id, since, number, promise, snapshot, messages: Vec::new() });
        turn.out.push_back(Output::Persist(Persist { id, writes }));
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

    /// Sends a message as soon as every write under way is durable.
    pub(crate) fn send_behind_all(&mut self, turn: &mut Turn<'_>, message: Message) {
        send(self.waiting.back_mut(), turn, message);
    }

    /// Sends a message as soon as the writes of term and vote are.
    pub(crate) fn send_behind_promise(&mut self, turn: &mut Turn<'_>, message: Message) {
        send(self.waiting.iter_mut().rev().find(|waiting| waiting.promise), turn, message);
    }

    pub(crate) fn confirm(&mut self, id: PersistId) -> Confirmed {
        match self.waiting.front() {
            Some(waiting) if waiting.id == id => {
                self.stall_told = false;
                self.waiting.pop_front().map_or(Confirmed::Again, Confirmed::Next)
            }
            Some(waiting) if id > waiting.id => Confirmed::Gap { expected: waiting.id },
            None if id.0 > self.last => Confirmed::Gap { expected: PersistId(self.last + 1) },
            _ => Confirmed::Again,
        }
    }

    /// Tells, once, that the oldest write takes too long. Whether it did.
    pub(crate) fn stalls(&mut self, turn: &mut Turn<'_>) -> bool {
        let oldest = self.waiting.front().map(|waiting| waiting.since);
        let due = self.deadline(turn).is_some_and(|at| turn.now >= at);
        let Some(since) = oldest.filter(|_| due) else { return false };
        self.stall_told = true;
        turn.tell(Event::DiskStalled { since });
        true
    }

    /// When the oldest write will take too long.
    pub(crate) fn deadline(&self, turn: &Turn<'_>) -> Option<Time> {
        let oldest = self.waiting.front().filter(|_| !self.stall_told)?;
        Some(oldest.since + turn.config.disk_stall_after)
    }
}

fn send(behind: Option<&mut Waiting>, turn: &mut Turn<'_>, message: Message) {
    match behind {
        Some(waiting) => waiting.messages.push(message),
        None => turn.out.push_back(Output::Transmit(message)),
    }
}
