//! Between peers: greeting, batches, acknowledgements, and who has to tell whom.

use std::time::Duration;

use edgepos_core::{Chain, ConnectionId, LoadId, PersistId, ReplicaId, Time};
use edgepos_crdt::VersionVector;

use crate::log::intake::{Intake, Taken};
use crate::peer::{Owed, Peer, Stage};
use crate::pressure;
use crate::receiver::Reading;
use crate::wire::compress;
use crate::wire::message::VERSIONS;
use crate::{Ack, Batch, Event, Hello, Message, Outbox, Witness};

impl Outbox {
    pub(crate) fn on_peer_up(&mut self, now: Time, id: ReplicaId, connection: ConnectionId) {
        if id == self.config.me {
            self.out.notice(Event::CloneSuspected { connection });
            return;
        }
        if !self.peers.contains_key(&id) && self.peers.len() >= self.config.max_peers as usize {
            // Only what a peer held is lost; it says so again when it comes back.
            let Some(gone) = self.peers.iter().find(|(_, peer)| peer.connection.is_none()).map(|(id, _)| *id)
            else {
                self.out.notice(Event::PeerRefused { peer: id });
                return;
            };
            self.peers.remove(&gone);
        }
        self.peers.entry(id).or_default().connect(connection);
        self.say_hello(now, id);
    }

    pub(crate) fn on_peer_lost(&mut self, id: ReplicaId, connection: ConnectionId) {
        if let Some(peer) = self.peers.get_mut(&id).filter(|peer| peer.connection == Some(connection)) {
            peer.disconnect();
        }
    }

    pub(crate) fn on_message(
        &mut self,
        now: Time,
        id: ReplicaId,
        connection: ConnectionId,
        message: Message,
    ) {
        let known = self.peers.get(&id).filter(|peer| peer.connection == Some(connection) && !peer.mute);
        let greeted = known.is_some_and(|peer| peer.greeted);
        match message {
            Message::Hello(hello) if known.is_some() => self.on_hello(now, id, hello),
            Message::Batch { number, batch } if greeted => self.on_batch(id, number, &batch),
            Message::Ack(ack) if greeted => self.on_ack(now, id, ack),
            Message::CloudVector(vector) if greeted => self.adopt_cloud(&vector, Witness::Peer(id)),
            Message::Missing { floor } if greeted => {
                for (chain, floor) in floor {
                    if floor > self.log.accepted().get(chain).next() {
                        self.out.notice(Event::SnapshotNeeded { peer: id, chain, floor });
                    }
                }
            }
            _ => self.out.ignore(),
        }
    }

    fn say_hello(&mut self, now: Time, id: ReplicaId) {
        let relay = self.asks_relay();
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let heard = peer.greeted;
        let failures = peer.hellos;
        peer.hellos = peer.hellos.saturating_add(1);
        peer.relay_told = relay;
        let wait = self.backoff(now, failures);
        let hello = Hello {
            versions: VERSIONS,
            store: self.config.store,
            heard,
            vector: self.log.durable().clone(),
            heads: self.log.durable_heads(),
            relay,
            dictionaries: compress::dictionaries().collect(),
        };
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.hello_at = (!heard).then_some(now + wait);
        }
        self.transmit(id, Message::Hello(hello));
    }

    fn on_hello(&mut self, now: Time, id: ReplicaId, hello: Hello) {
        let (oldest, newest) = hello.versions;
        let unwanted = if oldest > VERSIONS.1 || newest < VERSIONS.0 || oldest > newest {
            Some(Event::Incompatible { peer: id, versions: hello.versions })
        } else if hello.store != self.config.store {
            Some(Event::WrongStore { peer: id, store: hello.store })
        } else {
            None
        };
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if let Some(event) = unwanted {
            peer.mute = true;
            peer.hello_at = None;
            peer.stage = Stage::Idle;
            self.out.notice(event);
            return;
        }
        peer.greeted = true;
        peer.hello_at = None;
        peer.relay = hello.relay;
        peer.dictionaries = hello.dictionaries;
        peer.receiver.aim(self.log.durable());
        let vector = hello.vector.clone();
        peer.receiver.holds(hello.vector);
        self.log.check_rollback(&vector, Witness::Peer(id), &mut self.out);
        for (chain, hash) in hello.heads {
            if self.log.contradicts(chain, vector.get(chain), hash) {
                self.part(id, chain);
            }
        }
        if !hello.heard {
            self.say_hello(now, id);
        }
        if !self.log.cloud().is_empty() {
            self.transmit(id, Message::CloudVector(self.log.cloud().clone()));
        }
    }

    fn on_batch(&mut self, id: ReplicaId, number: u64, batch: &[u8]) {
        if self.log.is_busy(&self.config) {
            self.out.ignore();
            return;
        }
        match Batch::decode(batch, &self.config.limits) {
            Ok(batch) => self.accept(id, batch),
            Err(error) => self.out.notice(Event::Undecodable { peer: id, error }),
        }
        let after = self.log.issued();
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.owed = Some(Owed { after, batch: Some(number) });
        }
    }

    /// Takes what is new of a batch. Each run is taken whole or not at all; one that can not be taken holds up no other.
    fn accept(&mut self, id: ReplicaId, batch: Batch) {
        let witness = Witness::Peer(id);
        self.log.check_rollback(&batch.last(), witness, &mut self.out);
        let mut intake = Intake::default();
        for run in batch.runs {
            let (chain, last) = (run.chain, run.last());
            let apart = self.peers.get(&id).is_some_and(|peer| peer.receiver.is_apart(chain));
            // Nobody else may write our chains: what we do not know of them was made by another holder of our disk.
            if apart || chain.replica == self.config.me {
                continue;
            }
            match self.log.take(&mut intake, run, self.config.limits.max_chains) {
                Taken::Yes => {
                    if let Some(peer) = self.peers.get_mut(&id) {
                        peer.receiver.holds_up_to(chain, last);
                    }
                }
                Taken::Gap => {}
                Taken::Fork => self.part(id, chain),
                Taken::TooManyChains => self.out.notice(Event::TooManyChains { witness }),
            }
        }
        self.log.commit(intake, &mut self.out);
    }

    fn on_ack(&mut self, now: Time, id: ReplicaId, ack: Ack) {
        self.log.check_rollback(&ack.vector, Witness::Peer(id), &mut self.out);
        for chain in &ack.refused {
            self.part(id, *chain);
        }
        let failures = self.peers.get(&id).map_or(0, |peer| peer.failures);
        let rest = self.backoff(now, failures);
        let pause = ack.pause.min(self.config.resend_max);
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let before = peer.receiver.held().clone();
        let news = !before.dominates(&ack.vector);
        peer.receiver.holds_too(&ack.vector, self.config.limits.max_chains);
        if ack.relay && !peer.relay {
            peer.receiver.aim(self.log.durable());
        }
        peer.relay = ack.relay;
        if let Stage::Flying { number, last, .. } = &peer.stage
            && (ack.batch == Some(*number) || peer.receiver.held().dominates(last))
        {
            let forward = last.iter().any(|(chain, _)| peer.receiver.held().get(chain) > before.get(chain));
            peer.failures = if forward { 0 } else { peer.failures.saturating_add(1) };
            peer.throttle.answered(pause, &self.config);
            let wait = if forward { pause } else { rest.max(pause) };
            peer.stage = if wait.is_zero() { Stage::Idle } else { Stage::Resting { until: now + wait } };
        }
        let critical = !pause.is_zero() && pause >= self.config.pause_max;
        let begins = critical && !std::mem::replace(&mut peer.throttle.critical, critical);
        if news && self.leader.is_some_and(|(leader, _)| leader == id) {
            let vector = peer.receiver.held().clone();
            self.out.notice(Event::LeaderHas(vector));
        }
        if ack.asks_cloud && !self.log.cloud().is_empty() {
            self.transmit(id, Message::CloudVector(self.log.cloud().clone()));
        }
        if begins {
            self.out.notice(Event::Backpressure { peer: id, retry_after: pause });
        }
    }

    /// The chain has two histories: nothing of it passes between this peer and us any more.
    fn part(&mut self, id: ReplicaId, chain: Chain) {
        let max_chains = self.config.limits.max_chains as usize;
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if peer.receiver.chains_apart() >= max_chains || !peer.refused.insert(chain) {
            return;
        }
        peer.receiver.set_apart(chain);
        let seq = self.log.accepted().get(chain);
        self.out.notice(Event::Fork { chain, seq, witness: Witness::Peer(id) });
    }

    /// Sends the acknowledgements that no write holds up any more.
    pub(crate) fn settle_acks(&mut self) {
        let due = |peer: &Peer| {
            peer.owed.is_some_and(|owed| self.log.is_durable(owed.after)) && peer.open().is_some()
        };
        let ids: Vec<ReplicaId> =
            self.peers.iter().filter(|(_, peer)| due(peer)).map(|(id, _)| *id).collect();
        for id in ids {
            let owed = self.peers.get_mut(&id).and_then(|peer| peer.owed.take());
            self.send_ack(id, owed.and_then(|owed| owed.batch), false);
        }
    }

    fn send_ack(&mut self, id: ReplicaId, batch: Option<u64>, asks_cloud: bool) {
        let (vector, relay) = (self.log.durable().clone(), self.asks_relay());
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.relay_told = relay;
        let refused = peer.refused.clone();
        // Only a leader asks: it alone has a queue that others fill.
        let pause = if self.leads() {
            pressure::pause(self.queue_len(), self.log.bytes_above_cloud(), &self.config)
        } else {
            Duration::ZERO
        };
        self.transmit(id, Message::Ack(Ack { vector, batch, relay, refused, pause, asks_cloud }));
    }

    /// Tells everybody what is held here, so that nobody sends it again.
    pub(crate) fn announce(&mut self) {
        let after = PersistId(0);
        for peer in self.peers.values_mut().filter(|peer| peer.open().is_some()) {
            peer.owed.get_or_insert(Owed { after, batch: None });
        }
    }

    /// Tells peers whether they have to pass everything on to us, when that has changed.
    pub(crate) fn tell_relay(&mut self) {
        let relay = self.asks_relay();
        let untold = |peer: &Peer| peer.open().is_some() && peer.relay_told != relay;
        let ids: Vec<ReplicaId> =
            self.peers.iter().filter(|(_, peer)| untold(peer)).map(|(id, _)| *id).collect();
        for id in ids {
            self.send_ack(id, None, false);
        }
    }

    /// Whether anybody is there to be asked.
    pub(crate) fn has_peers(&self) -> bool {
        self.peers.values().any(|peer| peer.open().is_some())
    }

    /// Asks the leader, or everybody where there is none, what the cloud holds.
    pub(crate) fn ask_about_cloud(&mut self) {
        let hub = self.hub();
        let asked = |(id, peer): (&ReplicaId, &Peer)| {
            (peer.open().is_some() && hub.is_none_or(|hub| hub == *id)).then_some(*id)
        };
        let ids: Vec<ReplicaId> = self.peers.iter().filter_map(asked).collect();
        for id in ids {
            self.send_ack(id, None, true);
        }
    }

    fn leads(&self) -> bool {
        self.leader.is_some_and(|(leader, _)| leader == self.config.me)
    }

    /// The leader, when it is another terminal and can be talked to.
    pub(crate) fn hub(&self) -> Option<ReplicaId> {
        let (leader, _) = self.leader?;
        self.peers.get(&leader).and_then(Peer::open).map(|_| leader)
    }

    fn asks_relay(&self) -> bool {
        !self.leads() && self.hub().is_none()
    }

    /// Starts a batch to each peer that has to be told something and is not busy.
    pub(crate) fn pump_peers(&mut self, now: Time) {
        let hub = self.hub();
        let mut started = Vec::new();
        for (id, peer) in &mut self.peers {
            let target = hub.is_none_or(|hub| hub == *id || peer.relay);
            if !target || peer.open().is_none() || !matches!(peer.stage, Stage::Idle) {
                continue;
            }
            let bytes = peer.throttle.budget(&self.config);
            if let Some(gather) = peer.receiver.gather(&self.log, &self.config, bytes) {
                peer.stage = Stage::Gathering(gather);
                started.push(*id);
            }
        }
        for id in started {
            self.gather_on(now, id);
        }
    }

    /// Whether the rows were for a peer.
    pub(crate) fn on_loaded_for_peer(
        &mut self,
        now: Time,
        load: LoadId,
        rows: &[(Vec<u8>, Vec<u8>)],
    ) -> bool {
        let waits = |peer: &Peer| matches!(&peer.stage, Stage::Gathering(gather) if gather.awaits(load));
        let Some((id, peer)) = self.peers.iter_mut().find(|(_, peer)| waits(peer)) else { return false };
        let id = *id;
        if let Stage::Gathering(gather) = &mut peer.stage {
            gather.loaded(rows);
        }
        self.gather_on(now, id);
        true
    }

    /// Reads on, or sends what was read.
    fn gather_on(&mut self, now: Time, id: ReplicaId) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let Stage::Gathering(gather) = std::mem::take(&mut peer.stage) else { return };
        match peer.receiver.read_on(gather, Some(id), &mut self.out) {
            Reading::On(gather) => peer.stage = Stage::Gathering(gather),
            Reading::Done { batch, pruned } => {
                if !pruned.is_empty() {
                    self.transmit(id, Message::Missing { floor: pruned });
                }
                self.send_batch(now, id, &batch);
            }
        }
    }

    fn send_batch(&mut self, now: Time, id: ReplicaId, batch: &Batch) {
        if batch.runs.is_empty() {
            return;
        }
        let Some(peer) = self.peers.get(&id) else { return };
        let (dictionary, failures) = (compress::newest(&peer.dictionaries), peer.failures);
        let bytes = batch.encode_with(dictionary, &self.config.limits);
        let wait = self.backoff(now, failures);
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.number += 1;
        let number = peer.number;
        peer.stage = Stage::Flying { number, last: batch.last(), deadline: now + wait };
        self.transmit(id, Message::Batch { number, batch: bytes });
    }

    /// Repeats what was not answered in time.
    pub(crate) fn wake_peers(&mut self, now: Time) {
        let mut silent = Vec::new();
        for (id, peer) in &mut self.peers {
            match peer.stage {
                Stage::Flying { deadline, .. } if deadline <= now => {
                    peer.failures = peer.failures.saturating_add(1);
                    peer.stage = Stage::Idle;
                }
                Stage::Resting { until } if until <= now => peer.stage = Stage::Idle,
                _ => {}
            }
            if peer.hello_at.is_some_and(|at| at <= now) {
                silent.push(*id);
            }
        }
        for id in silent {
            self.say_hello(now, id);
        }
    }

    /// Takes the cloud's vector and passes it on to those who can not hear it from where we did.
    pub(crate) fn adopt_cloud(&mut self, vector: &VersionVector, witness: Witness) {
        let max_chains = self.config.limits.max_chains;
        if !self.log.adopt_cloud(vector, witness, max_chains, &mut self.out) {
            return;
        }
        let cloud = self.log.cloud().clone();
        let everybody = witness == Witness::Cloud || self.leads();
        let ids: Vec<ReplicaId> = self
            .peers
            .iter()
            .filter(|(id, peer)| peer.open().is_some() && Witness::Peer(**id) != witness)
            .filter(|(_, peer)| everybody || peer.relay)
            .map(|(id, _)| *id)
            .collect();
        for id in ids {
            self.transmit(id, Message::CloudVector(cloud.clone()));
        }
    }

    fn transmit(&mut self, to: ReplicaId, message: Message) {
        if let Some(connection) = self.peers.get(&to).and_then(|peer| peer.connection) {
            self.out.transmit(to, connection, message);
        }
    }
}
