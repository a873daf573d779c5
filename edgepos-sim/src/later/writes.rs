//! The transaction of a later terminal: what both engines write in one call is one write, and what waits for it is told then.

use std::collections::{BTreeMap, VecDeque};

use edgepos_core::{Load, LoadId, Persist, PersistId, Write};

/// Writes that are gathered or under way, and reads.
#[derive(Debug)]
pub(super) struct Writes<T> {
    gathered: Group<T>,
    under_way: VecDeque<(PersistId, Group<T>)>,
    last_persist: u64,
    loads: BTreeMap<LoadId, LoadId>,
    last_load: u64,
}

/// What becomes durable together.
#[derive(Debug)]
pub(super) struct Group<T> {
    writes: Vec<Write>,
    /// What the election is told then.
    pub(super) election: Vec<PersistId>,
    /// What the outbox is told then.
    pub(super) outbox: Vec<PersistId>,
    /// What is promised then.
    pub(super) promises: Vec<T>,
}

impl<T> Default for Group<T> {
    fn default() -> Self {
        Self { writes: Vec::new(), election: Vec::new(), outbox: Vec::new(), promises: Vec::new() }
    }
}

impl<T> Default for Writes<T> {
    fn default() -> Self {
        Self {
            gathered: Group::default(),
            under_way: VecDeque::new(),
            last_persist: 0,
            loads: BTreeMap::new(),
            last_load: 0,
        }
    }
}

impl<T> Writes<T> {
    pub(super) fn put(&mut self, write: Write) {
        self.gathered.writes.push(write);
    }

    pub(super) fn of_election(&mut self, persist: Persist) {
        self.gathered.writes.extend(persist.writes);
        self.gathered.election.push(persist.id);
    }

    pub(super) fn of_outbox(&mut self, persist: Persist) {
        self.gathered.writes.extend(persist.writes);
        self.gathered.outbox.push(persist.id);
    }

    pub(super) fn promise(&mut self, promise: T) {
        self.gathered.promises.push(promise);
    }

    /// Whether something would be written.
    pub(super) fn is_gathering(&self) -> bool {
        !self.gathered.writes.is_empty()
    }

    /// What was gathered, as one write.
    pub(super) fn seal(&mut self) -> Option<Persist> {
        if !self.is_gathering() {
            return None;
        }
        let mut group = std::mem::take(&mut self.gathered);
        let writes = std::mem::take(&mut group.writes);
        self.last_persist += 1;
        let id = PersistId(self.last_persist);
        self.under_way.push_back((id, group));
        Some(Persist { id, writes })
    }

    /// The oldest write is durable; `None` when `id` is not its number.
    pub(super) fn persisted(&mut self, id: PersistId) -> Option<Group<T>> {
        self.under_way.pop_front_if(|(oldest, _)| *oldest == id).map(|(_, group)| group)
    }

    /// A read of the outbox, under a number of the terminal's.
    pub(super) fn load(&mut self, mut load: Load) -> Load {
        self.last_load += 1;
        let id = LoadId(self.last_load);
        self.loads.insert(id, load.id);
        load.id = id;
        load
    }

    /// The outbox's own number of a read.
    pub(super) fn loaded(&mut self, id: LoadId) -> Option<LoadId> {
        self.loads.remove(&id)
    }
}
