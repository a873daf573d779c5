//! What the cloud decides about one store: who may upload, and which events are new. Pure, so that a SQLite cloud, a sharded one
//! and the simulator decide alike.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use edgepos_core::{Chain, EventId, Lane, ReplicaId, Seq, StoreGeneration, Term, UploadEpoch, WallMs};
use edgepos_crdt::VersionVector;
use edgepos_wire::{DecodeError, DecodeFault, Reader, write};

use crate::event::{EventRecord, Hash};
use crate::gap::{Lost, MAX_GAPS};
use crate::limits::Limits;
use crate::wire::batch::{BATCH_FORMAT, Batch, Link, LinkError};
use crate::wire::claim::{Claim, CloudInstance};
use crate::wire::reply::{CloudReply, RefusedReason};
use crate::wire::request::CloudRequest;
use crate::wire::shapes;

/// The row that the cloud keeps for one store.
///
/// Load it, let it [`handle`](Self::handle) one request, and write it back together with the events that this returned, in one
/// transaction and only if the row is still the one that was loaded (compare [`epoch`](Self::epoch) and
/// [`batches`](Self::batches) in the `UPDATE`). Send the reply after that commit.
///
/// The rules:
/// - Every grant of the lease raises the epoch, a repeated one to the same replica too: what that replica sent before its restart
///   must not arrive after the restart and be taken for its new work.
/// - A lease that has not run out is pre-empted by its holder, and by a leader with a higher rank (generation, term). Who asks
///   without leading ranks below every leader of its generation and pre-empts nobody: leaderless terminals cannot fence each
///   other for ever.
/// - Each append renews the lease. An append after the lease ran out is good as long as nobody else took it.
/// - Events are taken without gaps, chain by chain, and only where the chain's hash agrees; all of a run or nothing. One chain in
///   dispute holds up no other.
/// - Whatever is said to be held is said with its hash, and with the instance: drawn at the first lease, and again when an uploader
///   has proved that the instance held more.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct IngestState {
    epoch: UploadEpoch,
    holder: ReplicaId,
    generation: StoreGeneration,
    term: Term,
    leader: bool,
    lease_until: WallMs,
    vector: VersionVector,
    heads: BTreeMap<Chain, Hash>,
    batches: u64,
    instance: Option<CloudInstance>,
    lost: Lost,
}

/// An event that the cloud takes, and the hash of its chain after it: a row of the cloud's table of events.
pub type Ingested = (EventRecord, Hash);

impl IngestState {
    /// The life of a lease on the cloud's clock: 15 s, three of the normal flush intervals.
    pub const LEASE: Duration = Duration::from_secs(15);

    /// A store that the cloud has never heard from.
    pub fn new() -> Self {
        Self::default()
    }

    /// The epoch in force; 0 before the first lease.
    pub fn epoch(&self) -> UploadEpoch {
        self.epoch
    }

    /// Who holds the lease, run out or not; `None` before the first.
    pub fn holder(&self) -> Option<ReplicaId> {
        (self.epoch != UploadEpoch::default()).then_some(self.holder)
    }

    /// All that the cloud holds of this store.
    pub fn vector(&self) -> &VersionVector {
        &self.vector
    }

    /// The hash of each chain where it is held to.
    pub fn heads(&self) -> &BTreeMap<Chain, Hash> {
        &self.heads
    }

    /// Positions below [`vector`](Self::vector) whose bytes their owner has lost, and the cloud never had.
    pub fn lost(&self) -> &Lost {
        &self.lost
    }

    /// Which life of the cloud's memory this is; `None` before the first lease.
    pub fn instance(&self) -> Option<CloudInstance> {
        self.instance
    }

    /// How many batches were stored; the number of the latest, from 1.
    pub fn batches(&self) -> u64 {
        self.batches
    }

    /// Answers one request of this store. The events are those that are new and must be stored with the row; empty otherwise.
    ///
    /// `wall` is the cloud's own clock. It decides how long others wait, never whether an event is taken.
    pub fn handle(
        &mut self,
        wall: WallMs,
        request: &CloudRequest,
        limits: &Limits,
    ) -> (CloudReply, Vec<Ingested>) {
        match request {
            CloudRequest::Lease { replica, generation, term, leader, restored, .. } => {
                if self.instance.is_none() || *restored == self.instance {
                    self.draw_instance(wall, &request.encode());
                }
                (self.lease(wall, *replica, *generation, *term, *leader), Vec::new())
            }
            CloudRequest::Head { .. } => {
                (CloudReply::Head { epoch: self.epoch, held: self.held() }, Vec::new())
            }
            CloudRequest::Probe { event, .. } => {
                // What is kept here is the last of each chain; whoever keeps the events answers for the others.
                let is_last = self.vector.get(event.chain) == event.seq;
                let hash = self.heads.get(&event.chain).copied().filter(|_| is_last);
                (CloudReply::Hash { event: *event, hash }, Vec::new())
            }
            // Whoever keeps the events answers.
            CloudRequest::Fetch { first, last, .. } => {
                (CloudReply::Events { first: *first, last: *last, batch: None, base: None }, Vec::new())
            }
            CloudRequest::Append { replica, epoch, old, new, batch, .. } => {
                let (reply, events) = self.append(wall, *replica, *epoch, old, new, batch, limits);
                (reply, events.unwrap_or_default())
            }
        }
    }

    /// The chain in which what comes down is written in this life of the cloud's memory, and how far it goes; `None` where nothing was
    /// uploaded or published yet.
    pub fn feed(&self) -> Option<(Chain, Seq)> {
        let chain = self.instance?.feed();
        Some((chain, self.vector.get(chain)))
    }

    /// Writes what is to come down to the store: the next events of [`feed`](Self::feed), to be stored with the row like uploaded ones. The
    /// store's leader hears of them with the next answer to whatever it asks. `None`, and nothing is written, where the store has as many
    /// chains as the limits allow.
    ///
    /// A life that was not told that it is another one, of a cloud that was restored from a backup, goes on with the chain that it knows:
    /// what the store has of it beyond that is uploaded again, unless something else was published before.
    pub fn publish(
        &mut self,
        wall: WallMs,
        payloads: Vec<Vec<u8>>,
        limits: &Limits,
    ) -> Option<Vec<Ingested>> {
        if self.instance.is_none() {
            self.draw_instance(wall, &payloads.concat());
        }
        let (chain, mut seq) = self.feed()?;
        if !self.heads.contains_key(&chain) && self.heads.len() >= limits.max_chains as usize {
            return None;
        }
        let mut hash = self.heads.get(&chain).copied().unwrap_or(Hash::ZERO);
        let mut events = Vec::with_capacity(payloads.len());
        for payload in payloads {
            seq = seq.next();
            let record = EventRecord { id: EventId::new(chain, seq), payload };
            hash = hash.link(record.id, &record.payload);
            events.push((record, hash));
        }
        if !events.is_empty() {
            self.vector.set_max(chain, seq);
            self.heads.insert(chain, hash);
            self.batches = self.batches.saturating_add(1);
        }
        Some(events)
    }

    /// Another life begins. Drawn from what never comes twice together: the moment, who asks, and what there was before.
    fn draw_instance(&mut self, wall: WallMs, why: &[u8]) {
        let seed = [&wall.0.to_be_bytes(), self.encode().as_slice(), why].concat();
        let name = EventId::new(Chain::new(self.holder, Lane::Transactions), Seq(self.batches));
        let drawn = Hash::ZERO.link(name, &seed).0;
        let first = drawn.first_chunk().expect("a hash has 32 bytes");
        self.instance = Some(CloudInstance(*first));
    }

    /// All that is held, with its proofs.
    fn held(&self) -> Claim {
        let lost = Some(self.lost.clone());
        Claim {
            vector: self.vector.clone(),
            heads: self.heads.clone(),
            instance: self.instance,
            lost,
            batch_format: BATCH_FORMAT,
        }
    }

    /// All that is held, with the proofs of these chains alone, and of the one that comes down.
    fn held_of(&self, chains: &VersionVector) -> Claim {
        let feed = self.feed().map(|(chain, _)| chain);
        let chains = chains.iter().map(|(chain, _)| chain).chain(feed);
        let heads = chains.filter_map(|chain| Some((chain, *self.heads.get(&chain)?)));
        Claim {
            vector: self.vector.clone(),
            heads: heads.collect(),
            instance: self.instance,
            ..Claim::default()
        }
    }

    /// Grants the lease, or says how long to wait.
    pub fn lease(
        &mut self,
        wall: WallMs,
        replica: ReplicaId,
        generation: StoreGeneration,
        term: Term,
        leader: bool,
    ) -> CloudReply {
        if generation < self.generation {
            return CloudReply::Refused { reason: RefusedReason::OldGeneration };
        }
        let life = Self::LEASE.as_millis() as u64;
        // A clock that was set back would make the lease last until it has caught up.
        self.lease_until = self.lease_until.min(WallMs(wall.0.saturating_add(life)));
        let left = self.lease_until.0.saturating_sub(wall.0);
        let pre_empts =
            leader && rank(generation, term, true) > rank(self.generation, self.term, self.leader);
        if left > 0 && replica != self.holder && !pre_empts {
            return CloudReply::Busy { retry_after_ms: left };
        }
        self.epoch = UploadEpoch(self.epoch.0.saturating_add(1));
        self.holder = replica;
        self.generation = generation;
        self.term = term;
        self.leader = leader;
        self.lease_until = WallMs(wall.0.saturating_add(life));
        CloudReply::Lease { epoch: self.epoch, held: self.held() }
    }

    /// Takes the events of one batch, run by run: all of a run or nothing. `Some` holds those that are new, in the order of the batch.
    ///
    /// A repeat of an earlier append finds that `old` is no longer true and gets [`CloudReply::Conflict`], whose vector already
    /// covers it: nothing is stored twice, and the uploader goes on from there.
    #[expect(clippy::too_many_arguments, reason = "the fields of one request, each of its own type")]
    pub fn append(
        &mut self,
        wall: WallMs,
        replica: ReplicaId,
        epoch: UploadEpoch,
        old: &VersionVector,
        new: &VersionVector,
        batch: &[u8],
        limits: &Limits,
    ) -> (CloudReply, Option<Vec<Ingested>>) {
        if epoch != self.epoch || replica != self.holder || epoch == UploadEpoch::default() {
            return (CloudReply::Fenced { epoch: self.epoch }, None);
        }
        if !new.is_empty() && new.iter().all(|(chain, _)| old.get(chain) != self.vector.get(chain)) {
            return (CloudReply::Conflict { held: self.held() }, None);
        }
        let Checked { linked, forks } = match self.check(old, new, batch, limits) {
            Ok(checked) => checked,
            Err(reply) => return (reply, None),
        };
        let mut events = Vec::with_capacity(linked.len());
        for (chain, link) in linked {
            match link {
                Link::Event(record, hash) => {
                    self.vector.set_max(chain, record.id.seq);
                    self.heads.insert(chain, hash);
                    events.push((record, hash));
                }
                Link::Lost(gap) => {
                    self.vector.set_max(chain, gap.last);
                    self.heads.insert(chain, gap.hash);
                    self.lost.insert(chain, gap.first, gap.last);
                }
            }
        }
        self.batches = self.batches.saturating_add(1);
        self.lease_until = WallMs(wall.0.saturating_add(Self::LEASE.as_millis() as u64));
        (CloudReply::Ack { held: self.held_of(new), forks }, Some(events))
    }

    /// The events of the batch with their hashes, of each run that can be taken; at least one can. Changes nothing.
    fn check(
        &self,
        old: &VersionVector,
        new: &VersionVector,
        batch: &[u8],
        limits: &Limits,
    ) -> Result<Checked, CloudReply> {
        let refused = |reason| CloudReply::Refused { reason };
        let batch = Batch::decode(batch, limits).map_err(|error| {
            refused(match error.fault {
                DecodeFault::TooLarge { .. } => RefusedReason::TooLarge,
                DecodeFault::Unknown { .. } => RefusedReason::UnknownCodec,
                _ => RefusedReason::Malformed,
            })
        })?;
        let starts_right = batch.runs.iter().all(|run| run.first == old.get(run.chain).next());
        if batch.runs.is_empty() || batch.last() != *new || !starts_right {
            return Err(refused(RefusedReason::Malformed));
        }
        let mut room = (limits.max_chains as usize).saturating_sub(self.heads.len());
        let (mut checked, mut full) = (Checked::default(), false);
        let mut gaps = (MAX_GAPS as usize).saturating_sub(self.lost.iter().count());
        for run in batch.runs {
            let (chain, held) = (run.chain, self.vector.get(run.chain));
            if old.get(chain) != held {
                continue;
            }
            let known = self.heads.get(&chain);
            if known.is_none() && room == 0 {
                full = true;
                continue;
            }
            let lost = run.gaps.len();
            if lost > gaps {
                full = true;
                continue;
            }
            match run.above(held, known.copied().unwrap_or(Hash::ZERO)) {
                Ok(linked) => {
                    room -= usize::from(known.is_none());
                    gaps -= lost;
                    checked.linked.extend(linked.into_iter().map(|link| (chain, link)));
                }
                Err(LinkError::Gap) => return Err(refused(RefusedReason::Malformed)),
                Err(LinkError::Fork) => drop(checked.forks.insert(chain)),
            }
        }
        match checked.forks.first() {
            _ if !checked.linked.is_empty() => Ok(checked),
            Some(chain) => Err(CloudReply::Fork { chain: *chain }),
            None if full => Err(refused(RefusedReason::TooManyChains)),
            None => Err(CloudReply::Conflict { held: self.held() }),
        }
    }

    /// The row: a CBOR map.
    pub fn encode(&self) -> Vec<u8> {
        write(|out| {
            let lost = self.lost.iter().next().is_some();
            out.map(9 + u64::from(self.instance.is_some()) + u64::from(lost))?
                .u64(0)?
                .u64(self.epoch.0)?
                .u64(1)?
                .u64(self.holder.0)?;
            out.u64(2)?.u32(self.generation.0)?.u64(3)?.u64(self.term.0)?;
            out.u64(4)?.bool(self.leader)?.u64(5)?.u64(self.lease_until.0)?;
            out.u64(6)?;
            shapes::write_vector(out, &self.vector)?;
            out.u64(7)?;
            shapes::write_heads(out, &self.heads)?;
            out.u64(8)?.u64(self.batches)?;
            if let Some(instance) = self.instance {
                out.u64(9)?.bytes(&instance.0)?;
            }
            if lost {
                out.u64(10)?;
                self.lost.write_to(out)?;
            }
            Ok(())
        })
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// [`DecodeError`] when this is no such row, or one whose heads and vector do not name the same chains.
    pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Self, DecodeError> {
        let mut state = Self::default();
        let mut batches = None;
        Reader::all("ingest row", bytes, limits.max_message_bytes, |reader| {
            reader.fields(|reader, key| {
                match key {
                    0 => state.epoch = UploadEpoch(reader.u64()?),
                    1 => state.holder = ReplicaId(reader.u64()?),
                    2 => state.generation = StoreGeneration(reader.small("generation")?),
                    3 => state.term = Term(reader.u64()?),
                    4 => state.leader = reader.bool()?,
                    5 => state.lease_until = WallMs(reader.u64()?),
                    6 => state.vector = shapes::vector(reader, limits)?,
                    7 => state.heads = shapes::heads(reader, limits)?,
                    8 => batches = Some(reader.u64()?),
                    9 => state.instance = Some(CloudInstance(reader.fixed("instance")?)),
                    10 => state.lost = Lost::read(reader)?,
                    _ => return Ok(false),
                }
                Ok(true)
            })
        })?;
        state.batches = shapes::required("ingest row", batches, 8)?;
        if !state.heads.keys().copied().eq(state.vector.iter().map(|(chain, _)| chain)) {
            return Err(DecodeError::new("heads", 0, DecodeFault::Impossible));
        }
        Ok(state)
    }
}

/// What of a batch can be taken.
#[derive(Default)]
struct Checked {
    linked: Vec<(Chain, Link)>,
    /// Chains that have another history here.
    forks: BTreeSet<Chain>,
}

/// Who pre-empts whom. Not leading ranks as term 0, which no leader has.
fn rank(generation: StoreGeneration, term: Term, leader: bool) -> (StoreGeneration, Term) {
    (generation, if leader { term } else { Term(0) })
}
