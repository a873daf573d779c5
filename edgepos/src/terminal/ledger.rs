//! The one road of every event: it is stored, gets its position, and is interpreted after that, in this order.
//!
//! An event of this till, of a peer, of the cloud and of the store's log differ in how they come here and in nothing that follows.
//! What cannot be read has its place like any other.

use std::collections::{BTreeMap, VecDeque};

use edgepos_consensus::{Attachment, Leader};
use edgepos_core::{
    Chain, ConnectionId, EventId, IdempotencyKey, Lane, LogState, Now, RepairGen, ReplicaId, Seq,
    StoreGeneration, Time,
};
use edgepos_crdt::{Hlc, HybridClock, VersionVector};
use edgepos_sync::{self as sync, CloudRefusal, EventRecord, Hash, Outbox, RecordError};

use super::condition::Finding;
use super::config::Config;
use super::derivation::{self, Derivation, store_chain};
use super::holders::Holders;
use super::io::Notice;
use super::refusal::Refusal;
use super::unit_of_work::UnitOfWork;
use crate::retail::effect::Effect;
use crate::retail::envelope::{ClockQuality, Envelope, Mode, Origin, Ref};
use crate::retail::kind::{Kind, KnownKind};
use crate::retail::unreadable::Unreadable;

/// The event log with the hybrid logical clock that stamps it.
pub(crate) struct Ledger {
    outbox: Outbox,
    started: Time,
    clock: HybridClock,
    /// How far the time of day can be trusted.
    quality: ClockQuality,
    /// Stored, and not yet interpreted.
    arrivals: VecDeque<Arrival>,
    /// What the outbox was last told about the leader.
    following: (Option<Leader>, bool),
    /// The store's own chain.
    store: Chain,
    derivation: Derivation,
    holders: Holders,
    /// What the store's log was last told to put into a snapshot.
    attached: Option<Attachment>,
}

/// An event that has its place.
#[derive(Debug)]
pub(crate) struct Arrival {
    /// Its place.
    pub(crate) id: EventId,
    /// What it says, or why it cannot be read.
    pub(crate) envelope: Result<Envelope, Unreadable>,
}

/// An event of this terminal before it has a place.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    pub(crate) lane: Lane,
    pub(crate) body: Vec<u8>,
    pub(crate) mode: Mode,
    pub(crate) business_day: Option<u32>,
    pub(crate) operator: Option<String>,
    pub(crate) drawer: Option<String>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) refs: Vec<Ref>,
    pub(crate) key: Option<IdempotencyKey>,
    pub(crate) ext: BTreeMap<String, Vec<u8>>,
    pub(crate) origin: Option<Origin>,
    /// For an event that writes a register, what it must be above.
    pub(crate) above: Above,
}

/// What the stamp of a register's next value must be above.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Above {
    /// How often the register was repaired, the next value included.
    pub(crate) repair: RepairGen,
    /// The stamp of the value that is seen.
    pub(crate) hlc: Hlc,
}

impl Entry {
    /// A live event of this business day, in the lane of its kind.
    pub(crate) fn new(business_day: Option<u32>, kind: KnownKind, body: Vec<u8>) -> Self {
        Self {
            kind: kind.kind(),
            lane: kind.lane(),
            body,
            mode: Mode::Live,
            business_day,
            operator: None,
            drawer: None,
            effects: Vec::new(),
            refs: Vec::new(),
            key: None,
            ext: BTreeMap::new(),
            above: Above::default(),
            origin: None,
        }
    }
}

impl Ledger {
    pub(crate) fn new(
        now: Now,
        terminal: u16,
        outbox: Outbox,
        clock: Hlc,
        generation: StoreGeneration,
        derivation: derivation::Restored,
    ) -> Self {
        Self {
            outbox,
            started: now.mono,
            clock: HybridClock::new(clock),
            quality: ClockQuality::Unset,
            arrivals: VecDeque::new(),
            following: (None, false),
            store: store_chain(generation),
            derivation: Derivation::new(generation, derivation),
            holders: Holders::new(now, terminal),
            attached: None,
        }
    }

    /// Records an event of this terminal.
    ///
    /// # Errors
    /// When it is over a limit or the disk does not keep up; nothing is recorded then.
    pub(crate) fn record(&mut self, now: Now, config: &Config, entry: Entry) -> Result<EventId, Refusal> {
        let lane = entry.lane;
        let envelope = self.envelope(now, config, entry);
        let id = self.outbox.record(now, lane, envelope.encode()).map_err(refusal)?;
        self.arrivals.push_back(Arrival { id, envelope: Ok(envelope) });
        Ok(id)
    }

    /// Writes an event again under this terminal's present name; bytes that cannot be read stay as they are.
    pub(crate) fn reissue(
        &mut self,
        now: Now,
        old: EventId,
        envelope: Result<Envelope, (Unreadable, Vec<u8>)>,
    ) {
        let (payload, envelope) = match envelope {
            Ok(envelope) => (envelope.encode(), Ok(envelope)),
            Err((reason, payload)) => (payload, Err(reason)),
        };
        if let Some(id) = self.outbox.reissue(now, old, Some(payload)) {
            self.arrivals.push_back(Arrival { id, envelope });
        }
    }

    /// Goes on under this name.
    pub(crate) fn reincarnate(&mut self, now: Now, name: ReplicaId) {
        self.holders.left(now, self.author());
        self.outbox.reincarnate(now, name);
    }

    /// Another live terminal that uses the number of this one.
    pub(crate) fn other_holder(&mut self, now: Now) -> Option<Finding> {
        let Self { holders, outbox, .. } = self;
        holders.claims(now, outbox.author(), outbox.mistakes());
        if let Some((rival, heard)) = outbox.rival() {
            holders.rival(heard, rival);
        }
        holders.finding(now)
    }

    /// Somebody connects under the name of this terminal.
    pub(crate) fn met_itself(&mut self, now: Now, name: ReplicaId) {
        self.holders.connected(now, name);
    }

    /// What connected peers said of their clocks: see [`Outbox::peer_clocks`].
    pub(crate) fn peer_clocks(&self, now: Now) -> impl Iterator<Item = (ReplicaId, i64)> + '_ {
        self.outbox.peer_clocks(now)
    }

    /// Whether the peer has greeted, and neither it nor this terminal has forgotten what it wrote.
    pub(crate) fn remembers(&self, peer: ReplicaId) -> bool {
        self.outbox.remembers(peer)
    }

    /// Whether the peer has greeted through this connection, as one to talk to.
    pub(crate) fn hears(&self, peer: ReplicaId, connection: ConnectionId) -> bool {
        self.outbox.hears(peer, connection)
    }

    /// Where this terminal stands in the store-wide log, for its greetings.
    /// Whether everybody is greeted anew.
    pub(crate) fn state_log(&mut self, now: Now, state: LogState) -> bool {
        self.outbox.state_log(now, state)
    }

    /// Whether a connected peer knows of something that this terminal wrote and does not have.
    pub(crate) fn is_contradicted(&self) -> bool {
        self.outbox.is_contradicted()
    }

    /// Tells peers what this terminal's clock shows.
    pub(crate) fn greet_anew(&mut self, now: Now) {
        self.outbox.greet_anew(now);
    }

    /// Who writes the chains of this terminal.
    pub(crate) fn author(&self) -> ReplicaId {
        self.outbox.author()
    }

    /// Whether the chains of this terminal are written on elsewhere.
    pub(crate) fn is_displaced(&self) -> bool {
        self.outbox.is_displaced()
    }

    /// Whether somebody else has stated how far the chains of this terminal go.
    pub(crate) fn is_confirmed(&self) -> bool {
        self.outbox.is_confirmed()
    }

    /// Whether others have said what they hold, since the start, and none has said that it holds what may erase a customer and is not here.
    pub(crate) fn knows_erasures(&self) -> bool {
        self.outbox.is_confirmed() && self.outbox.has_all_that_is_known(Lane::Prices)
    }

    /// When this terminal was started.
    pub(crate) fn started(&self) -> Time {
        self.started
    }

    /// How many events of this terminal wait to be written again.
    pub(crate) fn to_reissue(&self) -> u64 {
        self.outbox.to_reissue()
    }

    /// How many events of other terminals' branches that lost wait to be taken out.
    pub(crate) fn to_set_aside(&self) -> u64 {
        self.outbox.to_set_aside()
    }

    /// What is held of a chain behind `seq`, where its history has this hash, lost against another branch.
    pub(crate) fn lose_branch(&mut self, chain: Chain, seq: Seq, hash: Hash) {
        self.outbox.lose_branch(chain, seq, hash);
    }

    /// Whether a branch that lost can be taken out.
    pub(crate) fn sets_aside(&self) -> bool {
        self.outbox.sets_aside()
    }

    /// Takes the branches that lost out of their chains; their events are handed out one by one.
    pub(crate) fn set_aside(&mut self, now: Now) {
        self.outbox.set_aside(now);
    }

    /// An event that was handed out leaves its place, and is not written again here.
    pub(crate) fn leave(&mut self, now: Now, id: EventId) {
        self.outbox.reissue(now, id, None);
    }

    /// How far a chain is held here.
    pub(crate) fn end_of(&self, chain: Chain) -> Seq {
        self.outbox.vector().get(chain)
    }

    /// A peer's event, once, in its chain's order; the outbox has stored it. By how much its clock is ahead, where it is too far.
    pub(crate) fn accept(&mut self, now: Now, record: &EventRecord) -> Option<Notice> {
        let envelope = Envelope::decode(&record.payload).map_err(Unreadable::from);
        if let Ok(read) = &envelope {
            self.holders.event(now, record.id, read.utc_ms);
        }
        let ahead = envelope.as_ref().ok().and_then(|read| self.clock.observe(read.hlc(), now.wall).err());
        self.arrivals.push_back(Arrival { id: record.id, envelope });
        if record.id.chain == self.store {
            self.derivation.heard(record);
        }
        ahead.map(|ahead| Notice::ClockAhead {
            by_ms: u64::try_from(ahead.ahead.as_millis()).unwrap_or(u64::MAX),
        })
    }

    /// A decided event of the store's own chain: it gets its place in its turn.
    pub(crate) fn decide(&mut self, index: u64, payload: Vec<u8>, out: &mut UnitOfWork) {
        self.derivation.wait(index, payload, out);
    }

    /// Which decisions have a place is not known here any more.
    pub(crate) fn lose_places(&mut self, out: &mut UnitOfWork) {
        self.derivation.lose(out);
    }

    /// Whether this terminal shall hand the leadership over: see [`Derivation::stands_aside`].
    pub(crate) fn stands_aside(&mut self, now: Now) -> bool {
        self.derivation.stands_aside(now.mono)
    }

    /// The feature level that a peer has announced since the start.
    pub(crate) fn level_of(&self, peer: ReplicaId) -> Option<u32> {
        self.outbox.level_of(peer)
    }

    /// Writes down the decided events that go on waiting for their place.
    pub(crate) fn keep_waiting(&mut self, out: &mut UnitOfWork) {
        self.derivation.keep(out);
    }

    /// The next decided event that may get its place: what was decided before it is here.
    pub(crate) fn next_decided(&mut self, now: Now, out: &mut UnitOfWork) -> Option<Vec<u8>> {
        self.find_place(now, out);
        let (held, decided) = (self.outbox.vector().get(self.store), self.decided());
        self.derivation.next(held, decided, out)
    }

    /// Knows the places of decisions again where a peer has brought the event of one that was decided here.
    fn find_place(&mut self, now: Now, out: &mut UnitOfWork) {
        let (seq, hash) = self.outbox.head(self.store);
        if self.derivation.finds_place(seq, out)
            && self.outbox.adopt_decided(now, self.store, seq, hash).is_err()
        {
            self.derivation.fork();
        }
    }

    /// Gives a decided event its place. Every terminal derives the same; one that a peer had brought before has its place already, and is
    /// not interpreted twice.
    pub(crate) fn place(&mut self, now: Now, payload: Vec<u8>) {
        let envelope = Envelope::decode(&payload).map_err(Unreadable::from);
        match self.outbox.record_decided(now, self.store, payload) {
            Ok(decided) if decided.new => self.arrivals.push_back(Arrival { id: decided.id, envelope }),
            Ok(_) => {}
            // The outbox tells of the fork. What is decided from here on has no place here.
            Err(_) => self.derivation.fork(),
        }
    }

    /// A snapshot of the store's log took the place of decisions. What other parts had attached to it.
    pub(crate) fn install(&mut self, now: Now, state: Option<&[u8]>, out: &mut UnitOfWork) -> Vec<u8> {
        let Some((seq, hash, more)) = self.derivation.install(state, out) else { return Vec::new() };
        if self.outbox.adopt_decided(now, self.store, seq, hash).is_err() {
            self.derivation.fork();
        }
        more.to_vec()
    }

    /// The store has decided something, whatever it was. What goes into a snapshot must be told again, also where it is the same: it
    /// counts up to this decision then.
    pub(crate) fn note_decision(&mut self) {
        self.attached = None;
    }

    /// What goes into a snapshot of the store's log, with what other parts attach, where that has changed.
    pub(crate) fn attachment(&mut self, more: &[u8]) -> Option<Attachment> {
        let attachment = self.derivation.attachment(self.outbox.decided_head(self.store), more);
        let changed = self.attached.as_ref() != Some(&attachment);
        changed.then(|| self.attached.insert(attachment).clone())
    }

    /// Whether decisions get their place here: see [`Derivation::derives`].
    pub(crate) fn derives(&self) -> bool {
        self.derivation.derives()
    }

    /// Up to which event the store's own chain is derived here.
    pub(crate) fn decided_event(&self) -> EventId {
        EventId::new(self.store, self.decided())
    }

    /// How far the store's log has derived the store's own chain here.
    pub(crate) fn decided(&self) -> Seq {
        self.outbox.decided(self.store)
    }

    /// The payload of an event that the store shall decide, with this terminal's stamps.
    pub(crate) fn proposal(
        &mut self,
        now: Now,
        config: &Config,
        kind: KnownKind,
        (body, effects): (Vec<u8>, Vec<Effect>),
    ) -> Vec<u8> {
        let mut envelope = Envelope::new(kind.kind(), now.wall.0, self.clock.now(now.wall), body);
        self.stamp_clock(now, config, &mut envelope);
        envelope.workstation = config.me.terminal();
        envelope.location = config.location;
        envelope.effects = effects;
        envelope.encode()
    }

    /// The next event to interpret.
    pub(crate) fn next_arrival(&mut self) -> Option<Arrival> {
        self.arrivals.pop_front()
    }

    /// Tells the outbox who leads when that has changed. Whether it had.
    pub(crate) fn follow(&mut self, now: Now, leader: Option<Leader>, entitled: bool) -> bool {
        if self.following == (leader, entitled) {
            return false;
        }
        self.following = (leader, entitled);
        let leader = leader.map(|leader| (leader.replica, leader.term));
        self.outbox.handle(now, sync::Input::Leader { leader, entitled });
        true
    }

    /// The clock's ceiling, where stamps need a higher one on disk.
    pub(crate) fn ceiling_to_persist(&mut self, now: Now) -> Option<Hlc> {
        self.clock.ceiling_to_persist(now.wall)
    }

    pub(crate) fn handle(&mut self, now: Now, input: sync::Input) {
        self.outbox.handle(now, input);
    }

    pub(crate) fn flush(&mut self, now: Now) {
        self.outbox.flush(now);
    }

    pub(crate) fn poll_output(&mut self) -> Option<sync::Output> {
        self.outbox.poll_output()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Time> {
        [self.outbox.poll_timeout(), self.holders.next_due()].into_iter().flatten().min()
    }

    /// What has its place here, durable or not yet.
    pub(crate) fn held(&self) -> &VersionVector {
        self.outbox.vector()
    }

    /// What is on this terminal's disk.
    pub(crate) fn durable(&self) -> &VersionVector {
        self.outbox.durable()
    }

    /// Why the cloud refuses what is uploaded, while it does.
    pub(crate) fn refused_by_cloud(&self) -> Option<CloudRefusal> {
        self.outbox.refused_by_cloud()
    }

    /// What a terminal, `me` or a peer, is known to hold durably.
    pub(crate) fn held_by(&self, replica: ReplicaId, me: ReplicaId) -> Option<&VersionVector> {
        if replica == me { Some(self.outbox.durable()) } else { self.outbox.peer_vector(replica) }
    }

    /// What the cloud holds, as far as is known here.
    pub(crate) fn cloud(&self) -> &VersionVector {
        self.outbox.cloud()
    }

    /// How far the cloud holds a chain, proved or as it says itself.
    pub(crate) fn in_cloud(&self, chain: Chain) -> Seq {
        let claimed = self.outbox.mistakes().filter_map(|mistake| match mistake {
            sync::Mistake::Above { chain: of, claimed, witness: sync::Witness::Cloud, .. } if of == chain => {
                Some(claimed)
            }
            _ => None,
        });
        claimed.max().unwrap_or_default().max(self.outbox.cloud().get(chain))
    }

    /// Events whose bytes are lost.
    pub(crate) fn lost(&self) -> sync::Lost {
        self.outbox.lost()
    }

    /// How many stored events are damaged and are still looked for.
    pub(crate) fn damaged(&self) -> u64 {
        self.outbox.damaged()
    }

    /// An event was read that is not as it was written.
    pub(crate) fn suspect(&mut self, now: Now, id: EventId) {
        self.outbox.suspect(now, id);
    }

    /// Claims about the cloud that are not so.
    pub(crate) fn mistakes(&self) -> impl Iterator<Item = sync::Mistake> + '_ {
        self.outbox.mistakes()
    }

    /// Events on this terminal that the cloud is not known to hold.
    pub(crate) fn queued(&self) -> u64 {
        self.outbox.queue_len()
    }

    /// Up to where events may be pruned, where these belong to the store.
    pub(crate) fn floor(&self, members: &[ReplicaId]) -> VersionVector {
        self.outbox.floor(members)
    }

    /// Whether the store is so busy that batches wait longer.
    pub(crate) fn is_peak(&self) -> bool {
        self.outbox.is_peak()
    }

    /// Messages that were dropped since the start.
    pub(crate) fn dropped(&self) -> u64 {
        self.outbox.ignored()
    }

    /// How far the time of day of this terminal can be trusted from here on.
    pub(crate) fn trust_clock(&mut self, quality: ClockQuality) {
        self.quality = quality;
    }

    fn stamp_clock(&self, now: Now, config: &Config, envelope: &mut Envelope) {
        envelope.utc_offset_min = config.zone.offset_min(now.wall);
        envelope.clock_quality = self.quality;
    }

    fn envelope(&mut self, now: Now, config: &Config, entry: Entry) -> Envelope {
        let Entry {
            kind,
            body,
            mode,
            business_day,
            operator,
            drawer,
            effects,
            refs,
            key,
            ext,
            origin,
            above,
            ..
        } = entry;
        // Who has seen a value can replace it, whatever clock wrote it. The own clock does not follow: one register must not poison all.
        let hlc = self.clock.now(now.wall).max(Hlc(above.hlc.0.saturating_add(1)));
        let mut envelope = Envelope::new(kind, now.wall.0, hlc, body).with_key(key).with_repair(above.repair);
        self.stamp_clock(now, config, &mut envelope);
        envelope.business_day = business_day;
        envelope.location = config.location;
        envelope.workstation = config.me.terminal();
        envelope.mode = mode;
        envelope.operator = operator;
        envelope.drawer = drawer;
        envelope.effects = effects;
        envelope.refs = refs;
        envelope.ext = ext;
        envelope.origin = origin;
        envelope
    }
}

fn refusal(error: RecordError) -> Refusal {
    match error {
        RecordError::TooLarge { limit, .. } => {
            Refusal::TooLarge { field: "event", limit: usize::try_from(limit).unwrap_or(usize::MAX) }
        }
        RecordError::Busy { limit, .. } => {
            Refusal::Full { what: "writes under way", limit: usize::try_from(limit).unwrap_or(usize::MAX) }
        }
        other => Refusal::Log(other),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use edgepos_core::{ReplicaId, StoreId};

    use super::*;

    /// A decision that has no place changes nothing in what is attached, and snapshots wait until it is told that it counts as well.
    #[test]
    fn what_is_attached_is_told_again_after_each_decision() {
        let now = Now::new(0, 1_700_000_000_000);
        let config = sync::Config::standard(StoreId([7; 16]), ReplicaId::new(1, 1), 1);
        let outbox = Outbox::new(now, config, sync::Restored::new()).unwrap();
        let mut ledger =
            Ledger::new(now, 1, outbox, Hlc(0), StoreGeneration(0), derivation::Restored::default());
        let first = ledger.attachment(b"more");
        assert!(matches!(&first, Some(Attachment::State(state)) if state.ends_with(b"more")));
        assert_eq!(ledger.attachment(b"more"), None, "nothing has changed");
        assert_ne!(ledger.attachment(b"else"), first);
        ledger.note_decision();
        assert_eq!(ledger.attachment(b"more"), first);
    }
}
