//! One outbox driven by hand.

use std::collections::BTreeMap;
use std::time::Duration;

use edgepos_core::{
    Chain, ConnectionId, EventId, Lane, LoadId, Now, Persist, ReplicaId, Seq, Space, Term, UploadEpoch, Write,
};
use edgepos_crdt::VersionVector;
use edgepos_sync::{
    Ack, Batch, Claim, CloudInstance, CloudReply, CloudRequest, Config, EventRecord, Hash, Hello, Input,
    Message, Notice, Outbox, Output, Restored, Run, UplinkId,
};

use super::{LIMITS, Rows, STORE, read, replica};

/// The cloud of a bench.
pub const INSTANCE: CloudInstance = CloudInstance([7; 8]);

/// One outbox driven by hand: writes are durable at once unless told otherwise.
pub struct Bench {
    pub me: ReplicaId,
    pub outbox: Outbox,
    pub rows: Rows,
    pub now: Now,
    pub sent: Vec<(ReplicaId, ConnectionId, Message)>,
    pub asked: Vec<(UplinkId, CloudRequest)>,
    /// Questions what the cloud holds; answered at once.
    pub looks: u32,
    /// Nobody answers what the cloud holds.
    pub mute_cloud: bool,
    /// What the cloud said last that it holds.
    pub said: Claim,
    /// What the cloud answers when it is asked for the hash of an event.
    pub cloud_hashes: BTreeMap<EventId, Hash>,
    /// Events that were written again: their old names and their new ones.
    pub reissued: Vec<(EventId, EventId)>,
    pub news: Vec<Notice>,
    pub accepted: Vec<EventRecord>,
    /// Events that are there again, and whether they were never handed out.
    pub healed: Vec<(EventRecord, bool)>,
    pub held: Vec<Persist>,
    /// Keep writes in `held` instead of making them durable.
    pub slow_disk: bool,
    pub loads: Vec<LoadId>,
}

impl Bench {
    pub fn new(config: Config) -> Self {
        let now = Now::new(1_000, 0);
        let me = config.me;
        let outbox = Outbox::new(now, config, Restored::new()).expect("valid");
        Self {
            me,
            outbox,
            rows: Rows::new(),
            now,
            sent: Vec::new(),
            asked: Vec::new(),
            looks: 0,
            mute_cloud: false,
            said: Claim::default(),
            cloud_hashes: BTreeMap::new(),
            reissued: Vec::new(),
            news: Vec::new(),
            accepted: Vec::new(),
            healed: Vec::new(),
            held: Vec::new(),
            slow_disk: false,
            loads: Vec::new(),
        }
    }

    pub fn terminal(terminal: usize) -> Self {
        Self::new(trusting(replica(terminal), 1))
    }

    /// A power cut and a start from what is durable.
    pub fn restart(&mut self) {
        let mut restored = Restored::new();
        for ((space, key), value) in &self.rows {
            restored.insert(*space, key, value).expect("own row");
        }
        self.outbox = Outbox::new(self.now, trusting(self.me, 1), restored).expect("valid");
        self.held.clear();
    }

    pub fn wait(&mut self, time: Duration) {
        let end = self.now.mono + time;
        while let Some(at) = self.outbox.poll_timeout().filter(|at| *at <= end) {
            self.now.mono = self.now.mono.max(at);
            self.tell(Input::Timeout);
        }
        self.now.mono = end;
    }

    pub fn tell(&mut self, input: Input) {
        self.outbox.handle(self.now, input);
        self.drain();
    }

    pub fn say(&mut self, from: ReplicaId, connection: u64, message: Message) {
        self.tell(Input::Message { from, connection: ConnectionId(connection), message });
    }

    pub fn record(&mut self, lane: Lane, payload: &[u8]) -> EventId {
        let id = self.outbox.record(self.now, lane, payload.to_vec()).expect("recorded");
        self.drain();
        id
    }

    pub fn drain(&mut self) {
        while self.drain_once() {}
    }

    /// Does the next duty. Whether there was one.
    pub fn drain_once(&mut self) -> bool {
        let Some(output) = self.outbox.poll_output() else { return false };
        match output {
            Output::Persist(persist) if self.slow_disk => self.held.push(persist),
            Output::Persist(persist) => self.sync(&persist),
            Output::Load(load) => {
                self.loads.push(load.id);
                let rows = read(&self.rows, &load);
                self.outbox.handle(self.now, Input::Loaded(load.id, rows));
            }
            Output::Reissue { record, .. } => {
                let new = self.outbox.reissue(self.now, record.id, Some(record.payload.clone()));
                self.reissued.push((record.id, new.expect("has a place")));
            }
            Output::Healed { record, is_new } => self.healed.push((record, is_new)),
            Output::Accepted(record) => self.accepted.push(record),
            Output::Transmit { to, connection, message } => self.sent.push((to, connection, message)),
            Output::Uplink(_, CloudRequest::Head { .. }) if self.mute_cloud => {}
            Output::Uplink(id, CloudRequest::Head { .. }) => {
                self.looks += 1;
                let (epoch, held) = (UploadEpoch(1), self.said.clone());
                self.outbox.handle(self.now, Input::Uplink(id, Ok(CloudReply::Head { epoch, held })));
            }
            Output::Uplink(id, CloudRequest::Probe { event, .. }) => {
                let hash = self.cloud_hashes.get(&event).copied();
                self.outbox.handle(self.now, Input::Uplink(id, Ok(CloudReply::Hash { event, hash })));
            }
            Output::Uplink(id, request) => self.asked.push((id, request)),
            Output::Notice(notice) => self.news.push(notice),
        }
        true
    }

    /// Makes the held writes durable.
    pub fn sync_all(&mut self) {
        for persist in std::mem::take(&mut self.held) {
            self.sync(&persist);
        }
        self.drain();
    }

    fn sync(&mut self, persist: &Persist) {
        for write in &persist.writes {
            match write.clone() {
                Write::Put { space, key, value } => drop(self.rows.insert((space, key), value)),
                Write::Delete { space, key } => drop(self.rows.remove(&(space, key))),
            }
        }
        self.outbox.handle(self.now, Input::Persisted(persist.id));
    }

    /// A greeted peer on connection 1 that holds `vector`.
    pub fn meet(&mut self, peer: ReplicaId, vector: VersionVector) {
        self.tell(Input::PeerUp(peer, ConnectionId(1)));
        let Claim { vector, heads, .. } = self.held(vector);
        let Message::Hello(greeting) = hello(vector) else { unreachable!() };
        self.say(peer, 1, Message::Hello(Hello { heads, ..greeting }));
    }

    /// A peer's batch.
    pub fn receive(&mut self, from: ReplicaId, number: u64, runs: Vec<Run>) {
        self.say(from, 1, Message::Batch { number, batch: Batch { runs }.encode(&LIMITS) });
    }

    /// The acknowledgements sent so far; forgets everything sent.
    pub fn take_acks(&mut self) -> Vec<(ReplicaId, Ack)> {
        let sent = std::mem::take(&mut self.sent);
        sent.into_iter()
            .filter_map(
                |(to, _, message)| if let Message::Ack(ack) = message { Some((to, ack)) } else { None },
            )
            .collect()
    }

    /// This terminal leads with a quorum, and the cloud has given it the lease on an empty store.
    pub fn lead(&mut self, term: u64) {
        let me = self.me;
        self.tell(Input::Leader { leader: Some((me, Term(term))), entitled: true });
        let (id, _) = self.asked.pop().expect("asks for the lease");
        let held = self.held(VersionVector::new());
        self.reply(id, CloudReply::Lease { epoch: UploadEpoch(term), held });
    }

    /// What a cloud says that holds this of what is held here: with the right hashes.
    pub fn held(&self, vector: VersionVector) -> Claim {
        let hash = |id: EventId| {
            let key = id.to_key();
            let row = self.rows.get(&(Space::Event, key.to_vec()))?;
            Some((id.chain, EventRecord::from_row(&key, row)?.1))
        };
        let heads = vector.iter().filter_map(|(chain, seq)| hash(EventId::new(chain, seq))).collect();
        Claim { vector, heads, instance: Some(INSTANCE), lost: None, batch_format: 0 }
    }

    /// The peer answers for the hash of one event.
    pub fn tell_hash(&mut self, peer: ReplicaId, event: EventId, hash: Option<Hash>) {
        self.say(peer, 1, Message::Hash { event, hash });
    }

    /// The peer answers that it holds the chain as it is here at this position.
    pub fn answer(&mut self, peer: ReplicaId, chain: Chain, seq: u64) {
        let hash = self.held(vector(chain, seq)).heads.get(&chain).copied();
        self.tell_hash(peer, EventId::new(chain, Seq(seq)), hash);
    }

    /// The cloud has events of the chain at these positions: where they are held here the same, otherwise others.
    pub fn said_of(&mut self, chain: Chain, positions: &[u64]) {
        for seq in positions {
            let held = self.held(vector(chain, *seq)).heads.get(&chain).copied();
            self.cloud_hashes.insert(EventId::new(chain, Seq(*seq)), held.unwrap_or(Hash([0xCC; 32])));
        }
    }

    /// The cloud has taken what makes it hold this.
    pub fn ack(&mut self, id: UplinkId, vector: VersionVector) {
        let held = self.held(vector);
        self.reply(id, CloudReply::Ack { held, forks: Default::default() });
    }

    pub fn reply(&mut self, id: UplinkId, reply: CloudReply) {
        if let CloudReply::Lease { held, .. } | CloudReply::Ack { held, .. } | CloudReply::Conflict { held } =
            &reply
        {
            self.said = held.clone();
        }
        self.tell(Input::Uplink(id, Ok(reply)));
    }

    /// The batches sent so far; forgets everything sent.
    pub fn take_batches(&mut self) -> Vec<(ReplicaId, u64, Batch)> {
        let sent = std::mem::take(&mut self.sent);
        sent.into_iter()
            .filter_map(|(to, _, message)| match message {
                Message::Batch { number, batch } => {
                    Some((to, number, Batch::decode(&batch, &LIMITS).expect("own batch")))
                }
                _ => None,
            })
            .collect()
    }
}

/// A configuration in which the word of each peer is enough to be sent own events at once.
pub fn trusting(me: ReplicaId, seed: u64) -> Config {
    Config { unconfirmed_wait: Duration::ZERO, ..Config::standard(STORE, me, seed) }
}

/// A greeting from an empty peer.
pub fn hello(vector: VersionVector) -> Message {
    Message::Hello(Hello {
        versions: (1, 1),
        store: STORE,
        heard: true,
        vector,
        heads: BTreeMap::new(),
        relay: false,
        dictionaries: Default::default(),
        level: 0,
        wall: None,
        lost: None,
        number: 0,
        batch_format: 0,
        log: None,
    })
}

/// A run that follows on `hash`, and the hash after it.
pub fn run(chain: Chain, first: u64, hash: Hash, payloads: &[&[u8]]) -> (Run, Hash) {
    let mut head = hash;
    for (seq, payload) in (first..).zip(payloads) {
        head = head.link(EventId::new(chain, Seq(seq)), payload);
    }
    let payloads = payloads.iter().map(|payload| payload.to_vec()).collect();
    (Run { chain, first: Seq(first), head, payloads, gaps: Vec::new() }, head)
}

/// A vector of one chain.
pub fn vector(chain: Chain, seq: u64) -> VersionVector {
    [(chain, Seq(seq))].into_iter().collect()
}
