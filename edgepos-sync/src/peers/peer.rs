//! One peer, connected or not: what it says is taken in here, and what it is owed.

use std::collections::BTreeMap;
use std::time::Duration;

use edgepos_core::{Chain, ConnectionId, EventId, LoadId, ReplicaId, Seq, Time};
use edgepos_crdt::VersionVector;

use super::acks::Acks;
use super::delivery::Delivery;
use super::inbox::{Inbox, OpenRun};
use super::memory::Memory;
use super::session::Session;
use super::stance::Stance;
use crate::backoff;
use crate::gap::Lost;
use crate::io::{Mistake, Notice, Witness};
use crate::log::intake::{Intake, Taken};
use crate::turn::Turn;
use crate::wire::batch::{Batch, LinkError, Run};
use crate::wire::claim::{Claim, proofs};
use crate::wire::message::{Ack, Hello, Message};

/// How long what a peer said of its clock counts.
const CLOCK_HOLDS: Duration = Duration::from_secs(2 * 3_600);

/// The conversation with one peer. What outlives a connection is what the peer holds, and the level that it announced.
#[derive(Debug)]
pub(crate) struct Peer {
    session: Session,
    delivery: Delivery,
    acks: Acks,
    inbox: Inbox,
    /// It sees no leader and asks for everything.
    relay: bool,
    /// What it holds, where its hashes are those held here.
    proved: VersionVector,
    /// What it was told of the cloud through this connection.
    told: Claim,
    /// What its latest greeting announced.
    level: Option<u32>,
    /// Its time of day when it last greeted, less our monotonic clock then, in ms; and when that was.
    clock: Option<(i64, Time)>,
    /// What its latest greeting through this connection says of its own chains and of ours, to tell whether one of the two disks went back.
    memory: Memory,
    /// When it is asked to greet again, while its latest greeting does not agree, and how often it was.
    asks_at: Option<Time>,
    asked: u32,
    /// What its latest greeting through this connection says that it lacks; `None` where it takes no gaps and gives no events back.
    lost: Option<Lost>,
}

impl Peer {
    /// One that was never connected.
    pub(crate) fn new(id: ReplicaId) -> Self {
        Self::on(Session::new(id, None), VersionVector::new(), VersionVector::new())
    }

    fn on(session: Session, held: VersionVector, proved: VersionVector) -> Self {
        let (delivery, acks) = (Delivery::starting_at(held), Acks::default());
        Self {
            session,
            delivery,
            acks,
            inbox: Inbox::default(),
            relay: false,
            proved,
            told: Claim::default(),
            level: None,
            clock: None,
            memory: Memory::default(),
            asks_at: None,
            asked: 0,
            lost: None,
        }
    }

    /// A new connection, or none: nothing said on an earlier one counts.
    pub(crate) fn connect(&mut self, connection: Option<ConnectionId>) {
        let (held, proved) = (self.delivery.held().clone(), self.proved.clone());
        let level = self.level;
        *self = Self::on(Session::new(self.session.peer(), connection), held, proved);
        self.level = level;
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.session.is_connected()
    }

    pub(crate) fn is_through(&self, connection: ConnectionId) -> bool {
        self.session.is_through(connection)
    }

    /// Whether its `Hello` through this connection is heard.
    pub(crate) fn hears(&self, connection: ConnectionId) -> bool {
        self.session.hears(connection)
    }

    /// Whether it can be talked to.
    pub(crate) fn is_open(&self) -> bool {
        self.session.is_open()
    }

    /// What it holds durably, as far as we know.
    pub(crate) fn held(&self) -> &VersionVector {
        self.delivery.held()
    }

    /// The feature level that its latest greeting announced; `None` before the first one.
    pub(crate) fn level(&self) -> Option<u32> {
        self.level
    }

    /// Its time of day when it last greeted, less our monotonic clock then, in ms; `None` where it did not say, or too long ago: one of
    /// the two clocks may have been set since, or the device have slept.
    pub(crate) fn clock(&self, now: Time) -> Option<i64> {
        self.clock.filter(|(_, said)| now.since(*said) < CLOCK_HOLDS).map(|(clock, _)| clock)
    }

    /// Whether, by its greeting through this connection, neither it nor this terminal has forgotten what it wrote itself.
    pub(crate) fn remembers(&self) -> bool {
        self.memory.agrees(&self.proved)
    }

    /// Whether, by what it has stated through this connection, this terminal has forgotten what it wrote itself.
    pub(crate) fn contradicts(&self) -> bool {
        self.memory.contradicts(&self.proved)
    }

    /// It shall hold this, without waiting for more.
    pub(crate) fn aim(&mut self, goal: &VersionVector) {
        self.delivery.aim(goal);
    }

    pub(crate) fn say_hello(&mut self, turn: &mut Turn<'_>, stance: Stance) {
        self.greet(turn, stance, false);
    }

    fn greet(&mut self, turn: &mut Turn<'_>, stance: Stance, doubts: bool) {
        let relay = stance.asks_relay();
        self.acks.greeted(relay);
        self.session.say_hello(turn, relay, doubts);
    }

    /// Asks it to greet again, where its latest greeting does not agree: that one may be overtaken by what was exchanged since, and only
    /// another one can end what it contradicts. What answers that asks for none: two that doubt each other would greet without end.
    fn clear_doubts(&mut self, turn: &mut Turn<'_>, stance: Stance) {
        if self.doubts_until().is_some_and(|at| at <= turn.now) {
            self.asked = self.asked.saturating_add(1);
            self.asks_at = Some(turn.now + backoff::equal_jitter(turn, self.asked));
            self.greet(turn, stance, true);
        }
    }

    fn doubts_until(&self) -> Option<Time> {
        self.asks_at.filter(|_| self.is_open() && !self.remembers())
    }

    /// Whether it is one to talk to.
    pub(crate) fn on_hello(&mut self, turn: &mut Turn<'_>, hello: &Hello) -> bool {
        if !self.session.heard_hello(turn, hello) {
            self.delivery.stop();
            return false;
        }
        self.relay = hello.relay;
        self.level = Some(hello.level);
        self.clock = hello.wall.map(|wall| ((wall.0 as i64).saturating_sub(turn.now.0 as i64), turn.now));
        self.lost = hello.lost.clone();
        self.acks.heard(hello.number);
        let contradicted = self.contradicts();
        self.asked = if self.remembers() { 0 } else { self.asked };
        self.asks_at = Some(turn.now + turn.config.resend_initial);
        self.memory = Memory::of(turn, self.session.peer(), hello, contradicted);
        self.forget_disputes();
        self.delivery.greeted(turn.log, hello);
        self.compare(turn, &hello.vector);
        // What it holds replaces what was known: its disk may have been rolled back.
        self.proved = self.proved.meet(&hello.vector);
        turn.claims.of_itself(self.session.peer(), proofs(&hello.vector, &hello.heads));
        true
    }

    pub(crate) fn on_batch(&mut self, turn: &mut Turn<'_>, number: u64, batch: &[u8]) {
        // One that comes before the latest is answered repeats it.
        if turn.log.is_busy(turn.config) || self.takes_in() {
            turn.out.ignore();
            return;
        }
        match Batch::decode(batch, &turn.config.limits) {
            Ok(batch) => self.inbox.fill(number, batch),
            Err(error) => {
                turn.out.notice(Notice::Undecodable { peer: self.session.peer(), error });
                self.acks.owe(turn.log, number);
            }
        }
    }

    /// Whether something of its latest batch is still to be taken in.
    pub(crate) fn takes_in(&self) -> bool {
        !self.inbox.is_empty()
    }

    /// Events of its latest batch that are not taken in yet, and their payload bytes.
    pub(crate) fn inbound(&self) -> (u64, u64) {
        self.inbox.load()
    }

    /// Takes the next slice of its batch, unless more than one is on its way to the disk. The batch is answered behind the last one.
    pub(crate) fn take_slice(&mut self, turn: &mut Turn<'_>) {
        let slice = turn.config.slice_events;
        if !self.takes_in() || turn.log.under_way() > slice.into() {
            return;
        }
        let (mut intake, mut room) = (Intake::default(), slice);
        while room > 0 {
            let open = self.inbox.take_open();
            let Some(mut run) = open.or_else(|| self.open_next(turn)) else { break };
            let chain = run.linked.chain();
            if self.delivery.is_apart(chain) || turn.log.is_being_rewritten(chain) {
                continue;
            }
            match turn.log.take(&mut intake, &mut run.linked, &mut room) {
                Taken::Yes if !run.linked.is_done() => self.inbox.put_open(run),
                Taken::Yes => {
                    self.delivery.received(chain, run.last);
                    turn.claims.of_itself(self.session.peer(), [(chain, run.last, run.head)]);
                }
                refused => self.refuse(turn, chain, refused),
            }
        }
        turn.log.commit(intake, turn.out);
        self.inbox.took(slice - room);
        if let Some(number) = self.inbox.take_done() {
            self.acks.owe(turn.log, number);
        }
    }

    /// The next run of its batch of which something can be taken. Each is linked whole or not at all; one that cannot be taken holds up
    /// no other.
    fn open_next(&mut self, turn: &mut Turn<'_>) -> Option<OpenRun> {
        loop {
            let run = self.inbox.next_run()?;
            let (chain, last, head) = (run.chain, run.last(), run.head);
            if self.delivery.is_apart(chain) || turn.log.is_being_rewritten(chain) {
                continue;
            }
            if chain.replica == turn.author.name() {
                self.hear_of_ourselves(turn, run);
                continue;
            }
            let reincarnation = turn.log.is_reincarnation(chain);
            match turn.log.link(run, turn.config.limits.max_chains) {
                Ok(linked) => {
                    if reincarnation {
                        turn.out.notice(Notice::Reincarnated { replica: chain.replica });
                    }
                    return Some(OpenRun { linked, last, head });
                }
                Err(refused) => self.refuse(turn, chain, refused),
            }
        }
    }

    fn refuse(&mut self, turn: &mut Turn<'_>, chain: Chain, refused: Taken) {
        let witness = self.witness();
        match refused {
            Taken::Yes | Taken::Gap => {}
            Taken::Fork => self.part(turn, chain),
            Taken::TooManyChains => turn.out.notice(Notice::TooManyChains { witness }),
        }
    }

    /// Looks into what it claims to hold of our own chains.
    fn compare(&self, turn: &mut Turn<'_>, vector: &VersionVector) {
        let log = &*turn.log;
        turn.author.compare(self.witness(), vector, |chain| log.end(chain));
    }

    /// It sends a run of our own chain. Nobody else may write it: what we do not know of it was made by another holder of our disk, or by
    /// us before the disk was restored.
    fn hear_of_ourselves(&mut self, turn: &mut Turn<'_>, run: Run) {
        let (chain, last, head, own) = (run.chain, run.last(), run.head, turn.log.end(run.chain));
        if last <= own.seq {
            turn.claims.of_itself(self.session.peer(), [(chain, last, head)]);
            return;
        }
        match run.above(own.seq, own.hash) {
            Ok(_) => {
                turn.author.overtaken(chain, own);
                let witness = self.witness();
                turn.out.notice(Notice::RollbackSuspected { chain, known: last, own: own.seq, witness });
            }
            Err(LinkError::Fork) => turn.author.suspect(self.witness(), chain, own.seq, own),
            Err(LinkError::Gap) => turn.author.suspect(self.witness(), chain, last, own),
        }
    }

    /// Whether it has stated where each of our own chains stands, and nothing contradicts.
    pub(crate) fn confirms(&self, turn: &Turn<'_>) -> bool {
        turn.author.chains().all(|chain| {
            let held = self.held().get(chain);
            held <= self.proved.get(chain) && held <= turn.log.accepted().get(chain)
        })
    }

    /// Asks it for events that are lost here, where it may have them and was not asked through this connection.
    pub(crate) fn ask_for(
        &self,
        turn: &mut Turn<'_>,
        first: EventId,
        last: Seq,
        asked: &mut BTreeMap<ReplicaId, ConnectionId>,
    ) {
        let Some((connection, lost)) = self.session.connection().zip(self.lost.as_ref()) else { return };
        let may_have = self.held().get(first.chain) >= last && !lost.contains(first);
        if may_have && asked.insert(self.session.peer(), connection) != Some(connection) {
            self.session.send(turn, Message::Want { first, last });
        }
    }

    /// Whether it states that it holds the event.
    pub(crate) fn may_hold(&self, event: EventId) -> bool {
        self.held().get(event.chain) >= event.seq
            && !self.lost.as_ref().is_some_and(|lost| lost.contains(event))
    }

    /// What it said that it lacks.
    pub(crate) fn lost(&self) -> impl Iterator<Item = (EventId, Seq)> + '_ {
        let lost = self.lost.iter().flat_map(Lost::iter);
        lost.map(|(chain, first, last)| (EventId::new(chain, first), last))
    }

    pub(crate) fn send(&self, turn: &mut Turn<'_>, message: Message) {
        self.session.send(turn, message);
    }

    pub(crate) fn on_ack(&mut self, turn: &mut Turn<'_>, ack: &Ack) {
        self.compare(turn, &ack.vector);
        let refused = !ack.refused.is_empty();
        if refused && self.session.is_overtaken(ack.greeting) {
            // The chain may have become another one here since, which the greeting told: two that refuse what the other no longer has
            // would refuse each other for ever.
            self.session.greet_again(turn.now);
        } else {
            ack.refused.iter().for_each(|chain| self.part(turn, *chain));
        }
        let pause = ack.pause.min(turn.config.resend_max);
        self.delivery.answered(turn, ack, pause);
        turn.claims.of_itself(self.session.peer(), proofs(&ack.vector, &ack.heads));
        if ack.relay && !self.relay {
            self.delivery.aim(turn.log.durable());
        }
        self.relay = ack.relay;
        if ack.asks_cloud {
            self.tell_cloud(turn);
        }
        if self.delivery.turns_critical(turn, pause) {
            turn.out.notice(Notice::Backpressure { peer: self.session.peer(), retry_after: pause });
        }
    }

    /// It cannot send what we lack.
    pub(crate) fn on_missing(&mut self, turn: &mut Turn<'_>, floor: BTreeMap<Chain, Seq>) {
        for (chain, floor) in floor {
            if floor > turn.log.accepted().get(chain).next() {
                turn.out.notice(Notice::SnapshotNeeded { peer: self.session.peer(), chain, floor });
            }
        }
    }

    /// What one of the two holds has changed: what was in dispute is compared anew.
    pub(crate) fn forget_disputes(&mut self) {
        self.acks.forget_refusals();
        self.delivery.forget_disputes();
    }

    /// The chains of which it holds another history, while it is connected.
    pub(crate) fn disputes(&self) -> impl Iterator<Item = Mistake> + '_ {
        let witness = self.witness();
        self.delivery.disputed().iter().map(move |chain| Mistake::Disputed { chain: *chain, witness })
    }

    /// The chains of which it holds another history.
    pub(crate) fn apart(&self) -> impl Iterator<Item = Chain> + '_ {
        self.delivery.disputed().iter().copied()
    }

    /// How far it holds a chain of which it has another history.
    pub(crate) fn disputed(&self, chain: Chain) -> Option<Seq> {
        let held = self.held().get(chain);
        (self.delivery.is_apart(chain) && held != Seq::ZERO).then_some(held)
    }

    /// It holds the chain up to here, with the history that is held here.
    pub(crate) fn proved(&mut self, turn: &mut Turn<'_>, chain: Chain, seq: Seq, leads: bool) {
        if seq <= self.proved.get(chain) {
            return;
        }
        self.proved.set_max(chain, seq);
        if leads {
            turn.out.notice(Notice::LeaderHas(self.proved.clone()));
        }
    }

    /// The history of the chain is another one here behind the position.
    pub(crate) fn unprove(&mut self, chain: Chain, seq: Seq) {
        if self.proved.get(chain) > seq {
            self.proved.fall_to(chain, seq);
        }
    }

    /// What is being read for it may leave its place.
    pub(crate) fn stop_reading(&mut self) {
        self.delivery.stop_reading();
    }

    /// What it holds, where its hashes are those held here.
    pub(crate) fn proved_vector(&self) -> &VersionVector {
        &self.proved
    }

    /// The chain has two histories: nothing of it passes between this peer and us any more.
    pub(crate) fn part(&mut self, turn: &mut Turn<'_>, chain: Chain) {
        let full = self.delivery.chains_apart() >= turn.config.limits.max_chains as usize;
        if full || !self.acks.refuse(chain) {
            return;
        }
        self.delivery.dispute(chain);
        // It learns of it at once.
        self.acks.owe_news();
        let seq = turn.log.accepted().get(chain);
        turn.out.notice(Notice::Fork { chain, seq, witness: self.witness() });
    }

    /// Tells it what the cloud is proved to hold, where anything is known of that.
    pub(crate) fn tell_cloud(&mut self, turn: &mut Turn<'_>) {
        self.told = Claim::default();
        self.tell_news_of_cloud(turn);
    }

    /// The same, without what it was told before: a store has many chains, and few of them move.
    fn tell_news_of_cloud(&mut self, turn: &mut Turn<'_>) {
        let claim = turn.log.proved().claim();
        if self.told.instance != claim.instance {
            self.told = Claim { instance: claim.instance, ..Claim::default() };
        }
        let news = claim.above(&self.told.vector);
        if !news.vector.is_empty() {
            self.told.vector.join(&news.vector);
            self.session.send(turn, Message::CloudVector(news));
        }
    }

    /// Passes on what `witness` has said of the cloud, unless the peer said so itself or hears it from the leader.
    pub(crate) fn pass_on_cloud(&mut self, turn: &mut Turn<'_>, witness: Witness, stance: Stance) {
        let everybody = witness == Witness::Cloud || stance.leads();
        if self.witness() != witness && (everybody || self.relay) {
            self.tell_news_of_cloud(turn);
        }
    }

    /// What is durable here is told it with the next acknowledgement.
    pub(crate) fn owe_news(&mut self) {
        self.acks.owe_news();
    }

    /// Sends the acknowledgement that no write holds up any more.
    pub(crate) fn settle_acks(&mut self, turn: &mut Turn<'_>, stance: Stance) {
        if let Some(ack) = self.acks.settle(turn, stance) {
            self.session.send(turn, ack);
        }
    }

    /// Tells it whether it has to pass everything on to us, when that has changed.
    pub(crate) fn tell_relay(&mut self, turn: &mut Turn<'_>, stance: Stance) {
        if let Some(ack) = self.acks.tell_relay(turn, stance) {
            self.session.send(turn, ack);
        }
    }

    /// Asks it what the cloud holds, where it is one to ask.
    pub(crate) fn ask_about_cloud(&mut self, turn: &mut Turn<'_>, stance: Stance) {
        if stance.asks(self.session.peer()) {
            let ack = self.acks.ask_about_cloud(turn, stance);
            self.session.send(turn, ack);
        }
    }

    /// Starts a batch to it, where it is one to tell.
    pub(crate) fn pump(&mut self, turn: &mut Turn<'_>, stance: Stance) {
        if stance.tells(self.session.peer(), self.relay) {
            let waited = turn.now >= turn.author.waits_until(turn.config.unconfirmed_wait);
            let frees_own = turn.author.is_confirmed() || (waited && self.confirms(turn));
            self.delivery.pump(turn, &self.session, frees_own);
        }
    }

    /// Whether the rows were for it.
    pub(crate) fn loaded(&mut self, turn: &mut Turn<'_>, load: LoadId, rows: &[(Vec<u8>, Vec<u8>)]) -> bool {
        self.delivery.loaded(turn, &self.session, load, rows)
    }

    /// Repeats what was not answered in time.
    pub(crate) fn wake(&mut self, turn: &mut Turn<'_>, stance: Stance) {
        self.delivery.wake(turn.now);
        if self.session.hello_is_due(turn.now) {
            self.say_hello(turn, stance);
        }
        self.clear_doubts(turn, stance);
    }

    pub(crate) fn poll_timeout(&self) -> Option<Time> {
        let timeouts = [self.session.poll_timeout(), self.delivery.poll_timeout(), self.doubts_until()];
        timeouts.into_iter().flatten().min()
    }

    fn witness(&self) -> Witness {
        Witness::Peer(self.session.peer())
    }
}
