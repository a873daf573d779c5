//! The chains of this terminal and of its peers: positions and hashes in memory, events on disk only.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use edgepos_core::{Chain, EventId, Persist, PersistId, ReplicaId, Seq, Space, Write};
use edgepos_crdt::VersionVector;

use crate::event::{EventRecord, Hash};
use crate::restored::{self, Head, Restored};
use crate::wire::batch::{LinkError, Run};

/// What is held, what of it is durable, and what waits for the disk.
pub(crate) struct Log {
    me: ReplicaId,
    heads: BTreeMap<Chain, Head>,
    accepted: VersionVector,
    durable: VersionVector,
    cloud: VersionVector,
    /// Chains that go nowhere any more: ours after a roll-back, the store's after a disagreement with the log.
    suspended: BTreeSet<Chain>,
    pending: VecDeque<Pending>,
    issued: PersistId,
    settled: PersistId,
    /// Since the start, for the mean size of an event.
    seen_bytes: u64,
    seen_events: u64,
}

struct Pending {
    id: PersistId,
    reached: VersionVector,
    bytes: u64,
    events: u64,
    foreign: bool,
}

/// What became durable.
#[derive(Default)]
pub(crate) struct Settled {
    pub(crate) bytes: u64,
    pub(crate) events: u64,
    pub(crate) foreign: bool,
}

/// Events that are accepted together and written together.
#[derive(Default)]
pub(crate) struct Intake {
    pub(crate) records: Vec<EventRecord>,
    writes: Vec<Write>,
    heads: BTreeSet<Chain>,
    reached: VersionVector,
    bytes: u64,
    events: u64,
}

/// What a run turned out to be.
pub(crate) enum Taken {
    /// New events, or none that are new.
    Yes,
    /// It begins too late.
    Gap,
    /// Another history.
    Fork,
    /// One chain too many.
    TooManyChains,
}

impl Log {
    pub(crate) fn new(me: ReplicaId, restored: Restored) -> Self {
        let Restored { heads, cloud } = restored;
        let accepted: VersionVector = heads.iter().map(|(chain, head)| (*chain, head.seq)).collect();
        Self {
            me,
            heads,
            durable: accepted.clone(),
            accepted,
            cloud,
            suspended: BTreeSet::new(),
            pending: VecDeque::new(),
            issued: PersistId(0),
            settled: PersistId(0),
            seen_bytes: 0,
            seen_events: 0,
        }
    }

    pub(crate) fn accepted(&self) -> &VersionVector {
        &self.accepted
    }

    pub(crate) fn durable(&self) -> &VersionVector {
        &self.durable
    }

    pub(crate) fn cloud(&self) -> &VersionVector {
        &self.cloud
    }

    pub(crate) fn head(&self, chain: Chain) -> Head {
        self.heads.get(&chain).copied().unwrap_or_default()
    }

    /// The hash of each chain at its durable position; chains with a write under way are left out.
    pub(crate) fn durable_heads(&self) -> BTreeMap<Chain, Hash> {
        let settled = |(chain, head): (&Chain, &Head)| {
            (head.seq != Seq::ZERO && self.durable.get(*chain) == head.seq).then_some((*chain, head.hash))
        };
        self.heads.iter().filter_map(settled).collect()
    }

    pub(crate) fn chains(&self) -> usize {
        self.heads.len()
    }

    pub(crate) fn suspended(&self) -> &BTreeSet<Chain> {
        &self.suspended
    }

    /// Returns whether it was not suspended before.
    pub(crate) fn suspend(&mut self, chain: Chain) -> bool {
        self.suspended.insert(chain)
    }

    /// How many writes wait for the disk.
    pub(crate) fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// The latest write asked for.
    pub(crate) fn issued(&self) -> PersistId {
        self.issued
    }

    /// Up to where writes are durable.
    pub(crate) fn settled(&self) -> PersistId {
        self.settled
    }

    /// Adds the next event of a chain.
    pub(crate) fn append(&mut self, intake: &mut Intake, chain: Chain, payload: Vec<u8>) -> EventRecord {
        let head = self.head(chain);
        let record = EventRecord { id: EventId::new(chain, head.seq.next()), payload };
        let hash = head.hash.link(record.id, &record.payload);
        self.advance(intake, &record, hash);
        record
    }

    fn advance(&mut self, intake: &mut Intake, record: &EventRecord, hash: Hash) {
        let EventId { chain, seq } = record.id;
        let head = self.heads.entry(chain).or_default();
        head.seq = seq;
        head.hash = hash;
        self.accepted.set_max(chain, seq);
        intake.writes.push(Write::put(Space::Event, record.id.to_key(), record.to_row(hash)));
        intake.reached.set_max(chain, seq);
        intake.heads.insert(chain);
        let bytes = record.payload.len() as u64;
        intake.bytes += bytes;
        intake.events += 1;
        self.seen_bytes = self.seen_bytes.saturating_add(bytes);
        self.seen_events = self.seen_events.saturating_add(1);
    }

    /// Marks the store's chain as derived from the log up to here, whoever wrote the event.
    pub(crate) fn decide(&mut self, intake: &mut Intake, chain: Chain, seq: Seq, hash: Hash) {
        self.heads.entry(chain).or_default().decided = Some((seq, hash));
        intake.heads.insert(chain);
    }

    /// Takes what is new of a peer's run; all of it or nothing.
    pub(crate) fn take(&mut self, intake: &mut Intake, run: Run, max_chains: u32) -> Taken {
        let chain = run.chain;
        let head = self.head(chain);
        if head.seq == Seq::ZERO && self.chains() >= max_chains as usize {
            return Taken::TooManyChains;
        }
        if run.last() == head.seq && run.head != head.hash {
            return Taken::Fork;
        }
        match run.above(head.seq, head.hash) {
            Ok(linked) => {
                for (record, hash) in linked {
                    self.advance(intake, &record, hash);
                    intake.records.push(record);
                }
                Taken::Yes
            }
            Err(LinkError::Gap) => Taken::Gap,
            Err(LinkError::Fork) => Taken::Fork,
        }
    }

    /// The write for everything taken in; `None` when that is nothing.
    pub(crate) fn persist(&mut self, intake: Intake, foreign: bool) -> Option<Persist> {
        let Intake { mut writes, heads, reached, bytes, events, .. } = intake;
        writes.extend(heads.into_iter().map(|chain| self.head(chain).to_write(chain)));
        self.issue(writes, Pending { id: PersistId(0), reached, bytes, events, foreign })
    }

    /// Raises what the cloud is known to hold, and the write that remembers it; `None` when it says nothing new.
    pub(crate) fn raise_cloud(&mut self, vector: &VersionVector) -> Option<Persist> {
        if self.cloud.dominates(vector) {
            return None;
        }
        self.cloud.join(vector);
        let writes = vec![restored::cloud_write(&self.cloud)];
        self.issue(
            writes,
            Pending { id: PersistId(0), reached: VersionVector::new(), bytes: 0, events: 0, foreign: false },
        )
    }

    fn issue(&mut self, writes: Vec<Write>, pending: Pending) -> Option<Persist> {
        if writes.is_empty() {
            return None;
        }
        self.issued = PersistId(self.issued.0 + 1);
        self.pending.push_back(Pending { id: self.issued, ..pending });
        Some(Persist { id: self.issued, writes })
    }

    /// The write `id` and those before it are durable.
    pub(crate) fn persisted(&mut self, id: PersistId) -> Settled {
        let mut settled = Settled::default();
        while let Some(pending) = self.pending.pop_front_if(|pending| pending.id <= id) {
            self.durable.join(&pending.reached);
            self.settled = pending.id;
            settled.bytes += pending.bytes;
            settled.events += pending.events;
            settled.foreign |= pending.foreign;
        }
        settled
    }

    /// Events held here that the cloud is not known to hold.
    pub(crate) fn above_cloud(&self) -> u64 {
        let above = |(chain, seq): (Chain, Seq)| seq.0.saturating_sub(self.cloud.get(chain).0);
        self.accepted.iter().map(above).fold(0, u64::saturating_add)
    }

    /// Their payload bytes, estimated: positions are kept in memory, sizes are not.
    pub(crate) fn bytes_above_cloud(&self) -> u64 {
        let mean = self.seen_bytes.checked_div(self.seen_events).unwrap_or(0);
        self.above_cloud().saturating_mul(mean)
    }

    /// The first of our own chains of which `vector` holds more than we have made.
    pub(crate) fn rolled_back(&self, vector: &VersionVector) -> Option<(Chain, Seq, Seq)> {
        let ahead = |(chain, known): (Chain, Seq)| {
            let own = self.accepted.get(chain);
            (chain.replica == self.me && known > own && !self.suspended.contains(&chain))
                .then_some((chain, known, own))
        };
        vector.iter().find_map(ahead)
    }
}
