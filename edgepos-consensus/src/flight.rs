//! Writes on their way to the disk, and the messages that wait for them.

use std::collections::VecDeque;

use edgepos_core::{Persist, PersistId, Time, Write};

use crate::io::{Notice, Output};
use crate::message::{Body, Message};
use crate::turn::Turn;

/// One write that was handed out and not yet reported durable.
#[derive(Debug)]
pub(crate) struct Waiting {
    id: PersistId,
    pub(crate) since: Time,
    pub(crate) completes: Completes,
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
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Completes {
    /// The newest of raft's numbered batches in it; 0 for none.
    pub(crate) number: u64,
    /// A term or a vote, or what else must be durable before this terminal says a word: while it waits, this terminal could forget it.
    pub(crate) promise: bool,
    /// The snapshot up to this index, which it installs.
    pub(crate) snapshot: Option<u64>,
    /// Own proposals, up to this number; 0 for none.
    pub(crate) proposal: u64,
}

impl Completes {
    /// A write of the election's own that nothing depends on.
    pub(crate) const NOTHING: Self = Self { number: 0, promise: false, snapshot: None, proposal: 0 };
    /// One that every word of this terminal depends on.
    pub(crate) const PROMISE: Self = Self { promise: true, ..Self::NOTHING };

    /// The row of an own proposal.
    pub(crate) fn proposal(number: u64) -> Self {
        Self { proposal: number, ..Self::NOTHING }
    }
}

impl Flight {
    /// Hands out a write.
    pub(crate) fn start(&mut self, turn: &mut Turn<'_>, completes: Completes, writes: Vec<Write>) {
        self.last += 1;
        let (id, since) = (PersistId(self.last), turn.now);
        self.waiting.push_back(Waiting { id, since, completes, messages: Vec::new() });
        turn.out.push(Output::Persist(Persist { id, writes }));
    }

    /// Attaches a batch without writes to the newest write, since batches complete in order. `false` when nothing is under way.
    pub(crate) fn attach(&mut self, number: u64) -> bool {
        match self.waiting.back_mut() {
            Some(waiting) => {
                waiting.completes.number = number;
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
        self.waiting.iter().all(|waiting| !waiting.completes.promise)
    }

    /// Whether a snapshot is being installed. Until then raft cannot look back into its log.
    pub(crate) fn installs_snapshot(&self) -> bool {
        self.waiting.iter().any(|waiting| waiting.completes.snapshot.is_some())
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
        send(self.waiting.iter_mut().rev().find(|waiting| waiting.completes.promise), turn, message);
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
        turn.out.tell(Notice::DiskStalled { since });
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
        None => turn.out.push(Output::Transmit(message)),
    }
}
