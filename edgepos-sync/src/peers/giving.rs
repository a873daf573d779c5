//! Events for peers that have lost them.

use std::collections::VecDeque;

use edgepos_core::{EventId, LoadId, ReplicaId, Seq};

use crate::event::{EventRecord, Hash};
use crate::turn::Turn;
use crate::wire::batch::{Batch, Run};
use crate::wire::message::Message;

/// Questions that wait for the disk. Beyond it one is dropped, and asked again.
const MAX_WAITING: usize = 64;

/// What is asked for and not given yet.
#[derive(Debug, Default)]
pub(super) struct Giving {
    waiting: VecDeque<Wanted>,
    reading: Option<(LoadId, Wanted)>,
}

/// Events that a peer lacks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Wanted {
    peer: ReplicaId,
    first: EventId,
    last: Seq,
}

impl Giving {
    /// A peer asks.
    pub(super) fn asked(&mut self, peer: ReplicaId, first: EventId, last: Seq) {
        self.wait(Wanted { peer, first, last });
    }

    /// A peer says that it lacks these: it is given them where they are here.
    pub(super) fn offer(&mut self, turn: &Turn<'_>, peer: ReplicaId, first: EventId, last: Seq) {
        if turn.log.durable().get(first.chain) >= last && turn.log.damage().gap_at(first).is_none() {
            self.wait(Wanted { peer, first, last });
        }
    }

    fn wait(&mut self, wanted: Wanted) {
        if self.waiting.len() < MAX_WAITING && !self.waiting.contains(&wanted) {
            self.waiting.push_back(wanted);
        }
    }

    /// Reads for the next one, one at a time.
    pub(super) fn pump(&mut self, turn: &mut Turn<'_>) {
        if self.reading.is_none()
            && let Some(wanted) = self.waiting.pop_front()
        {
            let Wanted { first, last, .. } = wanted;
            // The row before tells the hash on which the first one must follow.
            let from = EventId::new(first.chain, Seq(first.seq.0 - 1));
            let max_bytes = turn.config.limits.max_body_bytes / 2;
            self.reading = Some((turn.out.read(from, EventId::new(first.chain, last), max_bytes), wanted));
        }
    }

    /// The answer to whom, where the rows were for one that is to be answered.
    pub(super) fn loaded(
        &mut self,
        turn: &Turn<'_>,
        load: LoadId,
        rows: &[(Vec<u8>, Vec<u8>)],
    ) -> Option<(ReplicaId, Message)> {
        let (_, wanted) = self.reading.take_if(|(reading, _)| *reading == load)?;
        let Wanted { peer, first, last } = wanted;
        let run = whole(first, last, rows);
        let base = run.as_ref().and_then(|_| before(first, rows));
        let batch = run.map(|run| Batch { runs: vec![run] }.encode(&turn.config.limits));
        Some((peer, Message::Found { first, last, batch, base }))
    }
}

/// The chain's hash before the event; what follows on it proves it.
fn before(first: EventId, rows: &[(Vec<u8>, Vec<u8>)]) -> Option<Hash> {
    let (key, value) = rows.first()?;
    let (record, hash) = EventRecord::from_row(key, value)?;
    (record.id.chain == first.chain && record.id.seq.next() == first.seq).then_some(hash)
}

/// The events from `first` to `last`, where they are all there and follow on each other.
fn whole(first: EventId, last: Seq, rows: &[(Vec<u8>, Vec<u8>)]) -> Option<Run> {
    let mut before = (first.seq == Seq(1)).then_some(Hash::ZERO);
    let (mut next, mut payloads) = (first.seq, Vec::new());
    for (key, value) in rows {
        let (record, hash) = EventRecord::from_row(key, value)?;
        if record.id == EventId::new(first.chain, Seq(first.seq.0 - 1)) {
            before = Some(hash);
            continue;
        }
        let follows = before.is_none_or(|before| before.link(record.id, &record.payload) == hash);
        if record.id != EventId::new(first.chain, next) || !follows {
            return None;
        }
        (before, next) = (Some(hash), next.next());
        payloads.push(record.payload);
    }
    let head = before.filter(|_| next == last.next())?;
    Some(Run { chain: first.chain, first: first.seq, head, payloads, gaps: Vec::new() })
}
