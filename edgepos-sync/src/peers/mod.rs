//! Anti-entropy with the other terminals of the store: who is there, who leads, and who lacks which events by its version vector.

mod acks;
mod answers;
mod delivery;
mod giving;
mod inbox;
mod memory;
mod peer;
mod pressure;
mod rivals;
mod session;
mod stance;
mod watch;

use std::collections::BTreeMap;

use edgepos_core::{Chain, ConnectionId, EventId, LoadId, ReplicaId, Seq, Term, Time};
use edgepos_crdt::VersionVector;

use self::answers::Answers;
use self::giving::Giving;
use self::peer::Peer;
use self::rivals::Rivals;
use self::stance::Stance;
use self::watch::CloudWatch;
use crate::author::Parting;
use crate::io::{Mistake, Notice, Witness};
use crate::turn::Turn;
use crate::wire::message::{Hello, Message};

/// All peers that are remembered.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    /// Ordered: the simulator compares two runs byte by byte.
    peers: BTreeMap<ReplicaId, Peer>,
    leader: Option<(ReplicaId, Term)>,
    watch: CloudWatch,
    answers: Answers,
    giving: Giving,
    rivals: Rivals,
}

impl Peers {
    pub(crate) fn up(&mut self, turn: &mut Turn<'_>, id: ReplicaId, connection: ConnectionId) {
        if id == turn.config.me {
            turn.out.notice(Notice::CloneSuspected { connection });
            return;
        }
        if !self.peers.contains_key(&id) && self.peers.len() >= turn.config.max_peers as usize {
            // Only what a peer held is lost; it says so again when it comes back.
            let Some(gone) = self.peers.iter().find(|(_, peer)| !peer.is_connected()).map(|(id, _)| *id)
            else {
                turn.out.notice(Notice::PeerRefused { peer: id });
                return;
            };
            self.peers.remove(&gone);
        }
        self.peers.entry(id).or_insert_with(|| Peer::new(id)).connect(Some(connection));
        self.say_hello(turn, id);
    }

    pub(crate) fn lost(&mut self, id: ReplicaId, connection: ConnectionId) {
        if let Some(peer) = self.peers.get_mut(&id).filter(|peer| peer.is_through(connection)) {
            peer.connect(None);
        }
    }

    pub(crate) fn heard(
        &mut self,
        turn: &mut Turn<'_>,
        id: ReplicaId,
        connection: ConnectionId,
        message: Message,
    ) {
        let Some(peer) = self.peers.get_mut(&id).filter(|peer| peer.hears(connection)) else {
            turn.out.ignore();
            return;
        };
        match message {
            Message::Hello(hello) => self.on_hello(turn, id, &hello),
            _ if !peer.is_open() => turn.out.ignore(),
            Message::Batch { number, batch } => peer.on_batch(turn, number, &batch),
            Message::Ack(ack) => peer.on_ack(turn, &ack),
            Message::CloudVector(claim) => turn.claims.of_cloud(id, claim),
            Message::Missing { floor } => peer.on_missing(turn, floor),
            Message::Probe { event } => {
                if let Some(hash) = self.answers.asked(turn, id, event) {
                    peer.send(turn, Message::Hash { event, hash });
                }
            }
            Message::Hash { event, hash } => turn.claims.answer(Some(id), event, hash),
            Message::Want { first, last } => self.giving.asked(id, first, last),
            Message::Rival { replica } => self.rivals.heard(turn, replica),
            // Whoever mends was told before.
            Message::Found { .. } | Message::Unknown { .. } => turn.out.ignore(),
        }
    }

    /// Asks a peer for the hash of one event.
    pub(crate) fn probe(&mut self, turn: &mut Turn<'_>, id: ReplicaId, event: EventId) {
        if let Some(peer) = self.peers.get(&id) {
            peer.send(turn, Message::Probe { event });
        }
    }

    /// Asks those who may have them for events that are lost here.
    pub(crate) fn ask_for(
        &mut self,
        turn: &mut Turn<'_>,
        first: EventId,
        last: Seq,
        asked: &mut BTreeMap<ReplicaId, ConnectionId>,
    ) {
        for peer in self.peers.values().filter(|peer| peer.is_open()) {
            peer.ask_for(turn, first, last, asked);
        }
    }

    /// Whether anybody who was heard since the start, connected or not, states that it holds the event.
    pub(crate) fn may_hold(&self, event: EventId) -> bool {
        self.peers.values().any(|peer| peer.may_hold(event))
    }

    /// Whether a peer that can be talked to speaks through the connection.
    pub(crate) fn hears(&self, id: ReplicaId, connection: ConnectionId) -> bool {
        self.peers.get(&id).is_some_and(|peer| peer.is_open() && peer.hears(connection))
    }

    /// What this terminal holds has gone back: everybody is greeted anew, which replaces what they knew of it.
    pub(crate) fn greet_anew(&mut self, turn: &mut Turn<'_>) {
        self.each_open(turn, |peer, turn, stance| {
            peer.forget_disputes();
            peer.say_hello(turn, stance);
        });
    }

    /// Branches of chains were taken out here: what peers were proved to hold of them is no longer what is held here.
    pub(crate) fn set_aside(&mut self, turn: &mut Turn<'_>, partings: &BTreeMap<Chain, Parting>) {
        for peer in self.peers.values_mut() {
            partings.iter().for_each(|(chain, parting)| peer.unprove(*chain, parting.seq));
            peer.stop_reading();
        }
        self.greet_anew(turn);
    }

    /// Whether the leader, who is another terminal, or a majority has stated where each of our own chains stands, and nothing contradicts.
    pub(crate) fn confirm(&self, turn: &Turn<'_>) -> bool {
        let confirms = |peer: &&Peer| peer.is_open() && peer.confirms(turn);
        let leader = self.leader.and_then(|(leader, _)| self.peers.get(&leader));
        let enough = turn
            .config
            .majority
            .is_some_and(|majority| self.peers.values().filter(confirms).count() >= majority.get() as usize);
        enough || leader.as_ref().is_some_and(confirms)
    }

    fn on_hello(&mut self, turn: &mut Turn<'_>, id: ReplicaId, hello: &Hello) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if !peer.on_hello(turn, hello) {
            return;
        }
        if !hello.heard {
            self.say_hello(turn, id);
        }
        self.tell_rivals(turn, Some(id));
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.tell_cloud(turn);
            for (first, last) in peer.lost() {
                self.giving.offer(turn, id, first, last);
            }
        }
    }

    /// Tells connected terminals that have one number of each other; `of`: one of them alone.
    fn tell_rivals(&mut self, turn: &mut Turn<'_>, of: Option<ReplicaId>) {
        let Self { peers, rivals, .. } = self;
        let open = || peers.iter().filter(|(_, peer)| peer.is_open());
        for (id, peer) in open() {
            let same = |other: &ReplicaId| other.terminal() == id.terminal() && other != id;
            let concerns = |other: &ReplicaId| of.is_none_or(|of| of == *other || of == *id);
            for (replica, _) in open().filter(|(other, _)| same(other) && concerns(other)) {
                peer.send(turn, Message::Rival { replica: *replica });
                rivals.told(turn.now);
            }
        }
    }

    fn say_hello(&mut self, turn: &mut Turn<'_>, id: ReplicaId) {
        let stance = self.stance(turn);
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.say_hello(turn, stance);
        }
    }

    /// Passes on what the cloud is proved to hold to those who cannot hear it from where we did.
    pub(crate) fn pass_on_cloud(&mut self, turn: &mut Turn<'_>, witness: Witness) {
        self.each_open(turn, |peer, turn, stance| peer.pass_on_cloud(turn, witness, stance));
    }

    /// The peer holds the chain up to here, with the history that is held here.
    pub(crate) fn proved(&mut self, turn: &mut Turn<'_>, id: ReplicaId, chain: Chain, seq: Seq) {
        let leads = self.stance(turn).follows(id);
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.proved(turn, chain, seq, leads);
        }
    }

    /// The peer holds another history of the chain.
    pub(crate) fn part(&mut self, turn: &mut Turn<'_>, id: ReplicaId, chain: Chain) {
        if let Some(peer) = self.peers.get_mut(&id).filter(|peer| peer.is_open()) {
            peer.part(turn, chain);
        }
    }

    /// The chains of which connected peers hold another history.
    pub(crate) fn disputes(&self) -> impl Iterator<Item = Mistake> + '_ {
        self.peers.values().filter(|peer| peer.is_open()).flat_map(Peer::disputes)
    }

    /// Chains of which the leader, who is another terminal, holds another history, and our own of which a majority does: one of them, and
    /// how far it holds the chain.
    pub(crate) fn outvoted(&self, turn: &Turn<'_>) -> Vec<(ReplicaId, Chain, Seq)> {
        let mut outvoted = Vec::new();
        for chain in turn.author.chains() {
            let disputing = |(id, peer): (&ReplicaId, &Peer)| Some((*id, chain, peer.disputed(chain)?));
            let disputes: Vec<_> = self.peers.iter().filter_map(disputing).collect();
            let enough =
                turn.config.majority.is_some_and(|majority| disputes.len() >= majority.get() as usize);
            let by_leader = disputes.iter().find(|(id, ..)| self.is_led_by(*id));
            outvoted.extend(by_leader.or_else(|| disputes.first().filter(|_| enough)));
        }
        if let Some((leader, peer)) = self.leader.and_then(|(id, _)| Some((id, self.peers.get(&id)?))) {
            let foreign = peer.apart().filter(|chain| chain.replica != turn.author.name());
            outvoted.extend(foreign.filter_map(|chain| Some((leader, chain, peer.disputed(chain)?))));
        }
        outvoted
    }

    /// Whether the peer leads, as far as is known here.
    pub(crate) fn is_led_by(&self, id: ReplicaId) -> bool {
        self.leader.is_some_and(|(leader, _)| leader == id)
    }

    /// Who leads. Whether that is news.
    pub(crate) fn elected(&mut self, leader: Option<(ReplicaId, Term)>) -> bool {
        std::mem::replace(&mut self.leader, leader) != leader
    }

    fn stance(&self, turn: &Turn<'_>) -> Stance {
        match self.leader {
            Some((leader, _)) if leader == turn.config.me => Stance::Leads,
            Some((leader, _)) if self.peers.get(&leader).is_some_and(Peer::is_open) => {
                Stance::Follows(leader)
            }
            _ => Stance::CutOff,
        }
    }

    fn each_open(&mut self, turn: &mut Turn<'_>, act: impl Fn(&mut Peer, &mut Turn<'_>, Stance)) {
        let stance = self.stance(turn);
        for peer in self.peers.values_mut().filter(|peer| peer.is_open()) {
            act(peer, turn, stance);
        }
    }

    /// They shall hold this, without waiting for more.
    pub(crate) fn aim(&mut self, goal: &VersionVector) {
        for peer in self.peers.values_mut() {
            peer.aim(goal);
        }
    }

    /// Events of others became durable here. Unless a leader passes on who holds what, everybody is told, so that nobody sends
    /// them again.
    pub(crate) fn took_in(&mut self, turn: &mut Turn<'_>) {
        // A batch whose last slice is still to come is told of at its end.
        if !self.takes_in() && !matches!(self.stance(turn), Stance::Follows(_)) {
            self.each_open(turn, |peer, _, _| peer.owe_news());
        }
    }

    /// Rows that were read. Those for a conversation that has ended are of no use.
    pub(crate) fn loaded(&mut self, turn: &mut Turn<'_>, load: LoadId, rows: &[(Vec<u8>, Vec<u8>)]) {
        if let Some((id, event, hash)) = self.answers.loaded(load, rows) {
            if let Some(peer) = self.peers.get(&id) {
                peer.send(turn, Message::Hash { event, hash });
            }
            return;
        }
        if let Some((id, message)) = self.giving.loaded(turn, load, rows) {
            if let Some(peer) = self.peers.get(&id).filter(|peer| peer.is_open()) {
                peer.send(turn, message);
            }
            return;
        }
        for peer in self.peers.values_mut() {
            if peer.loaded(turn, load, rows) {
                return;
            }
        }
    }

    pub(crate) fn wake(&mut self, turn: &mut Turn<'_>) {
        if self.watch.take_due(turn.now) {
            self.each_open(turn, Peer::ask_about_cloud);
        }
        if self.rivals.take_due(turn.now) {
            self.tell_rivals(turn, None);
        }
        let stance = self.stance(turn);
        for peer in self.peers.values_mut() {
            peer.wake(turn, stance);
        }
    }

    /// Whether something that peers have sent is still to be taken in.
    fn takes_in(&self) -> bool {
        self.peers.values().any(Peer::takes_in)
    }

    /// Takes the next slice of what peers have sent, where the disk keeps up.
    pub(crate) fn take_in(&mut self, turn: &mut Turn<'_>) {
        self.each_open(turn, |peer, turn, _| peer.take_slice(turn));
        let inbound = self.peers.values().map(Peer::inbound);
        turn.log.expects(inbound.fold((0, 0), |(events, bytes), more| (events + more.0, bytes + more.1)));
    }

    /// Tells each peer what it is owed. A peer is owed its answer, once no write holds that up, before it is sent a batch, and an answer
    /// tells about the relay too.
    pub(crate) fn pump(&mut self, turn: &mut Turn<'_>) {
        self.each_open(turn, Peer::settle_acks);
        self.each_open(turn, Peer::tell_relay);
        self.each_open(turn, Peer::pump);
        self.answers.pump(turn);
        self.giving.pump(turn);
    }

    /// Asks what the cloud holds when nothing was heard of it for a while, unless this terminal `hears_cloud` itself.
    pub(crate) fn watch_cloud(&mut self, turn: &mut Turn<'_>, hears_cloud: bool) {
        let waits = !hears_cloud && self.peers.values().any(Peer::is_open) && turn.log.above_cloud() > 0;
        self.watch.update(turn, waits);
    }

    /// What the peer is proved to hold durably; `None` for one that is not remembered.
    pub(crate) fn proved_vector(&self, id: ReplicaId) -> Option<&VersionVector> {
        self.peers.get(&id).map(Peer::proved_vector)
    }

    /// What the peer holds durably, as far as we know; `None` for one that is not remembered.
    pub(crate) fn vector(&self, id: ReplicaId) -> Option<&VersionVector> {
        self.peers.get(&id).map(Peer::held)
    }

    /// What peers have said since the start that they hold.
    pub(crate) fn claimed(&self) -> impl Iterator<Item = (Chain, Seq)> + '_ {
        self.peers.values().flat_map(|peer| peer.held().iter())
    }

    /// Whether one has said so.
    pub(crate) fn have_greeted(&self) -> bool {
        self.peers.values().any(|peer| peer.level().is_some())
    }

    /// The first position of the chain that a connected peer says that it lacks.
    pub(crate) fn first_lost(&self, chain: Chain) -> Option<Seq> {
        let lost = self.peers.values().flat_map(Peer::lost).filter(|(first, _)| first.chain == chain);
        lost.map(|(first, _)| first.seq).min()
    }

    /// The feature level that the peer announced last; `None` for one that has not greeted.
    pub(crate) fn level(&self, id: ReplicaId) -> Option<u32> {
        self.peers.get(&id).and_then(Peer::level)
    }

    /// Whether the peer has greeted, and neither of both has forgotten what it wrote itself.
    pub(crate) fn remembers(&self, id: ReplicaId) -> bool {
        self.peers.get(&id).is_some_and(Peer::remembers)
    }

    /// Whether a connected peer knows of something that this terminal wrote and does not have.
    pub(crate) fn contradict(&self) -> bool {
        self.peers.values().any(|peer| peer.is_open() && peer.contradicts())
    }

    /// What the latest greetings of connected peers said of their time of day, less our monotonic clock then, in ms.
    pub(crate) fn clocks(&self, now: Time) -> impl Iterator<Item = (ReplicaId, i64)> + '_ {
        let open = self.peers.iter().filter(|(_, peer)| peer.is_open());
        open.filter_map(move |(id, peer)| Some((*id, peer.clock(now)?)))
    }

    /// Another terminal that uses the number of this one, as a peer said last, and when.
    pub(crate) fn rival(&self) -> Option<(ReplicaId, Time)> {
        self.rivals.ours()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Time> {
        self.peers
            .values()
            .filter_map(Peer::poll_timeout)
            .chain(self.watch.poll_timeout())
            .chain(self.rivals.poll_timeout())
            .min()
    }
}
