//! One device of a small world: a terminal or none, its disk, and the history that says in which state it is.

use std::collections::VecDeque;

use edgepos::model::BasketId;
use edgepos::{
    Config, Genesis, Input, MemoryStore, OpenBasket, Output, Refusal, ReplaceError, RequestId, Restored,
    Status, Store, Terminal,
};
use edgepos_core::{
    EventId, Load, Now, Persist, PersistId, ReplicaId, Space, StoreGeneration, StoreId, Time,
};
use edgepos_sync::{CloudRequest, EventRecord, Hash, UplinkId};
use sha2::{Digest, Sha256};

use super::setup::config;
use super::tills::OnDisk;
use crate::check::{Rule, TerminalView, Violation};
use crate::errand::Ask;
use crate::goods::products;
use crate::moments::Moment;

/// A device with whatever runs on it.
pub(super) struct Device {
    config: Config,
    terminal: Option<Terminal>,
    disk: MemoryStore,
    /// Written, and not reported yet.
    pending: VecDeque<Persist>,
    /// What it asks the cloud, oldest first.
    requests: VecDeque<(UplinkId, CloudRequest)>,
    /// Everything that it was told since the world began, in a hash.
    history: [u8; 32],
    /// Whether somebody has to find it and switch it on first.
    is_gone: bool,
    /// How often its disk has changed.
    writes: u64,
    /// By how many ms its clock is ahead.
    ahead_ms: u64,
}

impl Device {
    pub(super) fn new(config: Config) -> Self {
        Self {
            config,
            terminal: None,
            disk: MemoryStore::new(),
            pending: VecDeque::new(),
            requests: VecDeque::new(),
            history: [0; 32],
            is_gone: false,
            writes: 0,
            ahead_ms: 0,
        }
    }

    /// The devices of a store of so many terminals, all of them voters.
    pub(super) fn all(terminals: usize) -> Vec<Self> {
        let number = |number: u16| ReplicaId::new(number, 0xA0 + u64::from(number));
        let voters: Vec<ReplicaId> = (1..=terminals as u16).map(number).collect();
        let (store, generation) = (StoreId([7; 16]), StoreGeneration(0));
        let genesis = Genesis { store, generation, voters: voters.clone(), recovery: None };
        voters.into_iter().map(|replica| Self::new(config(replica, genesis.clone()))).collect()
    }

    /// Another box of its number, with a disk of its own.
    pub(super) fn another(&self, nonce: u64) -> Self {
        let me = ReplicaId::new(self.config.me.terminal(), nonce);
        Self::new(config(me, self.config.genesis.clone()))
    }

    /// Another box with a copy of the disk as it is, under the same name. Each start of a real one draws another nonce.
    pub(super) fn copy(&self) -> Self {
        let mut copy = Self { disk: self.disk.clone(), ..Self::new(self.config.clone()) };
        copy.config.nonce = self.config.nonce.wrapping_add(1_000);
        copy
    }

    /// It dies and is carried off.
    pub(super) fn goes(&mut self, now: Now) {
        self.die(now, true);
        self.is_gone = true;
    }

    /// Somebody has taken an image of its disk as it is.
    pub(super) fn was_copied(&mut self, now: Now) {
        self.remember(now, b"image");
    }

    /// Somebody sets its clock forward by this.
    pub(super) fn set_clock(&mut self, now: Now, ahead_ms: u64) {
        self.ahead_ms = ahead_ms;
        self.remember(now, b"clock");
    }

    /// What its own clock shows.
    fn here(&self, now: Now) -> Now {
        Now::new(now.mono.0, now.wall.0 + self.ahead_ms)
    }

    /// Somebody has found it.
    pub(super) fn returns(&mut self, now: Now) {
        self.is_gone = false;
        self.remember(now, b"found");
    }

    pub(super) fn is_gone(&self) -> bool {
        self.is_gone
    }

    /// The name that it was set up as.
    pub(super) fn me(&self) -> ReplicaId {
        self.config.me
    }

    pub(super) fn history(&self) -> [u8; 32] {
        self.history
    }

    pub(super) fn is_on(&self) -> bool {
        self.terminal.is_some()
    }

    pub(super) fn has_stopped(&self) -> bool {
        self.terminal.as_ref().is_some_and(Terminal::is_stopped)
    }

    pub(super) fn is_writing(&self) -> bool {
        !self.pending.is_empty()
    }

    pub(super) fn status(&self) -> Option<Status> {
        self.terminal.as_ref().map(Terminal::status)
    }

    pub(super) fn disk(&self) -> &MemoryStore {
        &self.disk
    }

    pub(super) fn writes(&self) -> u64 {
        self.writes
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.terminal.as_ref()?.poll_timeout()
    }

    /// Starts from the disk: the baskets that are open then.
    ///
    /// # Errors
    /// When the terminal cannot start.
    pub(super) fn start(&mut self, now: Now) -> Result<Vec<OpenBasket>, Violation> {
        let cannot = |error: &dyn std::fmt::Display| {
            Violation::new(Rule::Alive, format!("{} cannot start: {error}", self.config.me))
        };
        let restored = Restored::from_store(&self.disk).map_err(|error| cannot(&error))?;
        let terminal =
            Terminal::new(self.here(now), self.config.clone(), restored).map_err(|error| cannot(&error))?;
        let open = terminal.unresolved();
        self.terminal = Some(terminal);
        self.remember(now, b"start");
        Ok(open)
    }

    /// The process is gone.
    pub(super) fn die(&mut self, now: Now, kept: bool) {
        if kept {
            self.flush();
        }
        self.pending.clear();
        self.requests.clear();
        self.terminal = None;
        self.remember(now, if kept { b"dies" } else { b"lost" });
    }

    /// The disk goes for an older image, while the device is off. Each start of a real one draws another nonce.
    pub(super) fn put_back(&mut self, now: Now, image: MemoryStore) {
        self.disk = image;
        self.writes += 1;
        self.config.nonce = self.config.nonce.wrapping_add(1);
        self.remember(now, b"back");
    }

    pub(super) fn write(&mut self, persist: Persist) {
        self.pending.push_back(persist);
    }

    /// All that was written is on the disk. Which of it must be reported.
    pub(super) fn flush(&mut self) -> Vec<PersistId> {
        let group: Vec<Persist> = self.pending.drain(..).collect();
        self.writes += 1;
        self.disk.commit(&group).expect("a store in memory does not fail");
        group.into_iter().map(|persist| persist.id).collect()
    }

    /// What a read finds.
    pub(super) fn read(&self, load: &Load) -> edgepos::Rows {
        let found = self.disk.scan(load.space, &load.from, &load.to, load.max_bytes);
        found.expect("a store in memory does not fail")
    }

    /// The hash of its chain at an event on its disk.
    fn hash_at(&self, id: EventId) -> Option<Hash> {
        let key = id.to_key();
        let rows = self.disk.scan(Space::Event, &key, &key, u32::MAX).ok()?;
        rows.iter().find_map(|(key, value)| EventRecord::from_row(key, value)).map(|(_, hash)| hash)
    }

    /// What is on its disk of an event and of a basket.
    pub(super) fn holds(&self, event: EventId, basket: BasketId) -> OnDisk {
        let row = self.disk.scan(Space::Basket, &basket.0, &basket.0, u32::MAX);
        OnDisk { hash: self.hash_at(event), is_open: row.is_ok_and(|rows| !rows.is_empty()) }
    }

    pub(super) fn asks_cloud(&mut self, id: UplinkId, request: CloudRequest) {
        self.requests.push_back((id, request));
    }

    pub(super) fn has_request(&self) -> bool {
        !self.requests.is_empty()
    }

    /// The oldest of what it asks the cloud.
    pub(super) fn request(&mut self) -> Option<(UplinkId, CloudRequest)> {
        self.requests.pop_front()
    }

    pub(super) fn tell(&mut self, now: Now, input: Input) {
        match &input {
            Input::Frame(from, _, frame) => {
                self.remember(now, format!("frame {from}").as_bytes());
                self.remember(now, frame);
            }
            other => self.remember(now, format!("{other:?}").as_bytes()),
        }
        let now = self.here(now);
        if let Some(terminal) = &mut self.terminal {
            terminal.handle(now, input);
        }
    }

    /// A till asks.
    ///
    /// # Errors
    /// When the terminal refuses at once.
    pub(super) fn ask(&mut self, now: Now, id: RequestId, ask: Ask) -> Result<(), Refusal> {
        self.remember(now, format!("{ask:?}").as_bytes());
        let now = self.here(now);
        let Some(terminal) = &mut self.terminal else { return Ok(()) };
        match ask {
            Ask::Begin(draft) => terminal.begin(now, id, draft),
            Ask::Commit(commit) => terminal.commit(now, id, commit),
            Ask::Abandon(basket) => terminal.abandon(now, id, basket),
            Ask::Record(record) | Ask::Payment(record) => terminal.record(now, id, record),
            Ask::Resolve(call) => terminal.resolve(now, id, &call),
            Ask::Beside(beside) => beside.ask(terminal, now, id),
        }
    }

    /// An operator says that another box takes the place of the terminal of this number.
    ///
    /// # Errors
    /// When the terminal cannot have that decided now.
    pub(super) fn replace(&mut self, now: Now, number: u16, planned: bool) -> Result<(), ReplaceError> {
        self.remember(now, b"replace");
        let now = self.here(now);
        let Some(terminal) = &mut self.terminal else {
            return Err(ReplaceError::NoSuchTerminal { terminal: number });
        };
        terminal.replace(now, number, planned)
    }

    pub(super) fn poll_output(&mut self) -> Option<Output> {
        self.terminal.as_mut()?.poll_output()
    }

    /// Whether something is open here about which the resolver has said something.
    pub(super) fn has_exception(&self) -> bool {
        let open = self.terminal.iter().flat_map(|terminal| terminal.open_exceptions(None));
        open.into_iter().any(|open| open.proposed.is_some())
    }

    /// What the checkers see; `None` while it is off.
    ///
    /// # Errors
    /// When its disk holds a row that cannot be read.
    pub(super) fn view(&self) -> Option<Result<TerminalView, Violation>> {
        let view = TerminalView::of(self.terminal.as_ref()?, &self.disk, products(), Moment::default());
        Some(view.map_err(|error| Violation::new(Rule::Alive, format!("{}: {error}", self.config.me))))
    }

    fn remember(&mut self, now: Now, what: &[u8]) {
        let mut hash = Sha256::new();
        hash.update(self.history);
        hash.update(now.mono.0.to_le_bytes());
        hash.update(what);
        self.history = hash.finalize().into();
    }
}
