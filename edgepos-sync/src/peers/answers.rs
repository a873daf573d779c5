//! Answers to peers that ask for the hash of one event.

use std::collections::VecDeque;

use edgepos_core::{EventId, LoadId, ReplicaId};

use crate::event::{EventRecord, Hash};
use crate::log::Held;
use crate::turn::Turn;

/// Questions whose answer is on disk and that wait for it. Beyond it a question is dropped, and asked again.
const MAX_WAITING: usize = 64;

/// Questions that are not answered yet.
#[derive(Debug, Default)]
pub(super) struct Answers {
    waiting: VecDeque<(ReplicaId, EventId)>,
    reading: Option<(LoadId, ReplicaId, EventId)>,
}

impl Answers {
    /// A peer asks. The answer, where it is at hand.
    pub(super) fn asked(&mut self, turn: &Turn<'_>, peer: ReplicaId, event: EventId) -> Option<Option<Hash>> {
        match turn.log.hash_at(event.chain, event.seq) {
            Held::At(hash) => Some(Some(hash)),
            Held::Not => Some(None),
            Held::OnDisk => {
                if self.waiting.len() < MAX_WAITING {
                    self.waiting.push_back((peer, event));
                }
                None
            }
        }
    }

    /// Reads for the next question, one at a time.
    pub(super) fn pump(&mut self, turn: &mut Turn<'_>) {
        if self.reading.is_none()
            && let Some((peer, event)) = self.waiting.pop_front()
        {
            self.reading = Some((turn.out.read(event, event, 1), peer, event));
        }
    }

    /// The answer to whom, where the rows were for one.
    pub(super) fn loaded(
        &mut self,
        load: LoadId,
        rows: &[(Vec<u8>, Vec<u8>)],
    ) -> Option<(ReplicaId, EventId, Option<Hash>)> {
        let (_, peer, event) = self.reading.take_if(|(reading, ..)| *reading == load)?;
        let row = rows.first().and_then(|(key, value)| EventRecord::from_row(key, value));
        Some((peer, event, row.filter(|(record, _)| record.id == event).map(|(_, hash)| hash)))
    }
}
