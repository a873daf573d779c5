//! The chains of this terminal and of its peers: positions and hashes in memory, events on disk only.

pub(crate) mod damage;
pub(crate) mod intake;
pub(crate) mod linked;
pub(crate) mod proved;
mod recent;
pub(crate) mod record;
pub(crate) mod restored;
pub(crate) mod tails;
pub(crate) mod writes;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use edgepos_core::{Chain, EventId, Lane, PersistId, ReplicaId, Seq, Space, Write};
use edgepos_crdt::VersionVector;

use self::damage::Damage;
use self::intake::{Intake, Taken};
use self::linked::Linked;
use self::proved::Proved;
use self::recent::Recent;
use self::record::{Decided, RecordError};
use self::restored::{Head, Restored, RestoredParts};
use self::tails::Tails;
use self::writes::{Settled, Writes};
use crate::author::Parting;
use crate::config::Config;
use crate::event::{EventRecord, Hash};
use crate::gap::Gap;
use crate::io::{Notice, Witness};
use crate::outputs::Outputs;
use crate::wire::batch::{Link, LinkError, Run};

/// What is held, what of it is durable, and what the cloud is known to hold.
pub(crate) struct Log {
    /// Who writes the chains of this terminal.
    author: ReplicaId,
    heads: BTreeMap<Chain, Head>,
    accepted: VersionVector,
    recent: Recent,
    proved: Proved,
    /// Chains that go nowhere any more: the store's after a disagreement with the log.
    suspended: BTreeSet<Chain>,
    /// What of chains that were lost waits to be written again.
    tails: Tails,
    /// What of the chains is not there.
    damage: Damage,
    writes: Writes,
    /// Events that peers have sent and that are not taken in yet, and their payload bytes.
    inbound: (u64, u64),
}

impl Log {
    pub(crate) fn new(me: ReplicaId, restored: Restored) -> Self {
        let RestoredParts { heads, mut proved, author, tails, damage } = restored.into_parts();
        proved.keep(|chain, seq, hash| {
            heads.get(&chain).is_some_and(|head| seq < head.seq || (seq == head.seq && hash == head.hash))
        });
        let accepted: VersionVector = heads.iter().map(|(chain, head)| (*chain, head.seq)).collect();
        Self {
            author: author.unwrap_or(me),
            heads,
            writes: Writes::new(accepted.clone()),
            accepted,
            recent: Recent::default(),
            proved,
            suspended: BTreeSet::new(),
            tails,
            damage,
            inbound: (0, 0),
        }
    }

    /// What is recorded or taken in here, durable or not yet.
    pub(crate) fn accepted(&self) -> &VersionVector {
        &self.accepted
    }

    /// What would survive a power cut here.
    pub(crate) fn durable(&self) -> &VersionVector {
        self.writes.durable()
    }

    /// What the cloud is proved to hold. Goes back only with the cloud.
    pub(crate) fn cloud(&self) -> &VersionVector {
        self.proved.vector()
    }

    /// The same with its proofs.
    pub(crate) fn proved(&self) -> &Proved {
        &self.proved
    }

    pub(crate) fn proved_mut(&mut self) -> &mut Proved {
        &mut self.proved
    }

    /// Writes down what the cloud is proved to hold, where that has changed, and tells it.
    pub(crate) fn keep_proved(&mut self, out: &mut Outputs) {
        if let Some(rows) = self.proved.take_writes() {
            self.writes.issue(rows, VersionVector::new(), Settled::default(), out);
            out.notice(Notice::CloudHas(self.proved.vector().clone()));
        }
    }

    /// The hash of a chain at a position.
    pub(crate) fn hash_at(&self, chain: Chain, seq: Seq) -> Held {
        let head = self.head(chain);
        match seq.cmp(&head.seq) {
            Ordering::Greater => Held::Not,
            Ordering::Equal => Held::At(head.hash),
            Ordering::Less if seq == Seq::ZERO => Held::At(Hash::ZERO),
            Ordering::Less => match self.damage.gap_at(EventId::new(chain, seq)) {
                Some(gap) if gap.at == seq => Held::At(gap.hash),
                _ => self.recent.get(chain, seq).map_or(Held::OnDisk, Held::At),
            },
        }
    }

    /// How far a chain of the store itself was derived from the store-wide log.
    pub(crate) fn decided(&self, chain: Chain) -> (Seq, Hash) {
        self.head(chain).decided.unwrap_or_default()
    }

    /// How far a chain is held, with the hash of its history there.
    pub(crate) fn held(&self, chain: Chain) -> (Seq, Hash) {
        let head = self.head(chain);
        (head.seq, head.hash)
    }

    fn head(&self, chain: Chain) -> Head {
        self.heads.get(&chain).copied().unwrap_or_default()
    }

    /// The hash of each chain at its durable position; chains with a write under way are left out.
    pub(crate) fn durable_heads(&self) -> BTreeMap<Chain, Hash> {
        let durable = self.durable();
        let settled = |(chain, head): (&Chain, &Head)| {
            (head.seq != Seq::ZERO && durable.get(*chain) == head.seq).then_some((*chain, head.hash))
        };
        self.heads.iter().filter_map(settled).collect()
    }

    /// The hash of each chain that is durable further than `told`, where it is at hand.
    pub(crate) fn heads_above(&self, told: &VersionVector) -> BTreeMap<Chain, Hash> {
        let moved = self.durable().iter().filter(|(chain, seq)| *seq > told.get(*chain));
        let known = moved.filter_map(|(chain, seq)| match self.hash_at(chain, seq) {
            Held::At(hash) => Some((chain, hash)),
            Held::OnDisk | Held::Not => None,
        });
        known.collect()
    }

    /// Who writes the chains of this terminal.
    pub(crate) fn author(&self) -> ReplicaId {
        self.author
    }

    pub(crate) fn is_suspended(&self, chain: Chain) -> bool {
        self.suspended.contains(&chain) || self.tails.contains(chain)
    }

    /// Whether what waits to be written again of the chain is still in its place.
    pub(crate) fn is_being_rewritten(&self, chain: Chain) -> bool {
        self.tails.contains(chain)
    }

    /// Where the chain ends here.
    pub(crate) fn end(&self, chain: Chain) -> Parting {
        let Head { seq, hash, .. } = self.head(chain);
        Parting { seq, hash }
    }

    /// Goes on under another name. What is behind the parting of each lost chain leaves it, to be written again. Every write of those
    /// chains is durable.
    pub(crate) fn rename(&mut self, author: ReplicaId, lost: &BTreeMap<Chain, Parting>, out: &mut Outputs) {
        self.author = author;
        let mut intake = Intake::default();
        intake.write(tails::author_write(author));
        for (chain, parting) in lost {
            self.leave(&mut intake, *chain, *parting);
        }
        self.commit(intake, out);
    }

    /// What is behind the partings leaves these chains, event by event. Every write of them is durable.
    pub(crate) fn set_aside(&mut self, losing: &BTreeMap<Chain, Parting>, out: &mut Outputs) {
        let mut intake = Intake::default();
        for (chain, parting) in losing {
            self.leave(&mut intake, *chain, *parting);
        }
        self.commit(intake, out);
    }

    fn leave(&mut self, intake: &mut Intake, chain: Chain, parting: Parting) {
        let last = self.head(chain).seq;
        if parting.seq >= last {
            return;
        }
        intake.write(self.tails.begin(chain, parting.seq.next(), last));
        let head = self.heads.entry(chain).or_default();
        (head.seq, head.hash) = (parting.seq, parting.hash);
        self.accepted.fall_to(chain, parting.seq);
        self.writes.fall_to(chain, parting.seq);
        self.recent.forget(chain);
        self.damage.cut(chain, parting).into_iter().for_each(|row| intake.write(row));
        if self.proved.vector().get(chain) > parting.seq {
            self.proved.forget(&[chain]);
        }
        intake.touch(chain);
    }

    /// The first event that waits to be written again.
    pub(crate) fn next_tail(&self) -> Option<EventId> {
        self.tails.next()
    }

    /// How many events of these chains wait to be written again or taken out.
    pub(crate) fn tail_len(&self, of: impl Fn(Chain) -> bool) -> u64 {
        self.tails.len(of)
    }

    /// Writes the event again as the next of this terminal; `None`: it cannot be, and leaves its place all the same. The event's new
    /// name.
    pub(crate) fn reissue(
        &mut self,
        id: EventId,
        payload: Option<Vec<u8>>,
        out: &mut Outputs,
    ) -> Option<EventId> {
        let mut intake = Intake::default();
        intake.write(Write::delete(Space::Event, id.to_key()));
        intake.write(self.tails.step(id)?);
        let chain = Chain::new(self.author, id.chain.lane);
        let new = payload.map(|payload| self.append(&mut intake, chain, payload));
        self.commit(intake, out);
        new
    }

    /// Whether the disk does not keep up.
    pub(crate) fn is_busy(&self, config: &Config) -> bool {
        self.writes.waiting() >= config.max_pending_writes as usize
    }

    /// Events on their way to the disk.
    pub(crate) fn under_way(&self) -> u64 {
        self.writes.load().0
    }

    /// So many events that peers have sent are not taken in yet, and their payload bytes.
    pub(crate) fn expects(&mut self, inbound: (u64, u64)) {
        self.inbound = inbound;
    }

    /// Events that are here and not durable yet, and their payload bytes.
    pub(crate) fn above_durable(&self) -> (u64, u64) {
        let (events, bytes) = self.writes.load();
        (events + self.inbound.0, bytes + self.inbound.1)
    }

    /// The latest write asked for.
    pub(crate) fn issued(&self) -> PersistId {
        self.writes.issued()
    }

    /// Whether this write, and so each before it, is durable.
    pub(crate) fn is_durable(&self, write: PersistId) -> bool {
        self.writes.is_durable(write)
    }

    /// The write `id` and those before it are durable.
    pub(crate) fn persisted(&mut self, id: PersistId) -> Settled {
        self.writes.persisted(id)
    }

    /// Records the next event of this terminal in `lane`.
    pub(crate) fn record(
        &mut self,
        lane: Lane,
        payload: Vec<u8>,
        config: &Config,
        out: &mut Outputs,
    ) -> Result<EventId, RecordError> {
        check_size(&payload, config)?;
        if self.is_busy(config) {
            let (waiting, limit) = (self.writes.waiting(), config.max_pending_writes);
            return Err(RecordError::Busy { waiting, limit });
        }
        let mut intake = Intake::default();
        let id = self.append(&mut intake, Chain::new(self.author, lane), payload);
        self.commit(intake, out);
        Ok(id)
    }

    /// Records the next event that is derived from the store-wide log, unless a peer has brought it.
    pub(crate) fn record_decided(
        &mut self,
        chain: Chain,
        payload: Vec<u8>,
        config: &Config,
        out: &mut Outputs,
    ) -> Result<Decided, RecordError> {
        if !chain.replica.is_store() {
            return Err(RecordError::NotTheStore { chain });
        }
        // However many writes wait: the log does not say it twice.
        check_size(&payload, config)?;
        let head = self.head(chain);
        let (seq, hash) = head.decided.unwrap_or_default();
        let id = EventId::new(chain, seq.next());
        if self.is_suspended(chain) {
            return Err(RecordError::Fork { id });
        }
        let hash = hash.link(id, &payload);
        if id.seq == head.seq && hash != head.hash {
            self.suspended.insert(chain);
            out.notice(Notice::Fork { chain, seq: head.seq, witness: Witness::Log });
            return Err(RecordError::Fork { id });
        }
        // Behind a snapshot of the store-wide log, events of before it may be missing here: peers bring those, and this one with them.
        let new = id.seq == head.seq.next();
        let mut intake = Intake::default();
        if new {
            self.append(&mut intake, chain, payload);
        }
        // Whoever wrote the event, the chain is derived up to here.
        self.heads.entry(chain).or_default().decided = Some((id.seq, hash));
        intake.touch(chain);
        self.commit(intake, out);
        Ok(Decided { id, new })
    }

    /// The store-wide log has derived the chain up to `seq` without this terminal, where its history has this hash.
    pub(crate) fn adopt_decided(
        &mut self,
        chain: Chain,
        seq: Seq,
        hash: Hash,
        out: &mut Outputs,
    ) -> Result<(), RecordError> {
        if !chain.replica.is_store() {
            return Err(RecordError::NotTheStore { chain });
        }
        let head = self.head(chain);
        if head.decided.is_some_and(|(known, _)| known >= seq) {
            return Ok(());
        }
        if head.seq == seq && head.hash != hash {
            self.suspended.insert(chain);
            out.notice(Notice::Fork { chain, seq, witness: Witness::Log });
            return Err(RecordError::Fork { id: EventId::new(chain, seq) });
        }
        self.heads.entry(chain).or_default().decided = Some((seq, hash));
        let mut intake = Intake::default();
        intake.touch(chain);
        self.commit(intake, out);
        Ok(())
    }

    /// Whether the chain would be the first of another incarnation of a terminal that is known.
    pub(crate) fn is_reincarnation(&self, chain: Chain) -> bool {
        let replica = chain.replica;
        let mut same = self
            .heads
            .keys()
            .map(|known| known.replica)
            .filter(|known| known.terminal() == replica.terminal());
        let (mut others, mut itself) = (false, false);
        same.by_ref().for_each(|known| if known == replica { itself = true } else { others = true });
        others && !itself && !replica.is_store() && !replica.is_cloud()
    }

    /// Links what is new of a peer's run; all of it or nothing.
    ///
    /// # Errors
    /// Why it is not to be taken.
    pub(crate) fn link(&self, run: Run, max_chains: u32) -> Result<Linked, Taken> {
        let head = self.head(run.chain);
        if head.seq == Seq::ZERO && self.heads.len() >= max_chains as usize {
            return Err(Taken::TooManyChains);
        }
        if run.last() == head.seq && run.head != head.hash {
            return Err(Taken::Fork);
        }
        let chain = run.chain;
        if !self.damage.has_room(run.gaps.len()) {
            return Err(Taken::Gap);
        }
        match run.above(head.seq, head.hash) {
            Ok(links) => Ok(Linked::new(chain, (head.seq, head.hash), links)),
            Err(LinkError::Gap) => Err(Taken::Gap),
            Err(LinkError::Fork) => Err(Taken::Fork),
        }
    }

    /// Takes up to `room` events of what was linked, and lessens it by them. What others have brought since is passed over.
    pub(crate) fn take(&mut self, intake: &mut Intake, linked: &mut Linked, room: &mut u32) -> Taken {
        let chain = linked.chain();
        let Head { seq, hash, .. } = self.head(chain);
        while linked.before().0 < seq && linked.pop().is_some() {}
        let (at, before) = linked.before();
        if at == seq && before != hash {
            return Taken::Fork;
        }
        if at > seq {
            return Taken::Gap;
        }
        while *room > 0 {
            match linked.pop() {
                Some(Link::Event(record, hash)) => {
                    self.advance(intake, &record, hash);
                    intake.accept(record);
                }
                Some(Link::Lost(gap)) if self.damage.has_room(1) => self.pass_by(intake, chain, gap),
                Some(Link::Lost(_)) => return Taken::Gap,
                None => break,
            }
            *room -= 1;
        }
        Taken::Yes
    }

    /// Asks for the write of everything taken in.
    pub(crate) fn commit(&mut self, intake: Intake, out: &mut Outputs) {
        let heads = &self.heads;
        let head = |chain: Chain| heads.get(&chain).copied().unwrap_or_default();
        intake.commit(head, &mut self.writes, out);
    }

    /// Adds the next event of a chain.
    fn append(&mut self, intake: &mut Intake, chain: Chain, payload: Vec<u8>) -> EventId {
        let head = self.head(chain);
        let record = EventRecord { id: EventId::new(chain, head.seq.next()), payload };
        let hash = head.hash.link(record.id, &record.payload);
        self.advance(intake, &record, hash);
        record.id
    }

    fn advance(&mut self, intake: &mut Intake, record: &EventRecord, hash: Hash) {
        let EventId { chain, seq } = record.id;
        let head = self.heads.entry(chain).or_default();
        head.seq = seq;
        head.hash = hash;
        self.accepted.set_max(chain, seq);
        self.recent.note(record.id, hash);
        intake.add(record, hash);
    }

    /// The chain goes on behind positions that their owner has lost.
    fn pass_by(&mut self, intake: &mut Intake, chain: Chain, gap: Gap) {
        let head = self.heads.entry(chain).or_default();
        (head.seq, head.hash) = (gap.last, gap.hash);
        self.accepted.set_max(chain, gap.last);
        self.recent.forget(chain);
        intake.pass(chain, gap.last, self.damage.lose(chain, gap, true));
    }

    /// What of the chains is not there.
    pub(crate) fn damage(&self) -> &Damage {
        &self.damage
    }

    pub(crate) fn damage_mut(&mut self) -> &mut Damage {
        &mut self.damage
    }

    /// What can be sent to one that holds `held`: the durable chains, each up to where its bytes are not there.
    pub(crate) fn sendable(&self, held: &VersionVector, takes_gaps: bool) -> VersionVector {
        let end =
            |(chain, durable)| (chain, self.damage.sendable(chain, held.get(chain), durable, takes_gaps));
        self.durable().iter().map(end).collect()
    }

    /// Declares positions lost: what comes behind them goes on.
    pub(crate) fn lose(&mut self, chain: Chain, gap: Gap, out: &mut Outputs) {
        let row = self.damage.lose(chain, gap, false);
        self.writes.issue(vec![row], VersionVector::new(), Settled::default(), out);
    }

    /// Writes the row of an event again whose hash alone was damaged.
    pub(crate) fn rewrite(&mut self, record: &EventRecord, hash: Hash, out: &mut Outputs) {
        let row = Write::put(Space::Event, record.id.to_key(), record.to_row(hash));
        self.writes.issue(vec![row], VersionVector::new(), Settled::default(), out);
    }

    /// The chain behind this one, in their order; the first behind the last one.
    pub(crate) fn chain_after(&self, chain: Option<Chain>) -> Option<Chain> {
        let behind = chain.and_then(|chain| {
            self.heads.range((Bound::Excluded(chain), Bound::Unbounded)).next().map(|(chain, _)| *chain)
        });
        behind.or_else(|| self.heads.keys().next().copied())
    }

    /// Writes events into their places again. They were lost where `first` begins a gap, of which `rest` is left; those that were never
    /// interpreted here are handed out.
    pub(crate) fn mend(
        &mut self,
        first: EventId,
        events: Vec<(EventRecord, Hash)>,
        rest: Option<Gap>,
        out: &mut Outputs,
    ) {
        let healed = self.damage.heal(first);
        self.damage.settle(first);
        let mut rows = Vec::with_capacity(events.len() + 1);
        for (record, hash) in events {
            rows.push(Write::put(Space::Event, record.id.to_key(), record.to_row(hash)));
            let taken = healed.as_ref().is_some_and(|(taken, _)| *taken);
            out.healed(record, taken);
        }
        match (healed, rest) {
            (Some((taken, _)), Some(rest)) => rows.push(self.damage.lose(first.chain, rest, taken)),
            (None, Some(rest)) => self.damage.is_as_far_as(first, rest.last),
            (healed, None) => rows.extend(healed.map(|(_, row)| row)),
        }
        self.writes.issue(rows, VersionVector::new(), Settled::default(), out);
    }

    /// Events held here that the cloud is not known to hold.
    pub(crate) fn above_cloud(&self) -> u64 {
        let above = |(chain, seq): (Chain, Seq)| seq.0.saturating_sub(self.proved.sent(chain).0);
        self.accepted.iter().map(above).fold(0, u64::saturating_add)
    }

    /// Events held here that the cloud is not proved to hold.
    pub(crate) fn above_proved(&self) -> u64 {
        let above = |(chain, seq): (Chain, Seq)| seq.0.saturating_sub(self.cloud().get(chain).0);
        self.accepted.iter().map(above).fold(0, u64::saturating_add)
    }
}

/// What is known here of a chain at a position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Held {
    /// The chain is held up to there or further, and this is its hash there.
    At(Hash),
    /// It is held, and the hash has to be read.
    OnDisk,
    /// It is not held so far.
    Not,
}

fn check_size(payload: &[u8], config: &Config) -> Result<(), RecordError> {
    let (bytes, limit) = (payload.len(), config.max_event_bytes);
    if bytes > limit as usize {
        return Err(RecordError::TooLarge { bytes, limit });
    }
    Ok(())
}
