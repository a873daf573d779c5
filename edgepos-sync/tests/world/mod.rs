//! A store in memory: outboxes with disks that forget what was not synced, a network that loses, repeats and reorders, and a cloud.
//! Everything follows from the seed. The rules that no run may ever break are asserted while it runs.
#![allow(dead_code, unreachable_pub, reason = "each test uses its own part")]

pub mod bench;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use edgepos_core::{
    ConnectionId, EventId, Jitter, Lane, Load, Now, Persist, ReplicaId, Seq, Space, StoreId, Term, WallMs,
    Write,
};
use edgepos_crdt::VersionVector;
use edgepos_sync::{
    Batch, CloudReply, CloudRequest, Config, EventRecord, Hash, IngestState, Input, Limits, Message, Notice,
    Outbox, Output, Restored, Run, UplinkError, UplinkId,
};

pub const STORE: StoreId = StoreId([7; 16]);
pub const LIMITS: Limits = Limits::DEFAULT;

pub type Rows = BTreeMap<(Space, Vec<u8>), Vec<u8>>;

/// A terminal's disk: what a power cut leaves.
#[derive(Clone, Default)]
pub struct Disk {
    pub rows: Rows,
    /// How often the effects of each event were applied: once, or the till is wrong.
    pub applied: BTreeMap<EventId, u32>,
}

pub struct Node {
    pub id: ReplicaId,
    pub config: Config,
    pub outbox: Option<Outbox>,
    pub disk: Disk,
    waiting: VecDeque<(Persist, Vec<EventId>)>,
    /// Raised at each restart: what was under way for an earlier life reaches nobody.
    life: u32,
    pub uplink: bool,
    pub news: Vec<Notice>,
}

#[derive(Clone, Copy)]
pub struct Weather {
    /// Of 1,000 messages, how many are lost.
    pub loss: u64,
    /// How many come twice.
    pub twice: u64,
    /// Longest delay, in ms. Messages overtake each other within it.
    pub delay: u64,
    /// Longest time that a write takes, in ms.
    pub disk: u64,
}

pub const CALM: Weather = Weather { loss: 0, twice: 0, delay: 2, disk: 1 };
pub const STORM: Weather = Weather { loss: 150, twice: 100, delay: 80, disk: 30 };

enum Happening {
    Message { to: usize, from: usize, connection: ConnectionId, bytes: Vec<u8> },
    Written { node: usize, life: u32 },
    Loaded { node: usize, life: u32, load: Load },
    Request { node: usize, life: u32, id: UplinkId, bytes: Vec<u8> },
    Reply { node: usize, life: u32, id: UplinkId, bytes: Option<Vec<u8>> },
}

#[derive(Default)]
pub struct Cloud {
    pub row: Vec<u8>,
    pub events: BTreeMap<EventId, Vec<u8>>,
    pub appends: u64,
    pub replies: Vec<CloudReply>,
    /// Most events of one answer.
    pub answers: Option<usize>,
    /// The chain of which it gives nothing back.
    pub withholds: Option<edgepos_core::Chain>,
}

impl Cloud {
    /// The hash of the chain at this event.
    fn hash(&self, event: EventId) -> Option<Hash> {
        let ids = (1..=event.seq.0).map(|seq| EventId::new(event.chain, Seq(seq)));
        ids.into_iter().try_fold(Hash::ZERO, |head, id| Some(head.link(id, self.events.get(&id)?)))
    }

    /// What the cloud answers who fetches.
    fn give(&self, first: EventId, last: Seq) -> Option<Vec<u8>> {
        let chain = first.chain;
        if self.withholds == Some(chain) {
            return None;
        }
        let head = self.hash(EventId::new(chain, last))?;
        let ids = (first.seq.0..=last.0).map(|seq| EventId::new(chain, Seq(seq)));
        let payloads: Vec<_> = ids.filter_map(|id| self.events.get(&id).cloned()).collect();
        // What is too large for one answer is not given.
        (payloads.len() <= self.answers.unwrap_or(usize::MAX)).then(|| {
            let run = Run { chain, first: first.seq, head, payloads, gaps: Vec::new() };
            Batch { runs: vec![run] }.encode(&LIMITS)
        })
    }
}

pub struct World {
    pub now: u64,
    pub nodes: Vec<Node>,
    pub cloud: Cloud,
    pub weather: Weather,
    pub leader: Option<(usize, Term)>,
    links: BTreeMap<(usize, usize), ConnectionId>,
    happenings: BTreeMap<(u64, u64), Happening>,
    count: u64,
    connections: u64,
    pub jitter: Jitter,
    pub trace: Vec<String>,
    /// Bytes of messages between terminals.
    pub sent: u64,
    pub batches: Vec<(u64, usize, usize, Batch)>,
}

pub fn replica(terminal: usize) -> ReplicaId {
    ReplicaId::new(terminal as u16 + 1, 0xA5)
}

impl World {
    pub fn new(seed: u64, terminals: usize) -> Self {
        let mut world = Self {
            now: 1_000,
            nodes: Vec::new(),
            cloud: Cloud { row: IngestState::new().encode(), ..Cloud::default() },
            weather: CALM,
            leader: None,
            links: BTreeMap::new(),
            happenings: BTreeMap::new(),
            count: 0,
            connections: 0,
            jitter: Jitter::new(seed),
            trace: Vec::new(),
            sent: 0,
            batches: Vec::new(),
        };
        for terminal in 0..terminals {
            // What is read in passing would change the weather; a test of its own has it.
            let scrub_interval = Duration::from_secs(1 << 30);
            world.add(Config { scrub_interval, ..bench::trusting(replica(terminal), seed) });
        }
        world
    }

    pub fn add(&mut self, config: Config) -> usize {
        let node = self.nodes.len();
        self.nodes.push(Node {
            id: config.me,
            config,
            outbox: None,
            disk: Disk::default(),
            waiting: VecDeque::new(),
            life: 0,
            uplink: true,
            news: Vec::new(),
        });
        self.start(node);
        node
    }

    fn at(&self) -> Now {
        Now::new(self.now, 1_700_000_000_000 + self.now)
    }

    pub fn outbox(&self, node: usize) -> &Outbox {
        self.nodes[node].outbox.as_ref().expect("terminal is up")
    }

    /// Starts from the disk.
    pub fn start(&mut self, node: usize) {
        let at = self.at();
        let mut restored = Restored::new();
        for ((space, key), value) in &self.nodes[node].disk.rows {
            if Restored::SPACES.contains(space) {
                restored.insert(*space, key, value).expect("own row");
            }
        }
        let config = self.nodes[node].config.clone();
        self.nodes[node].outbox = Some(Outbox::new(at, config, restored).expect("valid"));
        self.tell_leader(node);
    }

    /// Power cut: what was not synced is gone, except that the disk may have finished some of the waiting writes, in order.
    pub fn crash(&mut self, node: usize) {
        let others: Vec<usize> = (0..self.nodes.len()).filter(|other| *other != node).collect();
        for other in others {
            self.cut(node, other);
        }
        let lucky = self.jitter.range(0, self.nodes[node].waiting.len() as u64 + 1);
        for _ in 0..lucky {
            self.sync(node);
        }
        let state = &mut self.nodes[node];
        state.waiting.clear();
        state.outbox = None;
        state.life += 1;
    }

    pub fn is_up(&self, node: usize) -> bool {
        self.nodes[node].outbox.is_some()
    }

    pub fn connect(&mut self, a: usize, b: usize) {
        let pair = (a.min(b), a.max(b));
        if a == b || self.links.contains_key(&pair) || !self.is_up(a) || !self.is_up(b) {
            return;
        }
        self.connections += 1;
        let connection = ConnectionId(self.connections);
        self.links.insert(pair, connection);
        self.tell(a, Input::PeerUp(self.nodes[b].id, connection));
        self.tell(b, Input::PeerUp(self.nodes[a].id, connection));
    }

    pub fn cut(&mut self, a: usize, b: usize) {
        if let Some(connection) = self.links.remove(&(a.min(b), a.max(b))) {
            self.tell(a, Input::PeerLost(self.nodes[b].id, connection));
            self.tell(b, Input::PeerLost(self.nodes[a].id, connection));
        }
    }

    pub fn connect_all(&mut self) {
        for a in 0..self.nodes.len() {
            for b in a + 1..self.nodes.len() {
                self.connect(a, b);
            }
        }
    }

    /// Everybody learns of the leader, which has a quorum.
    pub fn elect(&mut self, leader: Option<usize>, term: u64) {
        self.leader = leader.map(|leader| (leader, Term(term)));
        for node in 0..self.nodes.len() {
            self.tell_leader(node);
        }
    }

    /// One terminal's view alone.
    pub fn tell_view(&mut self, node: usize, leader: Option<(usize, u64)>, entitled: bool) {
        let leader = leader.map(|(leader, term)| (self.nodes[leader].id, Term(term)));
        self.tell(node, Input::Leader { leader, entitled });
    }

    fn tell_leader(&mut self, node: usize) {
        let leader = self.leader.map(|(leader, term)| (self.nodes[leader].id, term));
        let entitled = self.leader.is_some_and(|(leader, _)| leader == node);
        self.tell(node, Input::Leader { leader, entitled });
    }

    pub fn sell(&mut self, node: usize, lane: Lane, payload: &[u8]) -> EventId {
        let at = self.at();
        let outbox = self.nodes[node].outbox.as_mut().expect("terminal is up");
        let id = outbox.record(at, lane, payload.to_vec()).expect("recorded");
        self.drain(node, vec![id]);
        id
    }

    pub fn flush(&mut self, node: usize) {
        let at = self.at();
        self.nodes[node].outbox.as_mut().expect("terminal is up").flush(at);
        self.drain(node, Vec::new());
    }

    pub fn tell(&mut self, node: usize, input: Input) {
        let at = self.at();
        let Some(outbox) = self.nodes[node].outbox.as_mut() else { return };
        outbox.handle(at, input);
        self.drain(node, Vec::new());
    }

    /// Runs until `ms` later.
    pub fn run(&mut self, ms: u64) {
        let end = self.now + ms;
        while self.step(end) {}
        self.now = end;
    }

    fn step(&mut self, end: u64) -> bool {
        let next = self.happenings.keys().next().map(|(at, _)| *at);
        let timeout = |node: &Node| node.outbox.as_ref().and_then(Outbox::poll_timeout).map(|time| time.0);
        let (timer, node) =
            self.nodes.iter().enumerate().filter_map(|(i, node)| Some((timeout(node)?, i))).min().unzip();
        let Some(at) = next.into_iter().chain(timer).min().filter(|at| *at <= end) else { return false };
        self.now = self.now.max(at);
        if timer == Some(at) && next.is_none_or(|next| next > at) {
            self.tell(node.expect("has a timer"), Input::Timeout);
        } else if let Some((_, happening)) = self.happenings.pop_first() {
            self.happen(happening);
        }
        true
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Message { to, from, connection, bytes } => {
                let message = Message::decode(&bytes, &LIMITS).expect("own message");
                self.tell(to, Input::Message { from: self.nodes[from].id, connection, message });
            }
            Happening::Written { node, life } if self.nodes[node].life == life => {
                if let Some(persist) = self.sync(node) {
                    self.tell(node, Input::Persisted(persist.id));
                }
            }
            Happening::Loaded { node, life, load } if self.nodes[node].life == life => {
                let rows = read(&self.nodes[node].disk.rows, &load);
                self.tell(node, Input::Loaded(load.id, rows));
            }
            Happening::Request { node, life, id, bytes } => self.on_request(node, life, id, &bytes),
            Happening::Reply { node, life, id, bytes } if self.nodes[node].life == life => {
                let reply = bytes.map(|bytes| CloudReply::decode(&bytes, &LIMITS).expect("own reply"));
                self.tell(node, Input::Uplink(id, reply.ok_or(UplinkError::TimedOut)));
            }
            _ => {}
        }
    }

    /// The oldest waiting write reaches the disk.
    fn sync(&mut self, node: usize) -> Option<Persist> {
        let (persist, effects) = self.nodes[node].waiting.pop_front()?;
        let disk = &mut self.nodes[node].disk;
        for write in &persist.writes {
            match write.clone() {
                Write::Put { space, key, value } => disk.rows.insert((space, key), value),
                Write::Delete { space, key } => disk.rows.remove(&(space, key)),
            };
        }
        for event in effects {
            *disk.applied.entry(event).or_default() += 1;
        }
        Some(persist)
    }

    fn on_request(&mut self, node: usize, life: u32, id: UplinkId, bytes: &[u8]) {
        let request = CloudRequest::decode(bytes, &LIMITS).expect("own request");
        let mut state = IngestState::decode(&self.cloud.row, &LIMITS).expect("own row");
        let (reply, events) = match request {
            CloudRequest::Fetch { first, last, .. } => (
                CloudReply::Events { first, last, batch: self.cloud.give(first, last), base: None },
                Vec::new(),
            ),
            CloudRequest::Probe { event, .. } if event.chain.replica.is_cloud() => {
                (CloudReply::Hash { event, hash: self.cloud.hash(event) }, Vec::new())
            }
            _ => state.handle(WallMs(self.now), &request, &LIMITS),
        };
        self.cloud.appends += u64::from(!events.is_empty());
        for (event, _) in events {
            let twice = self.cloud.events.insert(event.id, event.payload);
            assert_eq!(twice, None, "{} is in the cloud twice", event.id);
        }
        self.cloud.row = state.encode();
        for (chain, seq) in state.vector().iter() {
            assert!(self.cloud.events.contains_key(&EventId::new(chain, seq)), "cloud claims {chain}:{seq}");
        }
        self.trace.push(format!("{} cloud {request:?} {reply:?}", self.now));
        self.cloud.replies.push(reply.clone());
        let lost = self.lost();
        let at = self.now + self.delay();
        let bytes = (!lost).then(|| reply.encode());
        self.schedule(at, Happening::Reply { node, life, id, bytes });
    }

    /// The head office has these come down.
    pub fn publish(&mut self, payloads: &[&[u8]]) {
        let mut state = IngestState::decode(&self.cloud.row, &LIMITS).expect("own row");
        let payloads = payloads.iter().map(|payload| payload.to_vec()).collect();
        for (event, _) in state.publish(WallMs(self.now), payloads, &LIMITS).expect("there is room") {
            assert_eq!(self.cloud.events.insert(event.id, event.payload), None, "{} stands twice", event.id);
        }
        self.cloud.row = state.encode();
    }

    fn lost(&mut self) -> bool {
        self.jitter.range(0, 1_000) < self.weather.loss
    }

    fn delay(&mut self) -> u64 {
        1 + self.jitter.range(0, self.weather.delay.max(1))
    }

    fn schedule(&mut self, at: u64, happening: Happening) {
        self.count += 1;
        self.happenings.insert((at, self.count), happening);
    }

    fn drain(&mut self, node: usize, recorded: Vec<EventId>) {
        let mut effects = recorded;
        while let Some(output) = self.nodes[node].outbox.as_mut().and_then(Outbox::poll_output) {
            self.trace.push(format!("{} {node} {output:?}", self.now));
            let life = self.nodes[node].life;
            match output {
                Output::Accepted(EventRecord { id, .. }) => effects.push(id),
                Output::Healed { record, is_new } => effects.extend(is_new.then_some(record.id)),
                Output::Persist(persist) => {
                    self.nodes[node].waiting.push_back((persist, std::mem::take(&mut effects)));
                    let at = self.now + self.jitter.range(0, self.weather.disk.max(1));
                    self.schedule(at, Happening::Written { node, life });
                }
                Output::Load(load) => {
                    let at = self.now + self.jitter.range(0, self.weather.disk.max(1));
                    self.schedule(at, Happening::Loaded { node, life, load });
                }
                Output::Reissue { record, .. } => {
                    let at = self.at();
                    let outbox = self.nodes[node].outbox.as_mut().expect("terminal is up");
                    effects.extend(outbox.reissue(at, record.id, Some(record.payload)));
                }
                Output::Transmit { to, connection, message } => self.transmit(node, to, connection, &message),
                Output::Uplink(id, request) => self.ask_cloud(node, id, &request),
                Output::Notice(notice) => self.nodes[node].news.push(notice),
            }
        }
        assert!(effects.is_empty(), "events without a write");
    }

    fn ask_cloud(&mut self, node: usize, id: UplinkId, request: &CloudRequest) {
        if let CloudRequest::Append { batch, .. } = request {
            let batch = Batch::decode(batch, &LIMITS).expect("own batch");
            self.assert_synced(node, &batch);
        }
        let life = self.nodes[node].life;
        let lost = self.lost() || !self.nodes[node].uplink;
        let at = self.now + self.delay();
        if lost {
            self.schedule(at + 500, Happening::Reply { node, life, id, bytes: None });
        } else {
            self.schedule(at, Happening::Request { node, life, id, bytes: request.encode() });
        }
    }

    fn transmit(&mut self, from: usize, to: ReplicaId, connection: ConnectionId, message: &Message) {
        let to = self.nodes.iter().position(|node| node.id == to).expect("known peer");
        let bytes = message.encode();
        assert_eq!(Message::decode(&bytes, &LIMITS).as_ref(), Ok(message));
        match message {
            Message::Batch { batch, .. } => {
                let batch = Batch::decode(batch, &LIMITS).expect("own batch");
                self.assert_synced(from, &batch);
                self.batches.push((self.now, from, to, batch));
            }
            Message::Ack(ack) => {
                for (chain, seq) in ack.vector.iter() {
                    self.assert_on_disk(from, EventId::new(chain, seq));
                }
            }
            _ => {}
        }
        self.sent += bytes.len() as u64;
        let copies =
            if self.lost() { 0 } else { 1 + u64::from(self.jitter.range(0, 1_000) < self.weather.twice) };
        for _ in 0..copies {
            let at = self.now + self.delay();
            self.schedule(at, Happening::Message { to, from, connection, bytes: bytes.clone() });
        }
    }

    /// Nothing may leave a terminal that a power cut could take back.
    fn assert_synced(&self, node: usize, batch: &Batch) {
        for run in &batch.runs {
            self.assert_on_disk(node, EventId::new(run.chain, run.first));
            self.assert_on_disk(node, EventId::new(run.chain, run.last()));
        }
    }

    fn assert_on_disk(&self, node: usize, id: EventId) {
        let key = (Space::Event, id.to_key().to_vec());
        assert!(
            self.nodes[node].disk.rows.contains_key(&key),
            "{id} left terminal {node} before it was synced"
        );
    }

    /// The events on a terminal's disk.
    pub fn stored(&self, node: usize) -> BTreeMap<EventId, Vec<u8>> {
        let rows = self.nodes[node].disk.rows.iter().filter(|((space, _), _)| *space == Space::Event);
        rows.map(|((_, key), value)| {
            let (record, _) = EventRecord::from_row(key, value).expect("event row");
            (record.id, record.payload)
        })
        .collect()
    }

    /// All terminals and the cloud hold the same, and each terminal has applied it once.
    pub fn assert_converged(&self) {
        for node in 0..self.nodes.len() {
            let stored = self.stored(node);
            assert_eq!(stored, self.cloud.events, "terminal {node} and the cloud differ");
            let applied: Vec<EventId> = self.nodes[node].disk.applied.keys().copied().collect();
            assert_eq!(applied, stored.keys().copied().collect::<Vec<_>>());
            assert!(self.nodes[node].disk.applied.values().all(|times| *times == 1), "applied twice");
            assert_eq!(self.outbox(node).queue_len(), 0, "terminal {node} has not heard of the upload");
        }
        let mut last: BTreeMap<_, Seq> = BTreeMap::new();
        for id in self.cloud.events.keys() {
            let before = last.insert(id.chain, id.seq).unwrap_or_default();
            assert_eq!(id.seq, before.next(), "gap in {}", id.chain);
        }
    }

    pub fn cloud_vector(&self) -> VersionVector {
        IngestState::decode(&self.cloud.row, &LIMITS).expect("own row").vector().clone()
    }
}

/// As the contract of [`Load`] says.
pub fn read(rows: &Rows, load: &Load) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut bytes = 0;
    let mut found = Vec::new();
    for ((_, key), value) in rows.range((load.space, load.from.clone())..=(load.space, load.to.clone())) {
        if bytes >= u64::from(load.max_bytes) && !found.is_empty() {
            break;
        }
        bytes += (key.len() + value.len()) as u64;
        found.push((key.clone(), value.clone()));
    }
    found
}
