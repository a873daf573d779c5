//! Terminals on stores in memory, connected by hand, in virtual time.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "a module of tests, of which each uses its own part"
)]

pub mod cloud;
pub mod mixed;
pub mod numbers;
pub mod resolving;

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use edgepos::core::{
    ConnectionId, EventId, IdempotencyKey, Now, Persist, ReplicaId, Space, StoreGeneration, StoreId,
};
use edgepos::model::{BasketId, Currency, Envelope, Line, PriceSet, Tender};
use edgepos::recovery::RecoveryKit;
use edgepos::sync::{CloudReply, CloudRequest, EventRecord, UplinkError, UplinkId};
use edgepos::{
    Commit, Config, Draft, Genesis, Input, MemoryStore, Notice, Output, Receipt, Record, Refusal, Reply,
    RequestId, Resolution, Resolve, Restored, Store, Terminal,
};

use self::cloud::Cloud;

/// A Tuesday in November 2023.
pub const WALL: u64 = 1_700_000_000_000;

pub fn replica(terminal: u16) -> ReplicaId {
    ReplicaId::new(terminal, 100 + u64::from(terminal))
}

/// The recovery kit of every store here.
pub const KIT: RecoveryKit = RecoveryKit::from_secret([5; 16]);

pub fn genesis(terminals: u16) -> Genesis {
    let voters = (1..=terminals).map(replica).collect();
    let recovery = Some(KIT.anchor());
    Genesis { store: StoreId([7; 16]), generation: StoreGeneration(0), voters, recovery }
}

pub fn config(terminal: u16, terminals: u16) -> Config {
    let mut config = Config::new(replica(terminal), genesis(terminals), u64::from(terminal));
    config.flush_interval = std::time::Duration::from_millis(50);
    config.exception_grace = std::time::Duration::from_millis(500);
    config
}

/// A terminal with its disk. Writes reach the disk when the test says so.
pub struct Till {
    pub config: Config,
    pub terminal: Terminal,
    pub disk: MemoryStore,
    /// Handed out and not yet written.
    pub unwritten: VecDeque<Persist>,
    pub replies: BTreeMap<RequestId, Result<Reply, Refusal>>,
    pub notices: Vec<Notice>,
    pub sent: Vec<(ReplicaId, ConnectionId, Vec<u8>)>,
    pub requests: Vec<(UplinkId, CloudRequest)>,
    /// Whether writes reach the disk at once.
    pub writing: bool,
    /// What a power cut leaves, where that is not what the disk says that it has.
    pub platter: Option<MemoryStore>,
    /// Whether the disk says that what it is given is durable, and it is not.
    pub lying: bool,
    /// What each basket that was begun comes to.
    totals: BTreeMap<BasketId, i64>,
    next_request: u64,
}

impl Till {
    pub fn new(terminal: u16, terminals: u16, now: Now) -> Self {
        Self::open(config(terminal, terminals), MemoryStore::new(), now)
    }

    pub fn open(config: Config, disk: MemoryStore, now: Now) -> Self {
        let restored = Restored::from_store(&disk).unwrap();
        let terminal = Terminal::new(now, config.clone(), restored).unwrap();
        let mut till = Self {
            config,
            terminal,
            disk,
            unwritten: VecDeque::new(),
            replies: BTreeMap::new(),
            notices: Vec::new(),
            sent: Vec::new(),
            requests: Vec::new(),
            writing: true,
            platter: None,
            lying: false,
            totals: BTreeMap::new(),
            next_request: 0,
        };
        till.run(now);
        till
    }

    /// The power fails: what was not written is gone.
    pub fn crash(self, now: Now) -> Self {
        let disk = self.platter.unwrap_or(self.disk);
        Self { totals: self.totals, ..Self::open(self.config, disk, now) }
    }

    /// Does the terminal's duties until it has none.
    pub fn run(&mut self, now: Now) {
        loop {
            while let Some(output) = self.terminal.poll_output() {
                match output {
                    Output::Persist(persist) | Output::Write(persist) => self.unwritten.push_back(persist),
                    Output::Load(load) => {
                        let rows = self.disk.scan(load.space, &load.from, &load.to, load.max_bytes).unwrap();
                        self.terminal.handle(now, Input::Loaded(load.id, rows));
                    }
                    Output::Transmit { to, connection, frame } => self.sent.push((to, connection, frame)),
                    Output::Uplink(id, request) => self.requests.push((id, request)),
                    Output::Reply(request, reply) => {
                        assert!(
                            self.replies.insert(request, reply).is_none(),
                            "{request:?} was answered twice"
                        );
                    }
                    Output::Notice(notice) => self.notices.push(notice),
                }
            }
            if !self.writing || !self.write_one(now) {
                return;
            }
        }
    }

    pub fn write_one(&mut self, now: Now) -> bool {
        let Some(persist) = self.unwritten.pop_front() else { return false };
        if self.lying && self.platter.is_none() {
            self.platter = Some(self.disk.clone());
        }
        self.disk.commit(std::slice::from_ref(&persist)).unwrap();
        if let Some(platter) = self.platter.as_mut().filter(|_| !self.lying) {
            platter.commit(std::slice::from_ref(&persist)).unwrap();
        }
        self.terminal.handle(now, Input::Persisted(persist.id));
        true
    }

    pub fn request(&mut self) -> RequestId {
        self.next_request += 1;
        RequestId(self.next_request)
    }

    pub fn begin(&mut self, now: Now, draft: Draft) -> Result<u64, Refusal> {
        let (request, basket) = (self.request(), draft.basket);
        self.terminal.begin(now, request, draft)?;
        self.run(now);
        match self.replies.remove(&request).expect("begun and durable")? {
            Reply::Begun { number, total } => {
                self.totals.insert(basket, total);
                Ok(number)
            }
            other => panic!("{other:?}"),
        }
    }

    /// The receipt, and whether it was one of before.
    pub fn commit(&mut self, now: Now, basket: u8, key: u8) -> Result<(Receipt, bool), Refusal> {
        let request = self.ask_commit(now, basket, key)?;
        self.run(now);
        match self.replies.remove(&request).expect("committed and durable")? {
            Reply::Committed { receipt, repeated } => Ok((receipt, repeated)),
            other => panic!("{other:?}"),
        }
    }

    pub fn ask_commit(&mut self, now: Now, basket: u8, key: u8) -> Result<RequestId, Refusal> {
        let (request, basket) = (self.request(), BasketId([basket; 16]));
        let total = self.totals.get(&basket).copied().unwrap_or(100);
        let commit = Commit { basket, key: IdempotencyKey([key; 16]), tenders: Tender::cash(total).into() };
        self.terminal.commit(now, request, commit)?;
        Ok(request)
    }

    /// A basket that was begun elsewhere comes to this.
    pub fn knows_total(&mut self, basket: BasketId, total: i64) {
        self.totals.insert(basket, total);
    }

    pub fn sell(&mut self, now: Now, basket: u8, lines: Vec<Line>) -> Receipt {
        self.begin(now, draft(basket, lines)).unwrap();
        self.commit(now, basket, basket).unwrap().0
    }

    /// A counter's value, also of a line that was sold and has no row.
    pub fn counter(&mut self, now: Now, row: &edgepos::model::CounterRow) -> Option<i64> {
        let request = self.request();
        self.terminal.ask_counter(now, request, row.clone()).unwrap();
        self.run(now);
        match self.replies.remove(&request).expect("read").unwrap() {
            Reply::Counter(value) => value,
            other => panic!("{other:?}"),
        }
    }

    pub fn record(&mut self, now: Now, record: Record) -> Result<edgepos::core::EventId, Refusal> {
        let request = self.request();
        self.terminal.record(now, request, record)?;
        self.run(now);
        match self.replies.remove(&request).expect("recorded and durable")? {
            Reply::Recorded(id) => Ok(id),
            other => panic!("{other:?}"),
        }
    }

    /// Asks the store to resolve something; `None` until it has decided.
    pub fn resolve(&mut self, now: Now, call: &Resolve) -> Result<RequestId, Refusal> {
        let request = self.request();
        self.terminal.resolve(now, request, call).map(|()| request)
    }

    /// What a call came to; panics where that is not known yet.
    pub fn resolved(&mut self, request: RequestId) -> Result<Resolution, Refusal> {
        match self.replies.remove(&request).expect("decided and durable")? {
            Reply::Resolved(resolution) => Ok(*resolution),
            other => panic!("{other:?}"),
        }
    }

    /// The event that booked this terminal's receipt of this number.
    pub fn sell_id(&self, number: u64) -> EventId {
        let is_sale =
            |(_, envelope): &(EventId, Envelope)| envelope.kind == edgepos::model::Kind::TRANSACTION;
        let mut sales = envelopes(&self.disk).into_iter().filter(is_sale).map(|(id, _)| id);
        sales.nth(number as usize - 1).unwrap()
    }

    pub fn rows(&self, space: Space) -> usize {
        self.disk.scan(space, &[], &[255; 64], u32::MAX).unwrap().len()
    }
}

pub fn line(no: u16, product: &str, quantity: i64, amount: i64) -> Line {
    Line { no, product: product.into(), quantity, amount, ..Line::default() }
}

/// A price in euro on the list that all have.
pub fn price(product: &str, amount: i64) -> PriceSet {
    PriceSet {
        product: product.into(),
        list: 0,
        amount,
        currency: Currency::EUR,
        tax_included: true,
        valid_from: None,
        valid_to: None,
        version: None,
    }
}

pub fn draft(basket: u8, lines: Vec<Line>) -> Draft {
    Draft::sale(BasketId([basket; 16]), Currency::EUR, lines)
}

/// Takes back `quantity` of line `no` of the receipt of basket `sold`.
pub fn back(sold: u8, no: u16, product: &str, quantity: i64) -> Line {
    let original = edgepos::model::OriginalLine { basket: BasketId([sold; 16]), line: no };
    Line { original: Some(original), ..line(1, product, -quantity, -100 * quantity) }
}

/// The events that a disk has and that can be read, by rising id.
pub fn envelopes(disk: &MemoryStore) -> Vec<(EventId, Envelope)> {
    let rows = disk.scan(Space::Event, &[], &[255; 64], u32::MAX).expect("memory");
    let read = |(key, value): &(Vec<u8>, Vec<u8>)| {
        let (record, _) = EventRecord::from_row(key, value)?;
        Some((record.id, Envelope::decode(&record.payload).ok()?))
    };
    rows.iter().filter_map(read).collect()
}

/// Several tills and the links between them.
pub struct Shop {
    pub tills: Vec<Till>,
    pub now: Now,
    /// The cloud, where the shop has one and it answers.
    pub cloud: Option<Cloud>,
    /// By how many ms the clock of a till is ahead.
    pub ahead: BTreeMap<usize, i64>,
    links: BTreeMap<(usize, usize), ConnectionId>,
    next_connection: u64,
}

impl Shop {
    pub fn new(terminals: u16) -> Self {
        Self::with(terminals, |_| ())
    }

    /// The same with what the terminals are told changed.
    pub fn with(terminals: u16, change: impl Fn(&mut Config)) -> Self {
        let now = Now::new(1_000, WALL);
        let open = |terminal| {
            let mut config = config(terminal, terminals);
            change(&mut config);
            Till::open(config, MemoryStore::new(), now)
        };
        let tills = (1..=terminals).map(open).collect();
        let mut shop = Self {
            tills,
            now,
            cloud: None,
            ahead: BTreeMap::new(),
            links: BTreeMap::new(),
            next_connection: 0,
        };
        shop.heal();
        shop
    }

    /// What the clocks of a till show.
    pub fn now_of(&self, till: usize) -> Now {
        let ahead = self.ahead.get(&till).copied().unwrap_or(0);
        Now::new(self.now.mono.0, self.now.wall.0.saturating_add_signed(ahead))
    }

    /// Connects all that are not.
    pub fn heal(&mut self) {
        self.heal_but(&[]);
    }

    /// The same without these. Who has the name of another is never connected to it.
    pub fn heal_but(&mut self, off: &[usize]) {
        for a in 0..self.tills.len() {
            for b in a + 1..self.tills.len() {
                let apart = off.contains(&a) || off.contains(&b);
                let same = self.tills[a].config.me == self.tills[b].config.me;
                if !apart && !same && !self.links.contains_key(&(a, b)) {
                    self.next_connection += 1;
                    let connection = ConnectionId(self.next_connection);
                    self.links.insert((a, b), connection);
                    for (till, peer) in [(a, b), (b, a)] {
                        let (now, peer) = (self.now_of(till), self.tills[peer].config.me);
                        self.tills[till].terminal.handle(now, Input::PeerUp(peer, connection));
                    }
                }
            }
        }
    }

    /// Cuts `till` off from all others.
    pub fn cut(&mut self, till: usize) {
        let gone: Vec<_> = self.links.keys().copied().filter(|(a, b)| *a == till || *b == till).collect();
        for (a, b) in gone {
            let connection = self.links.remove(&(a, b)).unwrap();
            for (till, peer) in [(a, b), (b, a)] {
                let (now, peer) = (self.now_of(till), self.tills[peer].config.me);
                self.tills[till].terminal.handle(now, Input::PeerLost(peer, connection));
            }
        }
    }

    /// Puts `disk` into the till, which starts anew; `start` tells one start from another.
    pub fn put_back(&mut self, till: usize, disk: MemoryStore, start: u64) {
        self.cut(till);
        drop(self.tills.remove(till));
        let mut config = config(till as u16 + 1, self.tills.len() as u16 + 1);
        config.nonce = start;
        let opened = Till::open(config, disk, self.now);
        self.tills.insert(till, opened);
    }

    /// The till sells a bottle of milk.
    pub fn sell_milk(&mut self, till: usize, basket: u8) -> Receipt {
        let now = self.now;
        self.tills[till].sell(now, basket, vec![line(1, "milk", 1, 100)])
    }

    /// Till `owner` sells a bottle that all hear, then those of `first` that till `a` alone hears. It is put back to before those and sells
    /// those of `second`, which till `b` alone hears. `between` goes before it is put back. Its disks: of before, and with the first.
    pub fn two_histories(
        &mut self,
        [owner, a, b]: [usize; 3],
        [first, second]: [Range<u8>; 2],
        between: impl FnOnce(&mut Self),
    ) -> [MemoryStore; 2] {
        self.elect();
        self.sell_milk(owner, 1);
        self.pass(500);
        let image = self.tills[owner].disk.clone();
        self.cut(b);
        first.for_each(|basket| drop(self.sell_milk(owner, basket)));
        self.pass(1_000);
        between(self);
        let sold = self.tills[owner].disk.clone();
        self.put_back(owner, image.clone(), 7);
        self.heal();
        self.cut(a);
        self.pass_by(3_000, 5);
        second.for_each(|basket| drop(self.sell_milk(owner, basket)));
        self.pass(2_000);
        [image, sold]
    }

    pub fn crash(&mut self, till: usize) {
        self.cut(till);
        let crashed = self.tills.remove(till);
        self.tills.insert(till, crashed.crash(self.now));
    }

    /// Lets `ms` milliseconds pass, with every message delivered in the millisecond in which it is sent.
    pub fn pass(&mut self, ms: u64) {
        self.pass_by(ms, 1);
    }

    /// The same in steps of so many milliseconds: for times in which little happens.
    pub fn pass_by(&mut self, ms: u64, step: u64) {
        for _ in 0..ms / step {
            self.now = Now::new(self.now.mono.0 + step, self.now.wall.0 + step);
            for till in 0..self.tills.len() {
                let (now, till) = (self.now_of(till), &mut self.tills[till]);
                if till.terminal.poll_timeout().is_some_and(|deadline| deadline <= now.mono) {
                    till.terminal.handle(now, Input::Timeout);
                }
            }
            self.deliver();
        }
    }

    pub fn deliver(&mut self) {
        loop {
            let mut quiet = true;
            for from in 0..self.tills.len() {
                let now = self.now_of(from);
                self.tills[from].run(now);
                for (id, request) in std::mem::take(&mut self.tills[from].requests) {
                    if let Some(cloud) = &mut self.cloud {
                        quiet = false;
                        let reply = Ok(cloud.answer(self.now.wall, &request));
                        self.tills[from].terminal.handle(now, Input::Uplink(id, reply));
                    }
                }
                for (to, connection, frame) in std::mem::take(&mut self.tills[from].sent) {
                    quiet = false;
                    let link = self.links.iter().find(|(_, known)| **known == connection);
                    let Some((&(a, b), _)) = link else { continue };
                    let at = if a == from { b } else { a };
                    assert_eq!(self.tills[at].config.me, to);
                    let (now, me) = (self.now_of(at), self.tills[from].config.me);
                    self.tills[at].terminal.handle(now, Input::Frame(me, connection, frame));
                }
            }
            if quiet {
                return;
            }
        }
    }

    /// Waits for a leader that hears a majority.
    pub fn elect(&mut self) -> usize {
        for _ in 0..100 {
            self.pass(100);
            if let Some(leader) = self.tills.iter().position(|till| till.terminal.status().entitled) {
                return leader;
            }
        }
        panic!("no leader within 10 s");
    }
}

/// What a test answers in the cloud's place; `None`: nothing.
pub type Answer<'a> = dyn FnMut(&CloudRequest) -> Option<Result<CloudReply, UplinkError>> + 'a;

/// A till on its own, whose cloud answers as it is said.
pub fn with_cloud(till: &mut Till, now: &mut Now, ms: u64, answer: &mut Answer<'_>) {
    for _ in 0..ms / 10 {
        *now = Now::new(now.mono.0 + 10, now.wall.0 + 10);
        till.terminal.handle(*now, Input::Timeout);
        till.run(*now);
        for (id, request) in std::mem::take(&mut till.requests) {
            if let Some(reply) = answer(&request) {
                till.terminal.handle(*now, Input::Uplink(id, reply));
                till.run(*now);
            }
        }
    }
}
