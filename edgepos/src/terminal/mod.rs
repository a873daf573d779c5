//! The sans-IO terminal: the election, the event log and the rooms of the shop as one machine that owns the transaction.
//!
//! Two roads lead through it. A message goes from the frame to the engine that it is for. An event goes into the
//! [ledger](ledger), whoever made it, and the [shop](Shop) interprets it once it has its place.

mod clocks;
mod condition;
pub(crate) mod config;
mod deciding;
pub(crate) mod derivation;
mod diagnosis;
pub(crate) mod disk;
mod findings;
mod frame;
#[cfg(test)]
mod halted_election;
mod holders;
pub(crate) mod io;
pub(crate) mod ledger;
pub(crate) mod level;
mod links;
mod proposing;
pub(crate) mod refusal;
mod reissue;
mod replacing;
pub(crate) mod restore;
pub(crate) mod signing;
mod status;
pub(crate) mod turn;
pub(crate) mod unit_of_work;
mod unsent;

use edgepos_consensus::{self as consensus, Election, MembershipError};
use edgepos_core::{EventId, LoadId, Now, PersistId, ReplicaId, Time};
use edgepos_crdt::VersionVector;
use edgepos_sync::{self as sync, Outbox};
use std::fmt;

pub use self::{
    clocks::CLOCK_GUARD, condition::Condition, condition::ConditionKind, condition::Finding,
    condition::MAX_ABOUT, config::BusinessDayOf, config::Config, config::ConfigError, config::Genesis,
    config::NumberAt, config::OldEvents, diagnosis::Diagnosis, diagnosis::Dropped, diagnosis::PeerDiagnosis,
    disk::Disk, frame::MAX_FRAME, io::Input, io::MAX_PAGE, io::Notice, io::Output, io::Reply, io::RequestId,
    level::LevelError, refusal::Refusal, replacing::ReplaceError, restore::RestoreError, restore::Restored,
    restore::RowError, status::Status,
};
use self::{
    clocks::Clocks, condition::Conditions, deciding::Concerned, findings::Seen, ledger::Ledger,
    level::Levels, links::Links, reissue::InReissue, reissue::Lent, replacing::Replacing, status::Known,
    turn::Turn, unit_of_work::LoadFor, unit_of_work::UnitOfWork,
};
use crate::model::{BasketId, Counter, CounterRow, CustomerKey, ExceptionRaised, PriceSet, ProductSet};
use crate::retail::exception::{open::OpenException, resolution::Resolve, resolutions::AuditEntry};
use crate::retail::sale::{draft::Draft, receipt::Commit, unresolved::OpenBasket};
use crate::retail::{calls::Call, counters::CounterValue, payment::OpenPayment, record::Record, shop::Shop};
use crate::{history::durability::Durability, ports::Rows};

/// What is asked is taken, or nothing is done.
type Asked = Result<(), Refusal>;

/// One terminal of a store.
///
/// The contract is the one of every engine ([`edgepos_core`]), and the [crate's page](crate) shows the loop. Whatever one call leads to
/// becomes one `Persist`: a sale's event, its chain head and its receipt number are on disk together or not at all.
pub struct Terminal {
    config: Config,
    links: Links,
    election: Election,
    ledger: Ledger,
    levels: Levels,
    replacing: Replacing,
    shop: Shop,
    clocks: Clocks,
    conditions: Conditions,
    out: UnitOfWork,
    disk: Disk,
    in_reissue: InReissue,
    stopped: Option<String>,
}

impl Terminal {
    /// Starts from what the store holds: [`Restored::from_store`], or nothing on the first start.
    /// # Errors
    /// When the disk belongs to another terminal or store, or a value of `config` is out of its bounds.
    pub fn new(now: Now, config: Config, restored: Restored) -> Result<Self, ConfigError> {
        config.check()?;
        let mut parts = restored.into_parts();
        // A new disk, or one of an earlier version, whose rows count every event: from here on they may lack some.
        let rows_are_complete = parts.shop.applied().is_none();
        let mut out = UnitOfWork::new(config.begin_pause);
        parts.identity.check(&config, &mut out)?;
        let election =
            Election::new(now, config.election(), parts.election).map_err(ConfigError::Election)?;
        let outbox = Outbox::new(now, config.outbox(), parts.outbox).map_err(ConfigError::Outbox)?;
        let (me, generation) = (config.me.terminal(), config.genesis.generation);
        let mut terminal = Self {
            links: Links::new(config.me, config.max_peers),
            election,
            ledger: Ledger::new(now, me, outbox, parts.clock, generation, parts.derivation),
            levels: parts.levels.born_at(parts.identity.born()),
            replacing: parts.replacing,
            shop: parts.shop,
            clocks: Clocks::default(),
            conditions: Conditions::default(),
            out,
            disk: Disk::default(),
            in_reissue: InReissue::on(parts.identity.is_copied()),
            stopped: None,
            config,
        };
        let Self { shop, ledger, out, config, .. } = &mut terminal;
        shop.start(now, config, ledger, out).map_err(ConfigError::Rows)?;
        if rows_are_complete || shop.uncounted().is_fresh() {
            shop.write_rows(ledger.held().clone(), out);
        }
        terminal.settle(now);
        Ok(terminal)
    }

    /// The world did something. Never fails; input that makes no sense is dropped and counted in an [`Notice::Refused`].
    pub fn handle(&mut self, now: Now, input: Input) {
        if self.stopped.is_some() {
            return;
        }
        // Who was frozen hears the world before its own timers: what it was promised is over by then.
        if matches!(input, Input::Timeout) || self.election.is_due(now.mono) {
            self.election.handle(now, consensus::Input::Timeout);
        }
        match input {
            Input::Timeout => {
                self.ledger.handle(now, sync::Input::Timeout);
                self.with_turn(now, |shop, turn| shop.desk().sign_later(turn));
            }
            Input::Persisted(id) => self.persisted(now, id),
            Input::Loaded(id, rows) => self.loaded(now, id, rows),
            Input::PeerUp(peer, connection) => {
                if peer == self.config.me {
                    self.ledger.met_itself(now, peer);
                } else if self.links.up(peer, connection) {
                    // The greeting goes first: who has not greeted is given no vote.
                    self.ledger.handle(now, sync::Input::PeerUp(peer, connection));
                    self.settle(now);
                    self.election.handle(now, consensus::Input::PeerUp(peer, connection));
                    self.out.tell(Notice::PeerConnected { peer });
                }
            }
            Input::PeerLost(peer, connection) => {
                if self.links.lost(peer, connection) {
                    self.election.handle(now, consensus::Input::PeerLost(peer, connection));
                    self.ledger.handle(now, sync::Input::PeerLost(peer, connection));
                    self.out.tell(Notice::PeerLost { peer });
                }
            }
            Input::Frame(peer, connection, bytes) if self.links.is_newest(peer, connection) => {
                let Self { election, ledger, shop, disk, out, .. } = self;
                frame::hand_in(now, (peer, connection, &bytes), election, ledger, shop, disk.is_full(), out);
            }
            Input::Frame(..) => {}
            Input::Disk(disk) => self.disk = disk,
            Input::CloudTime(wall) => self.clocks.heard_cloud(now, wall),
            Input::Uplink(id, reply) => self.ledger.handle(now, sync::Input::Uplink(id, reply)),
        }
        self.settle(now);
    }

    /// Opens a basket and reserves its receipt number, the same for a repeat. The reply is [`Reply::Begun`], once that is written.
    /// # Errors
    /// Whatever may be refused of a sale is refused here, before the customer pays; nothing was written then.
    pub fn begin(&mut self, now: Now, request: RequestId, draft: Draft) -> Result<(), Refusal> {
        self.call(now, request, Call::Begin(draft))
    }

    /// Changes an open basket as the cashier scans: `draft` is all of it, under the number that it has. The reply is [`Reply::Begun`].
    /// # Errors
    /// As [`begin`](Self::begin), when it is not open, and when it would be another document, series, currency or mode.
    pub fn update(&mut self, now: Now, request: RequestId, draft: Draft) -> Result<(), Refusal> {
        self.call(now, request, Call::Update(draft))
    }

    /// Books a paid basket; a repeat of the key, also after a crash, books nothing. The reply is [`Reply::Committed`], with the receipt.
    /// # Errors
    /// When too much is under way at once: nothing was written. A basket that is not open is refused in the reply.
    pub fn commit(&mut self, now: Now, request: RequestId, commit: Commit) -> Result<(), Refusal> {
        self.call(now, request, Call::Commit(commit))
    }

    /// Gives up an open basket, whose number is voided on record, or a parked one. The reply is [`Reply::Abandoned`].
    /// # Errors
    /// When the basket is being committed. One that is neither open nor parked is refused in the reply.
    pub fn abandon(&mut self, now: Now, request: RequestId, basket: BasketId) -> Result<(), Refusal> {
        self.call(now, request, Call::Abandon(basket))
    }

    /// Puts an open basket aside, for whichever till recalls it: its number is voided. The reply is [`Reply::Parked`].
    /// # Errors
    /// When it is being committed, or is a trainee's. One that is neither open nor parked is refused in the reply.
    pub fn park(&mut self, now: Now, request: RequestId, basket: BasketId) -> Result<(), Refusal> {
        self.call(now, request, Call::Park(basket))
    }

    /// Recalls a parked basket: it is open here, with a number of this terminal. The reply is [`Reply::Claimed`].
    /// # Errors
    /// When too much is open. One that is not parked, or that another till has recalled, is refused in the reply.
    pub fn claim(&mut self, now: Now, request: RequestId, basket: BasketId) -> Result<(), Refusal> {
        self.call(now, request, Call::Claim(basket))
    }

    /// Records an event that is no sale. The reply is [`Reply::Recorded`].
    /// # Errors
    /// When the event is over a limit, or the business day does not allow it; nothing was written then.
    pub fn record(&mut self, now: Now, request: RequestId, record: Record) -> Result<(), Refusal> {
        level::check_repair(&self.election, &record)?;
        self.clocks.guard(now, &self.config, &self.election, &self.ledger, &record)?;
        self.call(now, request, Call::Record(Box::new(record)))
    }

    /// Keeps the key to a customer's fields on this disk until the customer is erased; no event has it. The reply is [`Reply::Kept`].
    /// # Errors
    /// When the customer was erased, or has no name.
    pub fn keep_key(&mut self, now: Now, request: RequestId, key: &CustomerKey) -> Result<(), Refusal> {
        self.command(now, |shop, turn| shop.desk().keep_key(turn, request, key))
    }

    /// Resolves an exception by the store's log, for every terminal alike. The reply is [`Reply::Resolved`], once that is decided.
    /// # Errors
    /// When the exception is not open or is resolved, the call does not fit it, or the store decides nothing: nothing was written.
    pub fn resolve(&mut self, now: Now, request: RequestId, call: &Resolve) -> Result<(), Refusal> {
        proposing::may_resolve(&self.election)?;
        self.command(now, |shop, turn| {
            let (exceptions, standing) = shop.watch();
            exceptions.ask((turn.now, turn.config.max_commits), request, call, standing, turn.out)
        })
    }

    /// An exception about which a resolver is to be asked, once each, where this terminal leads: see [`advise`](Self::advise).
    pub fn next_to_advise(&mut self) -> Option<ExceptionRaised> {
        let Self { election, ledger, shop, config, .. } = self;
        let asks = config.policy.model_within().is_some() && proposing::proposes(election, ledger);
        asks.then(|| shop.watch().0.next_to_advise()).flatten()
    }

    /// What a resolver says about an exception; the rules propose after [`Policy::model_within_ms`](crate::Policy::model_within_ms).
    pub fn advise(&mut self, now: Now, raised: &ExceptionRaised, advice: crate::model::Advice) {
        self.shop.watch().0.advise(now, raised, advice);
        self.settle(now);
    }

    /// Sends what is batched at once, to peers and to the cloud.
    pub fn flush(&mut self, now: Now) {
        if self.stopped.is_none() {
            self.ledger.flush(now);
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
    /// # Errors
    /// When this terminal is not the entitled leader, or the other cannot be admitted.
    pub fn admit(&mut self, now: Now, replica: ReplicaId) -> Result<(), MembershipError> {
        self.election.admit(now, replica).map(|()| self.settle(now))
    }

    /// Takes an incarnation out of what the store decides, for good: see [`Election::retire`].
    /// # Errors
    /// When this terminal is not the entitled leader, or the other cannot be retired.
    pub fn retire(&mut self, now: Now, replica: ReplicaId) -> Result<(), MembershipError> {
        self.election.retire(now, replica).map(|()| self.settle(now))
    }

    /// Another box takes the place of the terminal of this number, by the store's log: see [`Node::replace`](crate::Node::replace).
    /// # Errors
    /// When no member has this number, the old one is connected and nothing was planned, or the store decides nothing.
    pub fn replace(&mut self, now: Now, terminal: u16, planned: bool) -> Result<(), ReplaceError> {
        let Self { replacing, election, links, config, .. } = self;
        replacing.propose(now, (terminal, planned), election, links, config.me).map(|()| self.settle(now))
    }

    /// The store gives up what the retired incarnations of a number have left unsent: see [`Node::write_off`](crate::Node::write_off).
    /// # Errors
    /// When nothing is known to be missing, or the store decides nothing.
    pub fn write_off(&mut self, now: Now, terminal: u16) -> Result<(), ReplaceError> {
        self.replacing.write_off(now, terminal, &mut self.election, self.config.me).map(|()| self.settle(now))
    }

    /// Raises the store to the highest [feature level](Election::level) that every member has announced, as happens by itself after
    /// [`Config::level_after`]. Returns the level; once decided it never falls: who goes back behind it only sells and exchanges events.
    /// # Errors
    /// When this terminal is not the entitled leader, or not all members have announced a higher level.
    pub fn raise_level(&mut self, now: Now) -> Result<u32, LevelError> {
        let Self { levels, election, ledger, config, .. } = self;
        levels.raise(now, election, ledger, config).inspect(|_| self.settle(now))
    }

    /// Writes the counter rows that are behind: before a clean stop, a copy, pruning. A start counts what they lack otherwise.
    pub fn write_rows(&mut self) {
        if self.stopped.is_none() && self.shop.rows_behind() > 0 {
            self.shop.write_rows(self.ledger.held().clone(), &mut self.out);
            self.out.seal();
        }
    }

    /// The store failed: nothing is done any more, and each request is refused with this reason.
    pub fn stop(&mut self, reason: String) {
        for request in self.out.stop().into_iter().chain(self.shop.stop()) {
            self.out.reply(request, Err(Refusal::Stopped(reason.clone())));
        }
        self.stopped.get_or_insert(reason);
    }

    /// The host reports a condition that it alone can see, of a disk, a model or a clock, or that it is over: `None`.
    pub fn report_condition(&mut self, now: Now, kind: ConditionKind, found: Option<Finding>) {
        if let Some((condition, holds)) = self.conditions.see(now, kind, found) {
            self.out.tell(Notice::Condition { condition, holds });
        }
    }

    /// Whether [`stop`](Self::stop) was called.
    pub fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    /// The next duty. Drain until `None` after each call.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.poll()
    }

    /// When to call with [`Input::Timeout`], unless something happens before; `None` without a deadline.
    pub fn poll_timeout(&self) -> Option<Time> {
        if self.stopped.is_some() {
            return None;
        }
        let due = proposing::next_due(&self.config, &self.election, &self.ledger, &self.shop);
        let waits = self.in_reissue.next_due().into_iter().chain(self.out.flush_at()).min();
        [self.election.poll_timeout(), self.ledger.poll_timeout(), due, waits].into_iter().flatten().min()
    }

    /// Who it is, whom it follows, and how far its events have come.
    pub fn status(&self) -> Status {
        Status::of(&self.known())
    }

    /// How its engines are, for whoever looks for a fault.
    pub fn diagnosis(&self, now: Now) -> Diagnosis {
        Diagnosis::of(&self.known(), now)
    }

    fn known(&self) -> Known<'_> {
        let Self { config, ledger, election, links, shop, disk, conditions, .. } = self;
        Known { config, ledger, election, links, shop, disk, conditions }
    }

    /// Bytes that commits of open baskets and outcomes of payments may write: the driver has them set aside.
    pub fn promised(&self) -> u64 {
        self.shop.promised()
    }

    /// What would survive a power cut here.
    pub fn durable(&self) -> &VersionVector {
        self.ledger.durable()
    }

    /// How safe an event is, as far as is known here; `None` where it is not durable here.
    pub fn durability(&self, id: EventId) -> Option<Durability> {
        let leader = self.election.leader().map(|leader| leader.replica);
        let at_leader = leader.and_then(|leader| self.ledger.held_by(leader, self.config.me));
        Durability::of(id, self.ledger.durable(), at_leader, self.ledger.cloud())
    }

    /// How the elections of the store went, as this terminal saw them since its start.
    pub fn elections(&self, now: Now) -> consensus::Report {
        self.election.report(now)
    }

    /// Baskets in memory that were begun and neither committed nor abandoned, by rising id; [`ask_baskets`](Self::ask_baskets) has all.
    pub fn unresolved(&self) -> Vec<OpenBasket> {
        self.shop.sales().unresolved(self.config.me.terminal()).collect()
    }

    /// Asks for a page of all open baskets behind `after`, from disk; after a crash the cashier settles each: [`Reply::Unresolved`].
    /// # Errors
    /// When too much is under way at once, or the terminal has stopped.
    pub fn ask_baskets(&mut self, now: Now, id: RequestId, after: Option<BasketId>) -> Result<(), Refusal> {
        self.command(now, |shop, turn| shop.desk().ask_unresolved(turn, id, after))
    }

    /// Payments whose outcome nobody has said, and money that no sale has. After a crash the cashier settles each.
    pub fn unresolved_payments(&self) -> Vec<OpenPayment> {
        self.shop.payments().open().collect()
    }

    /// A page: see [`Node::open_exceptions_after`](crate::Node::open_exceptions_after).
    pub fn open_exceptions(&self, after: Option<&[u8]>) -> Vec<OpenException> {
        self.shop.exceptions().open_with_resolutions(after).take(MAX_PAGE).collect()
    }

    /// A page of the audit record: see [`Node::resolutions`](crate::Node::resolutions).
    pub fn resolutions(&self, after: Option<EventId>) -> Vec<AuditEntry> {
        self.shop.exceptions().audit_after(after).take(MAX_PAGE).collect()
    }

    /// Events whose bytes nobody has who was asked: counters of whoever never had them lack what they did.
    pub fn lost(&self) -> sync::Lost {
        self.ledger.lost()
    }

    /// Asks for a counter's value as far as is seen here; of a sold line without a row the sale is read: [`Reply::Counter`].
    /// # Errors
    /// When the terminal has stopped.
    pub fn ask_counter(&mut self, now: Now, request: RequestId, row: CounterRow) -> Result<(), Refusal> {
        self.command(now, |shop, turn| shop.ask_counter(turn, request, row))
    }

    /// A counter's value as far as is seen here; `None` without a row: nothing moved it, or [`ask_counter`](Self::ask_counter) reads it.
    pub fn counter(&self, row: &CounterRow) -> Option<i64> {
        let counters = self.shop.counters();
        counters.get(&self.config.labels.counted(row, counters))
    }

    /// At most [`MAX_PAGE`] counters of one kind, or of all, behind the row `after`, by rising key: a question must not hold up a sale.
    pub fn counters_after(&self, kind: Option<Counter>, after: Option<&CounterRow>) -> Vec<CounterValue> {
        self.shop.counters().page(kind, after, MAX_PAGE)
    }

    /// Every counter that has a row, by rising key: takes as long as there are counters.
    pub fn counters(&self) -> Vec<CounterValue> {
        self.shop.counters().page(None, None, usize::MAX)
    }

    /// What was last said of a product, also where it is not in force yet.
    pub fn product(&self, product: &str) -> Option<&ProductSet> {
        self.shop.catalogue().product(&self.config.labels.item(product))
    }

    /// A product's master data that is in force at `at_ms` (milliseconds since 1970 UTC).
    pub fn product_at(&self, product: &str, at_ms: u64) -> Option<&ProductSet> {
        self.shop.catalogue().product_at(&self.config.labels.item(product), at_ms)
    }

    /// The price of a product on a list that is in force at `at_ms` (milliseconds since 1970 UTC).
    pub fn price(&self, product: &str, list: u16, at_ms: u64) -> Option<&PriceSet> {
        self.shop.catalogue().price(&self.config.labels.item(product), list, at_ms)
    }

    /// The rooms of the shop, for questions.
    pub(crate) fn shop(&self) -> &Shop {
        &self.shop
    }

    fn call(&mut self, now: Now, id: RequestId, call: Call) -> Asked {
        self.command(now, |shop, turn| shop.desk().call(turn, id, call))
    }

    fn command(&mut self, now: Now, ask: impl FnOnce(&mut Shop, &mut Turn<'_>) -> Asked) -> Asked {
        if let Some(reason) = &self.stopped {
            return Err(Refusal::Stopped(reason.clone()));
        }
        self.with_turn(now, ask)?;
        self.settle(now);
        Ok(())
    }

    fn with_turn<T>(&mut self, now: Now, call: impl FnOnce(&mut Shop, &mut Turn<'_>) -> T) -> T {
        let Self { shop, config, election, clocks, ledger, out, disk, .. } = self;
        clocks.vouch(now, config, election, ledger);
        call(shop, &mut Turn { now, config, disk: *disk, ledger, out })
    }

    /// In rounds: what the election decides, what the log brings, who leads, what the leader proposes. Then all writes leave as one.
    fn settle(&mut self, now: Now) {
        self.shop.interpret(now, &mut self.ledger, &mut self.out);
        loop {
            let mut quiet = true;
            while let Some(output) = self.election.poll_output() {
                quiet = false;
                self.do_election(now, output);
            }
            quiet &= !self.place(now);
            let Self { config, election, ledger, shop, levels, replacing, links, out, in_reissue, .. } = self;
            quiet &= !in_reissue.tend(now, config, election, &mut Lent { shop, ledger, out });
            if let Some(attachment) = ledger.attachment(&replacing.attached()) {
                election.attach(attachment);
            }
            quiet &= !ledger.follow(now, election.leader(), election.entitled());
            quiet &= !proposing::propose_all(now, config, election, ledger, shop, out);
            quiet &= !levels.tend(now, election, ledger, config, out);
            quiet &= !replacing.tend(now, config.me, election, ledger, links, out);
            quiet &= !proposing::stand_aside(now, election, ledger, links);
            quiet &= !self.clocks.tell(now, &mut self.ledger);
            quiet &= !self.ledger.state_log(now, self.election.log_state());
            if quiet {
                break;
            }
        }
        let ceiling = self.out.has_urgent_writes().then(|| self.ledger.ceiling_to_persist(now)).flatten();
        ceiling.into_iter().for_each(|ceiling| self.out.write(restore::clock_row(ceiling)));
        if self.out.has_urgent_writes() && self.shop.rows_behind() >= self.config.max_rows_behind {
            self.shop.write_rows(self.ledger.held().clone(), &mut self.out);
        }
        self.look_around(now);
        self.out.seal_at(now.mono);
    }

    /// What the ledger has to say, and the places of what is decided, by turns. Whether there was anything.
    fn place(&mut self, now: Now) -> bool {
        let mut any = false;
        loop {
            if let Some(output) = self.ledger.poll_output() {
                self.do_ledger(now, output);
            } else if !deciding::place_next(now, &mut self.ledger, &mut self.shop, &mut self.out) {
                return any;
            }
            any = true;
        }
    }

    fn look_around(&mut self, now: Now) {
        let is_low = self.conditions.holds(ConditionKind::DiskLow);
        let Self { shop, election, config, ledger, in_reissue, clocks, disk, replacing, .. } = self;
        let was_displaced = in_reissue.was_displaced();
        let seen = Seen { shop, election, config, clocks, disk, replacing, was_displaced, is_low };
        for (kind, found) in seen.findings(now, ledger) {
            self.report_condition(now, kind, found);
        }
    }

    fn do_election(&mut self, now: Now, output: consensus::Output) {
        match output {
            consensus::Output::Persist(persist) => self.out.election_persist(persist),
            consensus::Output::Apply(decision) => {
                let Self { election, replacing, ledger, shop, out, .. } = self;
                deciding::decided(decision, Concerned { election, replacing, ledger, shop, out });
                self.place(now);
            }
            consensus::Output::Install(state) => {
                let more = self.ledger.install(now, state.as_deref(), &mut self.out);
                self.replacing.install(&more, &mut self.out);
            }
            consensus::Output::Transmit(message) => frame::send(&message, &self.links, &mut self.out),
            consensus::Output::Notice(notice) => self.out.tell(Notice::Election(notice)),
        }
    }

    fn do_ledger(&mut self, now: Now, output: sync::Output) {
        match output {
            sync::Output::Persist(persist) => self.out.outbox_persist(persist),
            sync::Output::Load(load) => self.out.load_for_outbox(load),
            sync::Output::Accepted(record) => {
                self.ledger.accept(now, &record).into_iter().for_each(|ahead| self.out.tell(ahead));
                self.shop.interpret(now, &mut self.ledger, &mut self.out);
            }
            sync::Output::Healed { record, is_new } => {
                self.with_turn(now, |shop, turn| shop.heal(turn, &record, is_new))
            }
            sync::Output::Reissue { record, hash } => {
                let Self { config, shop, ledger, out, in_reissue, .. } = self;
                in_reissue.begin(now, config, record, hash, &mut Lent { shop, ledger, out });
            }
            sync::Output::Transmit { to, connection, message } => {
                self.out.push(Output::Transmit { to, connection, frame: frame::sync(&message) });
            }
            sync::Output::Uplink(id, request) => self.out.push(Output::Uplink(id, request)),
            sync::Output::Notice(notice) => self.out.tell_of_log(notice),
        }
    }

    fn persisted(&mut self, now: Now, id: PersistId) {
        let Some(waiting) = self.out.persisted(id) else { return };
        let Self { config, links, election, ledger, shop, out, .. } = self;
        waiting.election.into_iter().for_each(|id| election.handle(now, consensus::Input::Persisted(id)));
        waiting.outbox.into_iter().for_each(|id| ledger.handle(now, sync::Input::Persisted(id)));
        frame::go_on(waiting.then, (config, links, ledger), shop, out);
    }

    fn loaded(&mut self, now: Now, id: LoadId, rows: Rows) {
        match self.out.loaded(id) {
            Some(LoadFor::Outbox(id)) => self.ledger.handle(now, sync::Input::Loaded(id, rows)),
            Some(LoadFor::Shop(what)) => {
                if let Some((id, of)) = self.with_turn(now, |shop, turn| shop.loaded(turn, what, &rows)) {
                    let Self { shop, ledger, out, in_reissue, .. } = self;
                    in_reissue.finish(now, id, of, &mut Lent { shop, ledger, out });
                }
            }
            None => {}
        }
    }
}

/// Who it is; its contents are a store's and do not belong into a log line.
impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Terminal {{ me: {:?}, stopped: {:?}, .. }}", self.config.me, self.stopped)
    }
}
