//! The sans-IO terminal: the election, the outbox and the store's state as one machine that owns the transaction.

mod config;
mod decide;
mod draft;
mod duties;
mod floors;
mod frame;
#[cfg(test)]
mod halted_election;
mod io;
mod news;
mod receive;
mod record;
mod restore;
mod sale;
mod state;
mod status;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

pub use config::{Config, ConfigError, Genesis};
use edgepos_consensus::{self as consensus, Election, Leader, MembershipError};
use edgepos_core::{ConnectionId, Now, ReplicaId, StoreGeneration, Time};
use edgepos_crdt::Clock;
use edgepos_sync::{self as sync, Outbox};
pub use frame::MAX_FRAME;
pub use io::{
    Commit, CounterValue, Draft, Event, Input, OpenBasket, Output, Receipt, Refusal, Reply, RequestId, Status,
};
pub use record::Record;
pub use restore::{RestoreError, Restored};

use crate::ports::Delivery;
use duties::Duties;
use floors::Floors;
use sale::Sales;
use state::State;

/// One terminal of a store.
///
/// The contract is the one of every engine ([`edgepos_core`]): call with a `now` that never goes back, drain
/// [`poll_output`](Self::poll_output), make each [`Output::Persist`] durable and tell it, sleep until
/// [`poll_timeout`](Self::poll_timeout). Whatever one call leads to becomes one `Persist`: a sale's event, its counter rows, its
/// chain head and its receipt number are on disk together or not at all.
///
/// ```
/// use edgepos::core::{IdempotencyKey, Now, ReplicaId, StoreGeneration, StoreId};
/// use edgepos::model::{BasketId, Currency, Line, Tender};
/// use edgepos::{Commit, Config, Draft, Genesis, Input, MemoryStore, Output, Reply, RequestId, Restored, Store, Terminal};
///
/// let me = ReplicaId::new(1, 42);
/// let genesis = Genesis { store: StoreId([1; 16]), generation: StoreGeneration(0), voters: vec![me], recovery: None };
/// let now = Now::new(0, 1_700_000_000_000);
/// let mut store = MemoryStore::new();
/// let mut terminal = Terminal::new(now, Config::new(me, genesis, 7), Restored::new())?;
///
/// let mut replies = Vec::new();
/// let mut run = |terminal: &mut Terminal| {
///     while let Some(output) = terminal.poll_output() {
///         match output {
///             Output::Persist(persist) => {
///                 store.commit(std::slice::from_ref(&persist)).expect("memory does not fail");
///                 terminal.handle(now, Input::Persisted(persist.id));
///             }
///             Output::Load(load) => {
///                 let rows = store.scan(load.space, &load.from, &load.to, load.max_bytes).expect("memory does not fail");
///                 terminal.handle(now, Input::Loaded(load.id, rows));
///             }
///             Output::Reply(_, reply) => replies.push(reply),
///             Output::Transmit { .. } | Output::Uplink(..) | Output::Event(_) => {}
///         }
///     }
/// };
///
/// let basket = BasketId([9; 16]);
/// let milk = Line { no: 1, product: "milk".into(), quantity: 2, amount: 258, ..Line::default() };
/// terminal.begin(now, RequestId(1), Draft::sale(basket, Currency::EUR, vec![milk]))?;
/// run(&mut terminal);
/// let commit = Commit { basket, key: IdempotencyKey([3; 16]), tenders: Tender::cash(258).into() };
/// terminal.commit(now, RequestId(2), commit)?;
/// run(&mut terminal);
///
/// assert_eq!(replies[0], Ok(Reply::Begun { number: 1, total: 258 }));
/// assert!(matches!(&replies[1], Ok(Reply::Committed { receipt, repeated: false }) if receipt.number == 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Terminal {
    config: Config,
    election: Election,
    outbox: Outbox,
    clock: Clock,
    state: State,
    sales: Sales,
    floors: Floors,
    /// The newest connection to each peer.
    peers: BTreeMap<ReplicaId, ConnectionId>,
    /// The last business day that this terminal opened, and whether it is still open.
    day: Option<(u32, bool)>,
    /// What the outbox was last told about the leader.
    told_leader: (Option<Leader>, bool),
    duties: Duties,
    news: VecDeque<Event>,
    stopped: Option<String>,
}

impl Terminal {
    /// Starts from what the store holds: [`Restored::from_store`], or nothing on the first start.
    ///
    /// # Errors
    /// When the disk belongs to another terminal or store, or a value of `config` is out of its bounds.
    pub fn new(now: Now, config: Config, restored: Restored) -> Result<Self, ConfigError> {
        check(&config)?;
        let Restored { identity, election, outbox, state, sales, clock, day } = restored;
        let mut duties = Duties::default();
        restore::check_identity(&config, identity, &mut duties)?;
        let mut election_config =
            consensus::Config::standard(config.me, config.genesis.voters.clone(), config.seed);
        election_config.timing = config.timing.clone();
        election_config.lossy_transport = config.delivery == Delivery::Lossy;
        election_config.joins = !config.genesis.voters.contains(&config.me);
        election_config.store = config.genesis.store;
        election_config.generation = config.genesis.generation;
        let election = Election::new(now, election_config, election).map_err(ConfigError::Election)?;
        let mut outbox_config = sync::Config::standard(config.genesis.store, config.me, config.seed);
        outbox_config.generation = config.genesis.generation;
        outbox_config.flush_interval = config.flush_interval;
        outbox_config.peak_flush_interval = config.peak_flush_interval;
        outbox_config.max_peers = config.max_peers.saturating_mul(2);
        let outbox = Outbox::new(now, outbox_config, outbox).map_err(ConfigError::Outbox)?;
        let mut terminal = Self {
            election,
            outbox,
            clock: Clock::new(clock),
            state,
            sales,
            floors: Floors::default(),
            peers: BTreeMap::new(),
            day,
            told_leader: (None, false),
            duties,
            news: VecDeque::new(),
            stopped: None,
            config,
        };
        for item in terminal.state.counters.all_below_floor() {
            terminal.floors.note(now.mono, item, true);
        }
        terminal.settle(now);
        Ok(terminal)
    }

    /// The world did something. Never fails; input that makes no sense is dropped and counted in an [`Event::Refused`].
    pub fn handle(&mut self, now: Now, input: Input) {
        if self.stopped.is_some() {
            return;
        }
        match input {
            Input::Timeout => {
                self.election.handle(now, consensus::Input::Timeout);
                self.outbox.handle(now, sync::Input::Timeout);
            }
            Input::Persisted(id) => self.persisted(now, id),
            Input::Loaded(id, rows) => self.loaded(now, id, rows),
            Input::PeerUp(peer, connection) => self.peer_up(now, peer, connection),
            Input::PeerLost(peer, connection) => self.peer_lost(now, peer, connection),
            Input::Frame(peer, connection, bytes) => self.frame(now, peer, connection, &bytes),
            Input::Uplink(id, reply) => self.outbox.handle(now, sync::Input::Uplink(id, reply)),
        }
        self.settle(now);
    }

    /// Sends what waits for company at once, to peers and to the cloud.
    pub fn flush(&mut self, now: Now) {
        if self.stopped.is_none() {
            self.outbox.flush(now);
            self.settle(now);
        }
    }

    /// Hands the leadership to the follower that is furthest. Nothing happens where this terminal does not lead.
    pub fn step_down(&mut self, now: Now) {
        if self.stopped.is_none() && self.election.step_down(now).is_ok() {
            self.settle(now);
        }
    }

    /// Lets another incarnation take part in what the store decides: see [`Election::admit`]. It sells and syncs without.
    ///
    /// # Errors
    /// When this terminal is not the entitled leader, or the other can not be admitted.
    pub fn admit(&mut self, now: Now, replica: ReplicaId) -> Result<(), MembershipError> {
        let admitted = self.election.admit(now, replica);
        self.settle(now);
        admitted
    }

    /// Takes an incarnation out of what the store decides, for good: see [`Election::retire`].
    ///
    /// # Errors
    /// When this terminal is not the entitled leader, or the other can not be retired.
    pub fn retire(&mut self, now: Now, replica: ReplicaId) -> Result<(), MembershipError> {
        let retired = self.election.retire(now, replica);
        self.settle(now);
        retired
    }

    /// The store failed: nothing is done any more, and each request is refused with this reason. Recovery is a restart.
    pub fn stop(&mut self, reason: String) {
        let mut requests: Vec<RequestId> = self.duties.waiting().collect();
        requests.extend(self.sales.drain_requests());
        self.duties.clear();
        for request in requests {
            self.duties.reply(request, Err(Refusal::Stopped(reason.clone())));
        }
        self.stopped.get_or_insert(reason);
    }

    /// Whether [`stop`](Self::stop) was called.
    pub fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    /// The next duty. Drain until `None` after each call.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.duties.poll().or_else(|| self.news.pop_front().map(Output::Event))
    }

    /// When to call with [`Input::Timeout`], unless something happens before. `None`: no deadline.
    pub fn poll_timeout(&self) -> Option<Time> {
        if self.stopped.is_some() {
            return None;
        }
        let floors =
            if self.election.entitled() { self.floors.next(self.config.exception_grace) } else { None };
        [self.election.poll_timeout(), self.outbox.poll_timeout(), floors].into_iter().flatten().min()
    }

    /// Does what the children ask until they are quiet, then hands their writes out as one.
    fn settle(&mut self, now: Now) {
        loop {
            let mut quiet = true;
            while let Some(output) = self.election.poll_output() {
                quiet = false;
                self.do_election(now, output);
            }
            while let Some(output) = self.outbox.poll_output() {
                quiet = false;
                self.do_outbox(now, output);
            }
            quiet &= !self.tell_leader(now);
            quiet &= !self.raise_exceptions(now);
            if quiet {
                break;
            }
        }
        if let Some(ceiling) =
            self.duties.has_writes().then(|| self.clock.ceiling_to_persist(now.wall)).flatten()
        {
            self.duties.write(restore::clock_row(ceiling));
        }
        self.duties.seal();
    }

    fn generation(&self) -> StoreGeneration {
        self.config.genesis.generation
    }

    fn tell(&mut self, event: Event) {
        // News may be dropped: a caller that never drains must not cost memory.
        const MAX_NEWS: usize = 4_096;
        if self.news.len() < MAX_NEWS {
            self.news.push_back(event);
        }
    }
}

/// Who it is; its contents are a store's and do not belong into a log line.
impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminal")
            .field("me", &self.config.me)
            .field("stopped", &self.stopped)
            .finish_non_exhaustive()
    }
}

fn check(config: &Config) -> Result<(), ConfigError> {
    let bounds =
        |ok: bool, field, bounds| if ok { Ok(()) } else { Err(ConfigError::Bounds { field, bounds }) };
    let flush = config.flush_interval.as_millis();
    bounds((10..=3_600_000).contains(&flush), "flush_interval", "10 ms to 1 h")?;
    let peak = config.peak_flush_interval.as_millis();
    bounds((flush..=3_600_000).contains(&peak), "peak_flush_interval", "flush_interval to 1 h")?;
    bounds(config.exception_grace.as_secs() <= 3_600, "exception_grace", "at most 1 h")?;
    bounds((1..=100_000).contains(&config.max_open_baskets), "max_open_baskets", "1 to 100,000")?;
    bounds((1..=100_000).contains(&config.max_commits), "max_commits", "1 to 100,000")?;
    bounds((1..=1_000).contains(&config.max_peers), "max_peers", "1 to 1,000")?;
    bounds(!config.me.is_store() && config.me.terminal() != 0, "me", "a terminal's number from 1 on")
}
