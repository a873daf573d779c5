//! One till on its real store, the others as a terminal that passes on what they have sold, and a cloud that takes everything.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use edgepos::core::{
    Chain, ConnectionId, EventId, IdempotencyKey, Lane, Now, Persist, ReplicaId, Seq, Space, StoreGeneration,
    StoreId, WallMs, Write,
};
use edgepos::crdt::VersionVector;
use edgepos::model::{BasketId, Currency, Line, Tender};
use edgepos::sync::{
    Ack, BATCH_FORMAT, Batch, EventRecord, Hash, Hello, IngestState, Limits, Message, Run, VERSIONS,
};
use edgepos::{
    Commit, Config, Draft, Genesis, Input, Output, Record, RequestId, Restored, Sealing, SqliteStore, Store,
    Terminal,
};

use serde_json::json;

use crate::goods::{Customers, Goods};

const STORE: StoreId = StoreId([1; 16]);
const CONNECTION: ConnectionId = ConnectionId(1);
/// The first byte of a frame of events.
const SYNC: u8 = 2;
/// Own sales after which the others' come in.
const TOGETHER: usize = 32;
/// What is asked of a till that should have answered.
const PATIENCE: usize = 3_000;
const DAY_MS: u64 = 24 * 3_600_000;

/// The till that is measured.
pub(crate) struct Till {
    path: PathBuf,
    terminal: Terminal,
    store: SqliteStore,
    waiting: Vec<Persist>,
    now: Now,
    requests: u64,
    cloud: IngestState,
    others: Others,
    customers: Customers,
    /// What was sold since the others sold last.
    fresh: Vec<Sold>,
    sales: u64,
    /// Sales of this till alone, and what they take as JSON.
    own: u64,
    json_bytes: u64,
}

/// A sale of this till, from which those of the others are made.
struct Sold {
    basket: [u8; 16],
    key: [u8; 16],
    payload: Vec<u8>,
}

/// The terminal that speaks for the other tills.
struct Others {
    me: ReplicaId,
    tills: Vec<(Chain, Hash, Seq)>,
    held: BTreeMap<Chain, (Seq, Hash)>,
    batches: u64,
    greeting: u32,
}

impl Others {
    fn vector(&self) -> VersionVector {
        self.held.iter().map(|(chain, (seq, _))| (*chain, *seq)).collect()
    }

    fn heads(&self) -> BTreeMap<Chain, Hash> {
        self.held.iter().map(|(chain, (_, hash))| (*chain, *hash)).collect()
    }

    /// What it says to a message.
    fn answer(&mut self, message: Message, wall: WallMs) -> Option<Message> {
        match message {
            Message::Hello(hello) => {
                self.greeting = hello.number;
                Some(Message::Hello(Hello {
                    versions: VERSIONS,
                    store: STORE,
                    heard: true,
                    vector: self.vector(),
                    heads: self.heads(),
                    relay: false,
                    dictionaries: hello.dictionaries,
                    level: hello.level,
                    wall: Some(wall),
                    lost: hello.lost.map(|_| Default::default()),
                    number: 1,
                    batch_format: BATCH_FORMAT,
                    log: None,
                }))
            }
            Message::Batch { number, batch } => {
                let Batch { runs } = Batch::decode(&batch, &Limits::DEFAULT).expect("its own batch");
                for run in runs {
                    self.held.insert(run.chain, (run.last(), run.head));
                }
                Some(Message::Ack(Ack {
                    vector: self.vector(),
                    heads: self.heads(),
                    batch: Some(number),
                    greeting: self.greeting,
                    ..Ack::default()
                }))
            }
            Message::Probe { event } => {
                let held = self.held.get(&event.chain).filter(|(seq, _)| *seq == event.seq);
                Some(Message::Hash { event, hash: held.map(|(_, hash)| *hash) })
            }
            _ => None,
        }
    }
}

impl Till {
    pub(crate) fn open(path: &Path, tills: u16) -> Self {
        let me = ReplicaId::new(1, 5);
        let genesis =
            Genesis { store: STORE, generation: StoreGeneration(0), voters: vec![me], recovery: None };
        let store = SqliteStore::open(path).expect("a file");
        let now = Now::new(0, 1_767_225_600_000);
        let restored = Restored::from_store(&store).expect("rows");
        let terminal = Terminal::new(now, Config::new(me, genesis, 9), restored).expect("a till");
        let chain = |number| Chain::new(ReplicaId::new(number, 5), Lane::Transactions);
        let others = Others {
            me: ReplicaId::new(2, 5),
            tills: (2..=tills).map(|number| (chain(number), Hash::ZERO, Seq::ZERO)).collect(),
            held: BTreeMap::new(),
            batches: 0,
            greeting: 0,
        };
        let mut till = Self {
            path: path.to_owned(),
            terminal,
            store,
            waiting: Vec::new(),
            now,
            requests: 0,
            cloud: IngestState::new(),
            others,
            customers: Customers::new(7),
            fresh: Vec::new(),
            sales: 0,
            own: 0,
            json_bytes: 0,
        };
        till.settle();
        let peer = till.others.me;
        till.tell(Input::PeerUp(peer, CONNECTION));
        till
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Sales of all tills.
    pub(crate) fn sales(&self) -> u64 {
        self.sales
    }

    /// Bytes of a sale as JSON.
    pub(crate) fn json_bytes(&self) -> f64 {
        self.json_bytes as f64 / self.own.max(1) as f64
    }

    fn tell(&mut self, input: Input) {
        self.terminal.handle(self.now, input);
        self.settle();
    }

    /// Everything that waits is written, until nothing waits. Not flushed: that takes time, of which this run has none.
    fn settle(&mut self) {
        loop {
            self.carry_out();
            if self.waiting.is_empty() {
                return;
            }
            let group = std::mem::take(&mut self.waiting);
            self.store.write(&group).expect("the disk takes it");
            for persist in group {
                self.terminal.handle(self.now, Input::Persisted(persist.id));
            }
        }
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.terminal.poll_output() {
            match output {
                Output::Persist(persist) | Output::Write(persist) => self.waiting.push(persist),
                Output::Load(load) => {
                    let rows =
                        self.store.scan(load.space, &load.from, &load.to, load.max_bytes).expect("rows");
                    self.terminal.handle(self.now, Input::Loaded(load.id, rows));
                }
                Output::Transmit { frame, .. } => {
                    let Some((&SYNC, body)) = frame.split_first() else { continue };
                    let message = Message::decode(body, &Limits::DEFAULT).expect("its own message");
                    if let Some(answer) = self.others.answer(message, self.now.wall) {
                        self.say(&answer);
                    }
                }
                Output::Uplink(id, request) => {
                    let (reply, _) = self.cloud.handle(self.now.wall, &request, &Limits::DEFAULT);
                    self.terminal.handle(self.now, Input::Uplink(id, Ok(reply)));
                }
                Output::Reply(_, reply) => drop(reply.expect("done")),
                Output::Notice(_) => {}
            }
        }
    }

    fn say(&mut self, message: &Message) {
        let frame = [&[SYNC], message.encode().as_slice()].concat();
        self.terminal.handle(self.now, Input::Frame(self.others.me, CONNECTION, frame));
    }

    /// Time passes, and what is due is done at its end: a year has more seconds than this run has turns.
    fn pass(&mut self, ms: u64) {
        const TURNS: usize = 4;
        self.now = Now::new(self.now.mono.0 + ms, self.now.wall.0 + ms);
        for _ in 0..TURNS {
            if self.terminal.poll_timeout().is_none_or(|at| at > self.now.mono) {
                return;
            }
            self.tell(Input::Timeout);
        }
    }

    fn request(&mut self) -> RequestId {
        self.requests += 1;
        RequestId(self.requests)
    }

    /// A business day of so many sales at each till, from 8 to 20, and what is done with old events in the night behind it. `archives`:
    /// whether it is the night for that.
    pub(crate) fn day(&mut self, day: u32, sales: u32, archives: bool) {
        let began = self.now;
        self.pass(DAY_MS / 3);
        let request = self.request();
        self.terminal.record(self.now, request, Record::day_opened(day, 20_000)).expect("it opens");
        self.settle();
        for _ in 0..sales {
            self.pass(DAY_MS / 2 / u64::from(sales));
            self.sell();
            if self.fresh.len() >= TOGETHER {
                self.others_sell();
            }
        }
        self.others_sell();
        let request = self.request();
        self.terminal.record(self.now, request, Record::day_closed(20_000)).expect("it closes");
        self.settle();
        self.upload();
        let spent = self.now.mono.0 - began.mono.0;
        self.pass(DAY_MS.saturating_sub(spent));
        self.seal(archives);
    }

    fn sell(&mut self) {
        let goods = self.customers.next();
        let (basket, key) = (self.customers.name(), self.customers.name());
        let line = |(no, Goods { product, quantity, price }): (u16, &Goods)| Line {
            no,
            product: product.clone(),
            quantity: *quantity,
            unit_price: *price,
            amount: price * quantity,
            ..Line::default()
        };
        let lines: Vec<_> = (1..).zip(&goods).map(line).collect();
        let total: i64 = lines.iter().map(|line| line.amount).sum();
        let request = self.request();
        let draft = Draft::sale(BasketId(basket), Currency::EUR, lines);
        self.terminal.begin(self.now, request, draft).expect("it begins");
        self.settle();
        let request = self.request();
        let commit = Commit {
            basket: BasketId(basket),
            key: IdempotencyKey(key),
            tenders: Tender::cash(total).into(),
        };
        self.terminal.commit(self.now, request, commit).expect("it is booked");
        self.carry_out();
        let payload = self.booked().expect("its event");
        self.settle();
        self.json_bytes += json(&goods, &basket, &key, self.sales, (self.now.wall.0, total)).len() as u64;
        self.sales += 1;
        self.own += 1;
        self.fresh.push(Sold { basket, key, payload });
    }

    /// The payload of the transaction that waits to be written.
    fn booked(&mut self) -> Option<Vec<u8>> {
        loop {
            let writes = self.waiting.iter().rev().flat_map(|persist| persist.writes.iter().rev());
            let events = writes.filter_map(|write| match write {
                Write::Put { space: Space::Event, key, value } => EventRecord::from_row(key, value),
                _ => None,
            });
            let sale = |(record, _): (EventRecord, Hash)| {
                (record.id.chain.lane == Lane::Transactions).then_some(record)
            };
            if let Some(record) = events.filter_map(sale).next() {
                return Some(record.payload);
            }
            if self.waiting.is_empty() {
                return None;
            }
            let group = std::mem::take(&mut self.waiting);
            self.store.write(&group).expect("the disk takes it");
            for persist in group {
                self.terminal.handle(self.now, Input::Persisted(persist.id));
            }
            self.carry_out();
        }
    }

    /// Each other till has sold the same goods to other customers.
    fn others_sell(&mut self) {
        let fresh = std::mem::take(&mut self.fresh);
        if fresh.is_empty() || self.others.tills.is_empty() {
            return;
        }
        let mut runs = Vec::new();
        for (chain, hash, seq) in &mut self.others.tills {
            let mut payloads = Vec::new();
            let first = seq.next();
            for sold in &fresh {
                let mut payload = sold.payload.clone();
                replace(&mut payload, &sold.basket, &self.customers.name());
                replace(&mut payload, &sold.key, &self.customers.name());
                *seq = seq.next();
                *hash = hash.link(EventId::new(*chain, *seq), &payload);
                payloads.push(payload);
            }
            self.sales += payloads.len() as u64;
            self.others.held.insert(*chain, (*seq, *hash));
            runs.push(Run { chain: *chain, first, head: *hash, payloads, gaps: Vec::new() });
        }
        for runs in pieces(runs) {
            self.others.batches += 1;
            let batch = Batch { runs }.encode_for(BATCH_FORMAT, 1, &Limits::DEFAULT);
            let number = self.others.batches;
            self.say(&Message::Batch { number, batch });
            self.settle();
        }
    }

    /// Until the cloud has everything.
    fn upload(&mut self) {
        for _ in 0..PATIENCE {
            let status = self.terminal.status();
            if status.queued == 0 {
                return;
            }
            self.pass(1_000);
        }
        panic!("the cloud does not get everything: {:?}", self.terminal.status());
    }

    fn seal(&mut self, archives: bool) {
        let before = |days: u64| self.now.wall.0.saturating_sub(days * DAY_MS);
        let sealing = Sealing {
            floor: self.terminal.diagnosis(self.now).in_cloud,
            before_utc_ms: before(7),
            archive_before_utc_ms: archives.then(|| before(30)),
        };
        while self.store.seal(&sealing).expect("a sound store") {}
    }
}

/// Batches as large as a peer sends.
fn pieces(runs: Vec<Run>) -> Vec<Vec<Run>> {
    const EACH: usize = 5;
    let mut runs = runs.into_iter().peekable();
    let mut pieces = Vec::new();
    while runs.peek().is_some() {
        pieces.push(runs.by_ref().take(EACH).collect());
    }
    pieces
}

/// Every place of a name gets another one.
fn replace(payload: &mut [u8], name: &[u8; 16], other: &[u8; 16]) {
    let mut at = 0;
    while let Some(found) = payload[at..].windows(16).position(|bytes| bytes == name) {
        payload[at + found..at + found + 16].copy_from_slice(other);
        at += found + 16;
    }
}

/// The same sale as somebody would write it by hand: what the event says, and nothing else.
fn json(
    goods: &[Goods],
    basket: &[u8; 16],
    key: &[u8; 16],
    number: u64,
    (utc_ms, total): (u64, i64),
) -> String {
    let line = |(no, Goods { product, quantity, price }): (usize, &Goods)| json!({ "no": no, "product": product, "quantity": quantity, "unit_price": price, "amount": price * quantity });
    let name = |bytes: &[u8; 16]| format!("{:032x}", u128::from_be_bytes(*bytes));
    let lines: Vec<_> = (1..).zip(goods).map(line).collect();
    json!({
        "basket": name(basket),
        "key": name(key),
        "series": "S",
        "number": number,
        "utc_ms": utc_ms,
        "currency": "EUR",
        "lines": lines,
        "total": total,
        "tenders": [{ "type": "cash", "amount": total }],
    })
    .to_string()
}
