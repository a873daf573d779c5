//! What is sent to one peer: one batch at a time, repeated until it is answered.

use std::collections::BTreeSet;
use std::time::Duration;

use edgepos_core::{Chain, LoadId, Seq, Time};
use edgepos_crdt::VersionVector;

use super::pressure::Throttle;
use super::session::Session;
use crate::backoff;
use crate::gather::Gather;
use crate::log::Log;
use crate::receiver::{Reading, Receiver};
use crate::turn::Turn;
use crate::wire::batch::Batch;
use crate::wire::compress;
use crate::wire::message::{Ack, Hello, Message};

/// The batches to one peer.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    receiver: Receiver,
    stage: Stage,
    /// Batches in a row that brought nothing forward.
    failures: u32,
    /// The number of the last batch sent on this connection.
    number: u64,
    /// How much goes into one batch to it.
    throttle: Throttle,
    /// The dictionaries that it can decompress with.
    dictionaries: BTreeSet<u32>,
    /// The newest format of a batch that it reads.
    batch_format: u16,
}

#[derive(Debug, Default)]
enum Stage {
    #[default]
    Idle,
    /// Events are being read.
    Gathering(Box<Gather>),
    /// A batch is under way.
    Flying { number: u64, last: VersionVector, deadline: Time },
    /// The last batch brought nothing forward, or the peer has asked for a pause.
    Resting { until: Time },
}

impl Delivery {
    /// To a peer that has said nothing on its connection yet.
    pub(crate) fn starting_at(held: VersionVector) -> Self {
        Self { receiver: Receiver::holding(held), ..Self::default() }
    }

    /// What the peer holds durably, as far as we know.
    pub(crate) fn held(&self) -> &VersionVector {
        self.receiver.held()
    }

    /// The peer has said what it holds, which replaces what was known, and what it can decompress with.
    pub(crate) fn greeted(&mut self, log: &Log, hello: &Hello) {
        self.receiver.holds(hello.vector.clone());
        self.receiver.takes_gaps(hello.lost.is_some());
        self.receiver.aim(log.durable());
        self.dictionaries = hello.dictionaries.clone();
        self.batch_format = hello.batch_format;
    }

    /// What is being read may leave its place: it is read anew.
    pub(crate) fn stop_reading(&mut self) {
        if matches!(self.stage, Stage::Gathering(_)) {
            self.stage = Stage::Idle;
        }
    }

    /// The peer is none to talk to.
    pub(crate) fn stop(&mut self) {
        self.stage = Stage::Idle;
    }

    /// The peer shall hold this, without waiting for more.
    pub(crate) fn aim(&mut self, goal: &VersionVector) {
        self.receiver.aim(goal);
    }

    /// The peer has sent the chain's events up to here.
    pub(crate) fn received(&mut self, chain: Chain, last: Seq) {
        self.receiver.holds_up_to(chain, last);
    }

    pub(crate) fn is_apart(&self, chain: Chain) -> bool {
        self.receiver.is_apart(chain)
    }

    /// It holds another history of the chain.
    pub(crate) fn dispute(&mut self, chain: Chain) {
        self.receiver.dispute(chain);
    }

    /// The chains that have another history there.
    pub(crate) fn disputed(&self) -> &BTreeSet<Chain> {
        self.receiver.disputed()
    }

    /// What it holds is to be compared anew.
    pub(crate) fn forget_disputes(&mut self) {
        self.receiver.forget_disputes();
    }

    /// How many chains are set apart.
    pub(crate) fn chains_apart(&self) -> usize {
        self.receiver.chains_apart()
    }

    /// Starts a batch, unless one is under way or the peer has everything that it shall have. `frees_own`: our own chains may go.
    pub(crate) fn pump(&mut self, turn: &mut Turn<'_>, session: &Session, frees_own: bool) {
        if !matches!(self.stage, Stage::Idle) {
            return;
        }
        let bytes = self.throttle.budget(turn.config);
        let author = &*turn.author;
        let held_back = |chain: Chain| author.doubts(chain) || (!frees_own && chain.replica == author.name());
        if let Some(gather) = self.receiver.gather(turn.log, turn.config, bytes, held_back) {
            self.read_on(turn, session, gather);
        }
    }

    /// Whether the rows were for this peer.
    pub(crate) fn loaded(
        &mut self,
        turn: &mut Turn<'_>,
        session: &Session,
        load: LoadId,
        rows: &[(Vec<u8>, Vec<u8>)],
    ) -> bool {
        match std::mem::take(&mut self.stage) {
            Stage::Gathering(mut gather) if gather.awaits(load) => {
                gather.loaded(rows);
                self.read_on(turn, session, gather);
                true
            }
            stage => {
                self.stage = stage;
                false
            }
        }
    }

    /// Asks for more rows, or sends what was read.
    fn read_on(&mut self, turn: &mut Turn<'_>, session: &Session, gather: Box<Gather>) {
        self.stage = match self.receiver.read_on(gather, Some(session.peer()), turn.log, turn.out) {
            Reading::On(gather) => Stage::Gathering(gather),
            Reading::Done { batch, pruned } => {
                if !pruned.is_empty() {
                    session.send(turn, Message::Missing { floor: pruned });
                }
                if batch.runs.is_empty() { Stage::Idle } else { self.send(turn, session, &batch) }
            }
        };
    }

    fn send(&mut self, turn: &mut Turn<'_>, session: &Session, batch: &Batch) -> Stage {
        let dictionary = compress::newest(&self.dictionaries);
        let bytes = batch.encode_for(self.batch_format, dictionary, &turn.config.limits);
        let deadline = turn.now + backoff::equal_jitter(turn, self.failures);
        self.number += 1;
        let number = self.number;
        session.send(turn, Message::Batch { number, batch: bytes });
        Stage::Flying { number, last: batch.last(), deadline }
    }

    /// The peer has said what it holds, and asks for a `pause` before the next batch.
    pub(crate) fn answered(&mut self, turn: &mut Turn<'_>, ack: &Ack, pause: Duration) {
        let rest = backoff::equal_jitter(turn, self.failures);
        let before = self.held().clone();
        if matches!(&self.stage, Stage::Flying { number, .. } if ack.batch == Some(*number)) {
            // Said after all that it said before this batch. A late word of before it set events aside may have raised what it holds.
            self.receiver.holds(ack.vector.clone());
        } else {
            self.receiver.holds_too(&ack.vector, turn.config.limits.max_chains);
        }
        let held = self.receiver.held();
        if let Stage::Flying { number, last, .. } = &self.stage
            && (ack.batch == Some(*number) || held.dominates(last))
        {
            let forward = last.iter().any(|(chain, _)| held.get(chain) > before.get(chain));
            self.failures = if forward { 0 } else { self.failures.saturating_add(1) };
            self.throttle.answered(pause, turn.config);
            let wait = if forward { pause } else { rest.max(pause) };
            self.stage = if wait.is_zero() { Stage::Idle } else { Stage::Resting { until: turn.now + wait } };
        }
    }

    /// Whether a pause of this length begins a time of the longest pauses.
    pub(crate) fn turns_critical(&mut self, turn: &Turn<'_>, pause: Duration) -> bool {
        self.throttle.turns_critical(pause, turn.config)
    }

    /// Gives up on what was not answered in time; it is sent again.
    pub(crate) fn wake(&mut self, now: Time) {
        match self.stage {
            Stage::Flying { deadline, .. } if deadline <= now => {
                self.failures = self.failures.saturating_add(1);
                self.stage = Stage::Idle;
            }
            Stage::Resting { until } if until <= now => self.stage = Stage::Idle,
            _ => {}
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Time> {
        match &self.stage {
            Stage::Flying { deadline, .. } => Some(*deadline),
            Stage::Resting { until } => Some(*until),
            Stage::Idle | Stage::Gathering(_) => None,
        }
    }
}
