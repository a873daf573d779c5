//! One device: a terminal, or none while it is off, with its disk, its clock and its till.

use std::collections::BTreeMap;

use edgepos::consensus::Timing;
use edgepos::{Config, Delivery, Genesis, Restored, Store, Terminal};
use edgepos_consensus::MAX_LEVEL;
use edgepos_core::{Chain, EventId, Jitter, Now, ReplicaId, Seq, Space};
use edgepos_sync::EventRecord;

use crate::check::{Facts, Rule, TerminalView, Violation};
use crate::clock::VirtualClock;
use crate::disk::Disk;
use crate::goods::products;
use crate::later::{Later, Setup, downgraded};
use crate::machine::Machine;
use crate::plan::{Plan, Purpose};
use crate::till::Till;

/// One device and whatever runs on it.
#[derive(Debug)]
pub(crate) struct Station {
    /// Its terminal's incarnation.
    pub replica: ReplicaId,
    /// The terminal while it runs.
    pub terminal: Option<Machine>,
    /// Counts its starts: what was meant for an earlier one is dropped.
    pub boot: u64,
    /// The disk that survives each start.
    pub disk: Disk,
    /// The clock that its terminal is told.
    pub clock: VirtualClock,
    /// The till in front of its terminal.
    pub till: Till,
    /// The deadline that is in the agenda, and its number.
    pub alarm: (Option<u64>, u64),
    /// It stands still until then.
    pub stalled_until_us: u64,
    /// It does not reach the cloud until then.
    pub no_uplink_until_us: u64,
    config: Config,
    /// What a terminal of a later version starts from, where this device has one.
    later: Option<Setup>,
    /// Draws what a later version does to the disk before this one starts on it again.
    downgrades: Option<Jitter>,
    /// Draws whether the next start is that of a version which does not know the store's feature level.
    behind: Option<Jitter>,
    /// What it said is on its disk, over all starts.
    recorded: BTreeMap<Chain, Seq>,
}

impl Station {
    /// A device that is off, with an empty disk.
    pub(crate) fn new(plan: &Plan, place: usize) -> Self {
        let replicas = plan.replicas();
        let replica = replicas[place];
        let genesis =
            Genesis { store: plan.store(), generation: plan.generation(), voters: replicas, recovery: None };
        let mut clocks = plan.rng(Purpose::Clock, place);
        let rate_ppm = clocks.range(0, 401) as i64 - 200;
        let wall_off_ms = clocks.range(0, 8_001) as i64 - 4_000;
        let mut clock = VirtualClock::new(rate_ppm, wall_off_ms);
        clock.power_on(0, clocks.range(0, 100_000));
        let mut config = Config::new(replica, genesis, plan.rng(Purpose::Terminal, place).next_u64());
        // So that a run of some hundred events sees rows written and events counted again.
        config.max_rows_behind = 20;
        if !plan.network.stream {
            config.delivery = Delivery::Lossy;
            config.timing = if plan.seed.is_multiple_of(2) { Timing::fast() } else { Timing::standard() };
        }
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
            alarm: (None, 0),
            stalled_until_us: 0,
            no_uplink_until_us: 0,
            downgrades: (plan.later.downgrades && later.is_none()).then(|| plan.rng(Purpose::Later, place)),
            behind: (plan.later.behind && later.is_none()).then(|| plan.rng(Purpose::Later, 100 + place)),
            later,
            config,
            recorded: BTreeMap::new(),
        }
    }

    /// The lease that a leader has without asking for a longer one, in milliseconds.
    pub(crate) fn lease_ms(&self) -> u64 {
        self.config.timing.lease.as_millis() as u64
    }

    /// What its clock shows.
    pub(crate) fn now(&self, world_us: u64) -> Now {
        self.clock.now(world_us)
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
    /// When the disk holds rows that are none.
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

    /// The process is gone.
    pub(crate) fn stop(&mut self) {
        self.terminal = None;
        self.alarm.0 = None;
        self.stalled_until_us = 0;
        self.disk.crash();
        self.till.crashed();
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
        if id.seq <= *last {
            let what = format!("{} recorded {id} after {last} of that chain", self.replica);
            return Err(Violation::new(Rule::NothingTwice, what));
        }
        *last = id.seq;
        Ok(())
    }

    /// What the checkers see.
    ///
    /// # Errors
    /// When the terminal is off, or its disk holds rows that are none.
    pub(crate) fn view(&self) -> Result<TerminalView, Violation> {
        const NOON_MS: u64 = 1_790_000_000_000;
        let alive = |what: String| Violation::new(Rule::Alive, format!("{}: {what}", self.replica));
        let disk = self.disk.durable();
        match self.terminal.as_ref().ok_or_else(|| alive("it is off".into()))? {
            Machine::Today(terminal) => TerminalView::of(terminal, disk, products(), NOON_MS).map_err(alive),
            Machine::Later(later) => {
                TerminalView::of_later(&later.status(), later.facts(), disk).map_err(alive)
            }
        }
    }
}
