//! One device: a terminal, or none while it is off, with its disk, its clock and its till.

use std::collections::BTreeMap;
use std::fmt::Display;

use edgepos::model::{BasketId, Currency};
use edgepos::recovery::recover;
use edgepos::{
    Commit, Config, Delivery, Draft, Genesis, Input, MemoryStore, OpenBasket, Output, Refusal, Reply,
    RequestId, Restored, Rows, Status, Store, Terminal,
};
use edgepos_consensus::MAX_LEVEL;
use edgepos_core::{Chain, EventId, Jitter, Load, Now, Persist, PersistId, ReplicaId, Seq, Space, Write};
use edgepos_sync::{EventRecord, Hash};

use crate::check::{Facts, Ledger, Rule, TerminalView, Violation};
use crate::clock::VirtualClock;
use crate::disk::Disk;
use crate::errand::Ask;
use crate::goods::products;
use crate::later::{Later, Promise, Setup, downgraded};
use crate::machine::Machine;
use crate::moments::Moment;
use crate::plan::{Plan, Purpose};
use crate::settings::{config, next_code};
use crate::signer::Signer;
use crate::street::Street;
use crate::till::Till;

/// One device and whatever runs on it.
#[derive(Debug)]
pub(crate) struct Station {
    /// Its terminal's incarnation.
    replica: ReplicaId,
    /// The terminal while it runs.
    terminal: Option<Machine>,
    /// Counts its starts: what was meant for an earlier one is dropped.
    boot: u64,
    /// The disk that survives each start.
    disk: Disk,
    /// The clock that its terminal is told.
    clock: VirtualClock,
    /// The till in front of its terminal.
    till: Till,
    /// The fiscal device beside it.
    signer: Signer,
    /// The deadline that is in the agenda, and its number.
    alarm: (Option<u64>, u64),
    /// It stands still until then.
    stalled_until_us: u64,
    /// It does not reach the cloud until then.
    no_uplink_until_us: u64,
    config: Config,
    /// What a terminal of a later version starts from, where this device has one.
    later: Option<Setup>,
    /// Draws what a later version does to the disk before this one starts on it again.
    downgrades: Option<Jitter>,
    /// Draws whether the next start is that of a version which does not know the store's feature level.
    behind: Option<Jitter>,
    /// What it said is on its disk, over all starts.
    recorded: BTreeMap<Chain, Seq>,
    /// Whether disks are put back in its store.
    forgiving: bool,
    /// Which moment its clock crosses.
    moment: Moment,
}

impl Station {
    /// A device that is off, with an empty disk.
    pub(crate) fn new(plan: &Plan, place: usize) -> Self {
        let config = config(plan, place);
        let replica = config.me;
        let mut clocks = plan.rng(Purpose::Clock, place);
        let rate_ppm = clocks.range(0, 401) as i64 - 200;
        let wall_off_ms = clocks.range(0, 8_001) as i64 - 4_000;
        let mut clock = VirtualClock::new(plan.moment.epoch_ms(), rate_ppm, wall_off_ms);
        clock.power_on(0, clocks.range(0, 100_000));
        let later = (plan.later_place() == Some(place)).then(|| Setup {
            me: replica,
            place,
            store: config.genesis.store,
            voters: config.genesis.voters.clone(),
            seed: config.seed,
            timing: config.timing.clone(),
            lossy: config.delivery == Delivery::Lossy,
            voice: plan.rng(Purpose::Later, place),
        });
        let mut till = Till::new(place, plan.terminals, plan.till, plan.rng(Purpose::Till, place));
        if later.is_some() {
            till.close(0);
        }
        Self {
            replica,
            terminal: None,
            boot: 0,
            disk: Disk::new(plan.disk, plan.rng(Purpose::Disk, place), plan.sabotage),
            clock,
            till,
            signer: Signer::default(),
            alarm: (None, 0),
            stalled_until_us: 0,
            no_uplink_until_us: 0,
            downgrades: (plan.later.downgrades && later.is_none()).then(|| plan.rng(Purpose::Later, place)),
            behind: (plan.later.behind && later.is_none()).then(|| plan.rng(Purpose::Later, 100 + place)),
            later,
            config,
            recorded: BTreeMap::new(),
            forgiving: plan.goes_back(),
            moment: plan.moment,
        }
    }

    /// The lease that a leader has without asking for a longer one, in milliseconds.
    pub(crate) fn lease_ms(&self) -> u64 {
        self.config.timing.lease.as_millis() as u64
    }

    /// Its terminal's incarnation.
    pub(crate) fn replica(&self) -> ReplicaId {
        self.replica
    }

    /// What its clock shows.
    pub(crate) fn now(&self, world_us: u64) -> Now {
        self.clock.now(world_us)
    }

    /// Whether its terminal runs.
    pub(crate) fn is_on(&self) -> bool {
        self.terminal.is_some()
    }

    /// How often it was started.
    pub(crate) fn boot(&self) -> u64 {
        self.boot
    }

    /// Whether its terminal runs since the start of this number.
    pub(crate) fn runs_since(&self, boot: u64) -> bool {
        self.is_on() && self.boot == boot
    }

    /// Whether its terminal has given up.
    pub(crate) fn has_stopped(&self) -> bool {
        self.terminal.as_ref().is_some_and(Machine::is_stopped)
    }

    /// What its terminal tells of itself; `None` while it is off.
    pub(crate) fn status(&self) -> Option<Status> {
        self.terminal.as_ref().map(Machine::status)
    }

    /// Whether its terminal may decide.
    pub(crate) fn is_entitled(&self) -> bool {
        self.status().is_some_and(|status| status.entitled)
    }

    /// Whether it proposes ends of exceptions, when it leads.
    pub(crate) fn ends_exceptions(&self) -> bool {
        match &self.terminal {
            Some(Machine::Today(terminal)) => terminal.status().level > 0,
            Some(Machine::Later(_)) | None => false,
        }
    }

    /// The world did something.
    pub(crate) fn handle(&mut self, world_us: u64, input: Input) {
        let now = self.now(world_us);
        if let Some(terminal) = &mut self.terminal {
            terminal.handle(now, input);
        }
    }

    /// The next duty of its terminal. The device beside it is asked where there is none.
    pub(crate) fn poll_output(&mut self, world_us: u64) -> Option<Output> {
        let now = self.now(world_us);
        loop {
            let machine = self.terminal.as_mut()?;
            if let Some(output) = machine.poll_output() {
                return Some(output);
            }
            let Machine::Today(terminal) = machine else { return None };
            let place = u64::from(self.replica.terminal());
            if !self.signer.serve(terminal, place, now, world_us) {
                return None;
            }
        }
    }

    /// The deadline of its terminal and a number, where that must get into the agenda.
    pub(crate) fn set_alarm(&mut self, world_us: u64) -> Option<(u64, u64)> {
        let mono = self.terminal.as_ref()?.poll_timeout();
        let due = mono.map(|mono| self.clock.due(world_us, mono));
        if due == self.alarm.0 {
            return None;
        }
        self.alarm = (due, self.alarm.1 + 1);
        due.map(|at_us| (at_us, self.alarm.1))
    }

    /// The deadline of this number has come. Whether it is still the one that counts.
    pub(crate) fn rings(&mut self, number: u64) -> bool {
        let counts = self.is_on() && self.alarm.1 == number;
        if counts {
            self.alarm.0 = None;
        }
        counts
    }

    /// Its terminal writes, with a flush or without. When that ends, where nothing is being written.
    pub(crate) fn write(&mut self, world_us: u64, persist: Persist, flush: bool) -> Option<u64> {
        self.disk.push(world_us, persist, flush)
    }

    /// A flush ends: what is durable, and when the next one ends.
    pub(crate) fn flushed(&mut self, world_us: u64) -> (Vec<PersistId>, Option<u64>) {
        self.disk.finish(world_us)
    }

    /// How long a read takes that begins at this moment.
    pub(crate) fn read_us(&mut self, world_us: u64) -> u64 {
        self.disk.read_us(world_us)
    }

    /// What a read finds.
    pub(crate) fn read(&self, load: &Load) -> Rows {
        self.disk.read(load)
    }

    /// Whether all that its terminal wrote is on disk.
    pub(crate) fn is_flushed(&self) -> bool {
        self.disk.is_idle()
    }

    /// What is on its disk.
    pub(crate) fn on_disk(&self) -> &MemoryStore {
        self.disk.durable()
    }

    /// Its disk is slow until then.
    pub(crate) fn slow_disk(&mut self, until_us: u64) {
        self.disk.slow_until(until_us);
    }

    /// Its wall clock is set, by so many milliseconds.
    pub(crate) fn jump_clock(&mut self, by_ms: i64) {
        self.clock.jump(by_ms);
    }

    /// It gets power again: its monotonic clock starts over.
    pub(crate) fn power_on(&mut self, world_us: u64, mono_ms: u64) {
        self.clock.power_on(world_us, mono_ms);
    }

    /// It stands still until then.
    pub(crate) fn stall(&mut self, until_us: u64) {
        self.stalled_until_us = until_us;
    }

    /// Until when it stands still, where it does at this moment.
    pub(crate) fn stands_still(&self, world_us: u64) -> Option<u64> {
        Some(self.stalled_until_us).filter(|until_us| *until_us > world_us)
    }

    /// It does not reach the cloud until then.
    pub(crate) fn cut_uplink(&mut self, until_us: u64) {
        self.no_uplink_until_us = until_us;
    }

    /// Whether it reaches the cloud.
    pub(crate) fn reaches_cloud(&self, world_us: u64) -> bool {
        self.no_uplink_until_us <= world_us
    }

    /// Hands the leadership over, where it has it.
    pub(crate) fn step_down(&mut self, world_us: u64) {
        let now = self.now(world_us);
        if let Some(terminal) = &mut self.terminal {
            terminal.step_down(now);
        }
    }

    /// An operator wants the store raised to its next feature level. Whether it is asked for.
    pub(crate) fn raise_level(&mut self, world_us: u64) -> bool {
        let now = self.now(world_us);
        self.terminal.as_mut().is_some_and(|terminal| terminal.raise_level(now))
    }

    /// An operator says that another box takes the place of the terminal of this number. Whether the store has that decided.
    pub(crate) fn replace(&mut self, world_us: u64, number: u16) -> bool {
        let now = self.now(world_us);
        self.terminal.as_mut().is_some_and(|terminal| terminal.replace(now, number))
    }

    /// Nothing more goes wrong with it, and no more customers come.
    pub(crate) fn heal(&mut self, world_us: u64) {
        self.disk.heal();
        self.stalled_until_us = 0;
        self.no_uplink_until_us = 0;
        self.till.close(world_us);
        self.fall_silent();
    }

    /// A later version says nothing more of its own.
    pub(crate) fn fall_silent(&mut self) {
        if let Some(Machine::Later(later)) = &mut self.terminal {
            later.fall_silent();
        }
    }

    /// What a later version has asked of itself and promised since the last call; nothing where the till does.
    pub(crate) fn take_promises(&mut self) -> (Vec<(Draft, Commit)>, Vec<Promise>) {
        match &mut self.terminal {
            Some(Machine::Later(later)) => later.take_promises(),
            Some(Machine::Today(_)) | None => (Vec::new(), Vec::new()),
        }
    }

    /// The terminal, where it runs and is of this version.
    pub(crate) fn today(&self) -> Option<&Terminal> {
        match &self.terminal {
            Some(Machine::Today(terminal)) => Some(terminal),
            Some(Machine::Later(_)) | None => None,
        }
    }

    /// Its till's time has come: what it asks, in order.
    pub(crate) fn act(
        &mut self,
        world_us: u64,
        turn: u64,
        ledger: &mut Ledger,
        street: &mut Street,
    ) -> Vec<(RequestId, Ask)> {
        self.till.act(world_us, turn, ledger, street)
    }

    /// Its till asks.
    ///
    /// # Errors
    /// When the terminal refuses at once.
    pub(crate) fn ask(&mut self, world_us: u64, id: RequestId, ask: Ask) -> Result<(), Refusal> {
        let now = self.now(world_us);
        self.terminal.as_mut().map_or(Ok(()), |terminal| terminal.ask(now, id, ask))
    }

    /// Its till hears a reply.
    ///
    /// # Errors
    /// When the reply breaks a promise.
    pub(crate) fn hear(
        &mut self,
        world_us: u64,
        request: RequestId,
        reply: &Result<Reply, Refusal>,
        ledger: &mut Ledger,
        street: &mut Street,
    ) -> Result<(), Violation> {
        self.till.hear(world_us, request, reply, ledger, street)
    }

    /// When its till must be asked again, if that has changed, and the turn to hand to it.
    pub(crate) fn till_alarm(&mut self) -> Option<(u64, u64)> {
        self.till.alarm()
    }

    /// Whether its till has finished.
    pub(crate) fn is_done(&self) -> bool {
        self.till.is_done()
    }

    /// Requests of its till without a reply.
    pub(crate) fn open_requests(&self) -> usize {
        self.till.open_requests()
    }

    /// Baskets that its terminal has open, with those that have left its memory: of these the disk has the name.
    pub(crate) fn unresolved(&self) -> Vec<OpenBasket> {
        let Some(machine) = &self.terminal else { return Vec::new() };
        let mut open = machine.unresolved();
        if open.len() < machine.status().open_baskets {
            open.extend(forgotten(self.config.me.terminal(), self.disk.durable(), &open));
        }
        open
    }

    /// Its till, where it has finished, is shown what somebody left open, and what a card paid that no sale has. Whether there is any.
    pub(crate) fn settles(&mut self, world_us: u64) -> bool {
        if !self.is_done() {
            return false;
        }
        let mut left: Vec<BasketId> = self.unresolved().iter().map(|open| open.basket).collect();
        left.extend(self.terminal.iter().flat_map(Machine::unsettled));
        left.dedup();
        if !left.is_empty() {
            self.till.restarted(world_us, &left);
        }
        !left.is_empty()
    }

    /// Its till is shown which baskets are open.
    pub(crate) fn show_open(&mut self, world_us: u64, open: &[OpenBasket]) {
        let open: Vec<BasketId> = open.iter().map(|open| open.basket).collect();
        self.till.restarted(world_us, &open);
    }

    /// Starts the terminal from the disk.
    ///
    /// # Errors
    /// When the terminal cannot start.
    pub(crate) fn start(&mut self, world_us: u64) -> Result<(), Violation> {
        let cannot = |error: &dyn std::fmt::Display| {
            Violation::new(Rule::Alive, format!("{} cannot start: {error}", self.replica))
        };
        let now = self.now(world_us);
        let machine = match &mut self.later {
            Some(setup) => {
                // Each start says other things.
                setup.voice = Jitter::new(setup.voice.next_u64());
                let later = Later::start(now, setup.clone(), self.disk.durable());
                Machine::Later(Box::new(later.map_err(|error| cannot(&error))?))
            }
            None => {
                let restored = Restored::from_store(self.disk.durable()).map_err(|error| cannot(&error))?;
                let terminal = Terminal::new(now, self.config.clone(), restored);
                Machine::Today(Box::new(terminal.map_err(|error| cannot(&error))?))
            }
        };
        self.boot += 1;
        self.terminal = Some(machine);
        Ok(())
    }

    /// A third of the times that it starts again, it does not know the store's feature level.
    pub(crate) fn fall_behind(&mut self) {
        let behind = self.behind.as_mut().is_some_and(|rng| rng.range(0, 3) == 0);
        self.config.level = if behind { 0 } else { MAX_LEVEL };
    }

    /// Whether it runs as a version that knows no feature level. It does not from here on.
    pub(crate) fn catch_up(&mut self) -> bool {
        self.behind = None;
        std::mem::replace(&mut self.config.level, MAX_LEVEL) != MAX_LEVEL
    }

    /// Half of the times that a terminal of this version starts again, a later version has used its disk. What that recorded.
    ///
    /// # Errors
    /// When the disk holds rows that cannot be read.
    pub(crate) fn downgrade(&mut self, world_us: u64) -> Result<Vec<EventId>, Violation> {
        let now = self.now(world_us);
        let Some(rng) = &mut self.downgrades else { return Ok(Vec::new()) };
        if rng.range(0, 2) == 0 {
            return Ok(Vec::new());
        }
        let rng = Jitter::new(rng.next_u64());
        let (store, me) = (self.config.genesis.store, self.replica);
        downgraded(now, store, me, self.disk.durable_mut(), rng)
            .map_err(|error| Violation::new(Rule::Alive, format!("{me}, as a later version: {error}")))
    }

    /// The process is gone, with the power or without. Baskets whose beginning was answered and is gone.
    pub(crate) fn stop(&mut self, power: bool) -> Vec<BasketId> {
        self.terminal = None;
        self.alarm.0 = None;
        self.stalled_until_us = 0;
        let lost = self.disk.crash(power);
        self.till.crashed();
        self.signer.cut_off();
        let begun = |write: &Write| match write {
            Write::Put { space: Space::Basket, key, .. } => key.as_slice().try_into().map(BasketId).ok(),
            Write::Put { .. } | Write::Delete { .. } => None,
        };
        // One that was begun again is still there as it was begun before.
        let is_there = |basket: &BasketId| {
            let rows = self.disk.durable().scan(Space::Basket, &basket.0, &basket.0, u32::MAX);
            rows.is_ok_and(|rows| !rows.is_empty())
        };
        let lost = lost.iter().flat_map(|persist| &persist.writes).filter_map(begun);
        lost.filter(|basket| !is_there(basket)).collect()
    }

    /// Its disk, which is off, is put back to an older image: it may give names again that it gave.
    pub(crate) fn put_back(&mut self, image: MemoryStore) {
        self.disk.put_back(image);
        self.till.put_back();
        self.recorded.clear();
        // Each start of a real one draws another.
        self.config.nonce = self.config.nonce.wrapping_add(1);
    }

    /// Another box stands in its place, under this name and with an empty disk, in another generation of the store where that has begun;
    /// whoever stood in front of it stays.
    pub(crate) fn is_exchanged(&mut self, name: ReplicaId, genesis: Option<&Genesis>) {
        (self.replica, self.config.me) = (name, name);
        self.config.genesis = genesis.unwrap_or(&self.config.genesis).clone();
        self.put_back(MemoryStore::new());
    }

    /// Its terminal, which is off, leads the store on alone, in the next generation: what others are set up with that join it.
    ///
    /// # Errors
    /// When it cannot.
    pub(crate) fn recover(&mut self) -> Result<Genesis, Violation> {
        let genesis = &mut self.config.genesis;
        let code = next_code(genesis.generation);
        let recovery = recover(self.disk.durable_mut(), self.replica, genesis, &code)
            .map_err(|error| Violation::new(Rule::Alive, format!("{}: {error}", self.replica)))?;
        genesis.generation = recovery.generation;
        Ok(Genesis { voters: vec![self.replica], ..genesis.clone() })
    }

    /// It lets another terminal take part in what the store decides. Whether it may.
    pub(crate) fn admit(&mut self, world_us: u64, replica: ReplicaId) -> bool {
        let now = self.now(world_us);
        self.terminal.as_mut().is_some_and(|terminal| terminal.admit(now, replica))
    }

    /// Whether two histories of one chain are no wonder: disks are put back in its store.
    pub(crate) fn is_forgiving(&self) -> bool {
        self.forgiving
    }

    /// The hash of its chain at an event on its disk.
    pub(crate) fn hash_at(&self, id: EventId) -> Option<Hash> {
        let key = id.to_key();
        let rows = self.disk.durable().scan(Space::Event, &key, &key, u32::MAX).ok()?;
        rows.iter().find_map(|(key, value)| EventRecord::from_row(key, value)).map(|(_, hash)| hash)
    }

    /// Whether this version reads the event on its disk. One that is not there counts as read: nothing is wrong with it.
    pub(crate) fn reads(&self, id: EventId) -> bool {
        let key = id.to_key();
        let rows = self.disk.durable().scan(Space::Event, &key, &key, u32::MAX).unwrap_or_default();
        let mut facts = Facts::default();
        for (record, _) in rows.iter().filter_map(|(key, value)| EventRecord::from_row(key, value)) {
            facts.add(record.id, &record.payload);
        }
        facts.unreadable.is_empty()
    }

    /// The terminal says that an event is on its disk.
    ///
    /// # Errors
    /// When it said so before.
    pub(crate) fn records(&mut self, id: EventId) -> Result<(), Violation> {
        let last = self.recorded.entry(id.chain).or_default();
        // With disks that are put back, what its chain was elsewhere comes in as well.
        if id.seq <= *last && !self.forgiving {
            let what = format!("{} recorded {id} after {last} of that chain", self.replica);
            return Err(Violation::new(Rule::NothingTwice, what));
        }
        *last = id.seq;
        Ok(())
    }

    /// What the checkers see.
    ///
    /// # Errors
    /// When the terminal is off, or its disk holds rows that cannot be read.
    pub(crate) fn view(&self) -> Result<TerminalView, Violation> {
        let alive = |what: &dyn Display| Violation::new(Rule::Alive, format!("{}: {what}", self.replica));
        let disk = self.disk.durable();
        match self.terminal.as_ref().ok_or_else(|| alive(&"it is off"))? {
            Machine::Today(terminal) => {
                let view = TerminalView::of(terminal, disk, products(), self.moment);
                let view = view.map_err(|error| alive(&error))?;
                Ok(TerminalView { signs: !self.config.signed_series.is_empty(), ..view })
            }
            Machine::Later(later) => {
                TerminalView::of_later(&later.status(), later.facts(), disk).map_err(|error| alive(&error))
            }
        }
    }
}

/// Baskets that are on a disk and not among these.
fn forgotten(terminal: u16, disk: &MemoryStore, open: &[OpenBasket]) -> Vec<OpenBasket> {
    let rows = disk.scan(Space::Basket, &[], &[u8::MAX; 16], u32::MAX).unwrap_or_default();
    let names = rows.iter().filter_map(|(key, _)| key.as_slice().try_into().map(BasketId).ok());
    let forgotten = names.filter(|basket| open.iter().all(|open| open.basket != *basket));
    let named = |basket| OpenBasket {
        basket,
        series: String::new(),
        number: 0,
        total: 0,
        begun_ms: 0,
        currency: Currency::EUR,
        lines: Vec::new(),
        operator: None,
        terminal,
    };
    forgotten.map(named).collect()
}
