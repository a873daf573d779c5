//! The terminal's duties: the writes of one call become one `Persist`, and what depends on it waits for it.

use std::collections::{BTreeMap, VecDeque};

use edgepos_core::{IdempotencyKey, Load, LoadId, Persist, PersistId, Space, Write};

use super::io::{Event, Output, Refusal, Reply, RequestId};

/// Queued outputs, and writes that are not yet durable.
#[derive(Debug, Default)]
pub(super) struct Duties {
    out: VecDeque<Output>,
    gathering: Batch,
    in_flight: VecDeque<(PersistId, Batch)>,
    last_persist: u64,
    loads: BTreeMap<LoadId, LoadFor>,
    last_load: u64,
}

/// What one `Persist` carries, and what waits for it.
#[derive(Debug, Default)]
pub(super) struct Batch {
    writes: Vec<Write>,
    pub(super) election: Vec<PersistId>,
    pub(super) outbox: Vec<PersistId>,
    pub(super) then: Vec<Then>,
}

/// What is done once the writes are durable.
#[derive(Debug)]
pub(super) enum Then {
    Reply(RequestId, Reply),
    Committed(IdempotencyKey, super::Receipt),
    Tell(Event),
}

/// Whom a load answers.
#[derive(Debug)]
pub(super) enum LoadFor {
    Outbox(LoadId),
    Key(IdempotencyKey),
}

impl Duties {
    pub(super) fn write(&mut self, write: Write) {
        self.gathering.writes.push(write);
    }

    pub(super) fn writes(&mut self) -> &mut Vec<Write> {
        &mut self.gathering.writes
    }

    pub(super) fn has_writes(&self) -> bool {
        !self.gathering.writes.is_empty()
    }

    pub(super) fn election_persist(&mut self, persist: Persist) {
        self.gathering.writes.extend(persist.writes);
        self.gathering.election.push(persist.id);
    }

    pub(super) fn outbox_persist(&mut self, persist: Persist) {
        self.gathering.writes.extend(persist.writes);
        self.gathering.outbox.push(persist.id);
    }

    pub(super) fn then(&mut self, then: Then) {
        self.gathering.then.push(then);
    }

    pub(super) fn push(&mut self, output: Output) {
        self.out.push_back(output);
    }

    pub(super) fn reply(&mut self, request: RequestId, reply: Result<Reply, Refusal>) {
        self.out.push_back(Output::Reply(request, reply));
    }

    pub(super) fn load(&mut self, mut load: Load, whom: LoadFor) {
        self.last_load += 1;
        load.id = LoadId(self.last_load);
        self.loads.insert(load.id, whom);
        self.out.push_back(Output::Load(load));
    }

    /// A load of one row.
    pub(super) fn load_row(&mut self, space: Space, key: &[u8], whom: LoadFor) {
        let load = Load { id: LoadId(0), space, from: key.to_vec(), to: key.to_vec(), max_bytes: u32::MAX };
        self.load(load, whom);
    }

    pub(super) fn loaded(&mut self, id: LoadId) -> Option<LoadFor> {
        self.loads.remove(&id)
    }

    /// Hands out what was gathered as one `Persist`.
    pub(super) fn seal(&mut self) {
        if self.gathering.writes.is_empty() {
            debug_assert!(self.gathering.election.is_empty() && self.gathering.outbox.is_empty());
            return;
        }
        self.last_persist += 1;
        let id = PersistId(self.last_persist);
        let mut batch = std::mem::take(&mut self.gathering);
        let writes = std::mem::take(&mut batch.writes);
        self.in_flight.push_back((id, batch));
        self.out.push_back(Output::Persist(Persist { id, writes }));
    }

    /// The oldest writes are durable; `None` when `id` is not theirs.
    pub(super) fn persisted(&mut self, id: PersistId) -> Option<Batch> {
        if self.in_flight.front().is_none_or(|(oldest, _)| *oldest != id) {
            return None;
        }
        self.in_flight.pop_front().map(|(_, batch)| batch)
    }

    pub(super) fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// Forgets everything but the replies that are already due, since what they say is durable.
    pub(super) fn clear(&mut self) {
        self.out.retain(|output| matches!(output, Output::Reply(..)));
        self.gathering = Batch::default();
        self.in_flight.clear();
        self.loads.clear();
    }

    /// Requests whose reply waits for a write.
    pub(super) fn waiting(&self) -> impl Iterator<Item = RequestId> + '_ {
        let batches = self.in_flight.iter().map(|(_, batch)| batch).chain([&self.gathering]);
        batches.flat_map(|batch| &batch.then).filter_map(|then| match then {
            Then::Reply(request, _) => Some(*request),
            Then::Committed(..) | Then::Tell(_) => None,
        })
    }
}
