//! How a run is watched, when it is over, and what is judged then.

use edgepos_consensus::Health;

use edgepos::model::BookedName;

use super::{Happening, PROBE_US, QUIET_US, REPEAT_US, World};
use crate::check::{CloudView, Facts, Rule, StoreView, Violation, booked_twice, events_on, judge, log_on};
use crate::machine::Machine;
use crate::plan::LaterStyle;
use crate::station::Station;

impl World {
    /// Asks every terminal how it is.
    pub(super) fn probe(&mut self) -> Result<(), Violation> {
        self.agenda.at(self.now_us + PROBE_US, Happening::Probe);
        let mut entitled = 0;
        let mut voters = self.plan.replicas();
        voters.truncate(self.plan.voters());
        for place in 0..self.stations.len() {
            let Some(terminal) = &self.stations[place].terminal else { continue };
            let status = terminal.status();
            // Who stands still, or has only begun to move again, says what it believed before.
            if self.stations[place].stalled_until_us + PROBE_US > self.now_us {
                continue;
            }
            entitled += u64::from(status.entitled);
            let now = self.stations[place].now(self.now_us);
            self.leadership.observe(now.mono.0, &status, &voters)?;
        }
        self.ask_for_level()?;
        // An old and a new leader in different terms: raft allows it for the length of a lease, and the cloud fences one of them.
        self.counts.overlaps += u64::from(entitled > 1);
        if self.healed {
            self.settle_what_is_open();
            let whole = self.is_whole();
            let events = self.cloud.events().len();
            self.watch_log(whole)?;
            self.quiet_since = match self.quiet_since {
                Some((since, count)) if whole && count == events => Some((since, count)),
                _ => whole.then_some((self.now_us, events)),
            };
        }
        Ok(())
    }

    /// While there are faults, an operator asks for the next feature level, at whoever leads.
    fn ask_for_level(&mut self) -> Result<(), Violation> {
        let asks =
            self.plan.later != LaterStyle::default() && !self.healed && self.now_us > self.plan.faults_us / 4;
        let Some(leader) =
            self.leader().filter(|leader| asks && self.stations[*leader].stalled_until_us <= self.now_us)
        else {
            return Ok(());
        };
        let now = self.stations[leader].now(self.now_us);
        let raised =
            self.stations[leader].terminal.as_mut().is_some_and(|terminal| terminal.raise_level(now));
        if raised {
            self.note(Some(leader), "is asked to raise the feature level");
            self.drain(leader)?;
        }
        Ok(())
    }

    /// Whether the store decides without a reason, by the first terminal's log.
    fn watch_log(&mut self, whole: bool) -> Result<(), Violation> {
        let log = log_on(self.stations[0].disk.durable()).unwrap_or_default();
        let of_store = self.cloud.events().keys().filter(|id| id.chain.replica.is_store());
        let events = of_store.count() as u64;
        self.growth.observe(self.now_us, whole, &log, events)
    }

    /// Tills that have finished look for baskets that somebody left open.
    fn settle_what_is_open(&mut self) {
        for place in 0..self.stations.len() {
            let station = &mut self.stations[place];
            let Some(terminal) = &station.terminal else { continue };
            if station.till.is_done() {
                let open = terminal.unresolved();
                if !open.is_empty() {
                    station.till.restarted(self.now_us, &open);
                    self.rouse_till(place);
                }
            }
        }
    }

    /// Whether the store has been whole and unchanged for long enough, with nothing left to decide.
    pub(super) fn is_quiet(&mut self) -> bool {
        if self.quiet_since.is_none_or(|(since, _)| self.now_us < since + self.quiet_us()) {
            return false;
        }
        let undecided = self.undecided();
        if undecided > 0 {
            // A proposal whose number an earlier life of the leader had used is made again after a while.
            self.quiet_since = Some((self.now_us, self.cloud.events().len()));
        }
        undecided == 0
    }

    /// How long nothing must happen. With a later version in the store it is long enough to see whether proposals come again.
    fn quiet_us(&self) -> u64 {
        if self.plan.later == LaterStyle::default() { QUIET_US } else { QUIET_US + REPEAT_US }
    }

    /// Rows below their floor, and names that were booked twice, without an exception, by the first terminal's disk.
    fn undecided(&self) -> usize {
        let events = events_on(self.stations[0].disk.durable()).unwrap_or_default();
        let facts = Facts::of(&events);
        let raised = |name: &&BookedName| {
            facts.exceptions.iter().any(|(_, exception)| exception.booked_twice() == Some(**name))
        };
        let ends = self.stations.iter().all(|station| match &station.terminal {
            Some(Machine::Today(terminal)) => terminal.status().level > 0,
            Some(Machine::Later(_)) | None => false,
        });
        let unended = if ends { facts.unended().len() } else { 0 };
        let twice = booked_twice(&facts);
        facts.undecided().count() + unended + twice.iter().filter(|name| !raised(name)).count()
    }

    fn is_whole(&self) -> bool {
        let cloud = self.cloud.state();
        let leaders = self.stations.iter().enumerate().filter(|(_, station)| {
            station.terminal.as_ref().is_some_and(|terminal| terminal.status().entitled)
        });
        leaders.count() == 1
            && self.stations.iter().all(|station| {
                let Some(terminal) = &station.terminal else { return false };
                let status = terminal.status();
                let even = status.durable == *cloud.vector() && status.cloud == *cloud.vector();
                let idle = status.queued == 0 && status.open_baskets == 0 && station.till.is_done();
                even && idle
                    && status.health == Health::Normal
                    && status.leader.is_some()
                    && station.disk.is_idle()
            })
    }

    pub(super) fn why_not_quiet(&self) -> String {
        let mut text = format!(
            "not quiet {} s after everything healed: the cloud holds {} events, {} exceptions are due",
            self.plan.deadline_us / 1_000_000,
            self.cloud.events().len(),
            self.undecided()
        );
        for station in &self.stations {
            let Some(terminal) = &station.terminal else {
                text += &format!("; {} is off", station.replica);
                continue;
            };
            let status = terminal.status();
            let held: u64 = status.durable.iter().map(|(_, seq)| seq.0).sum();
            let cloud: u64 = status.cloud.iter().map(|(_, seq)| seq.0).sum();
            text += &format!(
                "; {} holds {held}, knows {cloud} in the cloud, queues {}, {} baskets and {} requests open, {}, {}, leader {}",
                status.me,
                status.queued,
                status.open_baskets,
                station.till.open_requests(),
                status.health,
                if status.entitled { "entitled" } else { "not entitled" },
                status
                    .leader
                    .map_or("none".into(), |leader| format!("{} in term {}", leader.replica, leader.term)),
            );
        }
        text
    }

    /// The store is quiet: every rule, then a power cut for all, and the rules that disks alone must keep.
    pub(super) fn last_words(&mut self) -> Vec<Violation> {
        match self.view() {
            Ok(view) => {
                let found = judge(&view, &self.ledger);
                if !found.is_empty() {
                    return found;
                }
                self.after_a_blackout(&view).err().into_iter().collect()
            }
            Err(violation) => vec![violation],
        }
    }

    fn view(&self) -> Result<StoreView, Violation> {
        Ok(StoreView {
            terminals: self.stations.iter().map(Station::view).collect::<Result<_, _>>()?,
            cloud: CloudView {
                events: self.cloud.events().clone(),
                vector: self.cloud.state().vector().clone(),
                stored_twice: self.cloud.stored_twice().to_vec(),
            },
        })
    }

    /// What a terminal makes of its disk is what it had in memory.
    fn after_a_blackout(&mut self, before: &StoreView) -> Result<(), Violation> {
        for (station, before) in self.stations.iter_mut().zip(&before.terminals) {
            station.stop();
            station.start(self.now_us)?;
            let after = station.view()?;
            after.check_counters()?;
            let same = after.counters == before.counters
                && after.events == before.events
                && after.durable == before.durable
                && after.prices == before.prices
                && after.exceptions == before.exceptions
                && after.open == before.open;
            if !same {
                let what = format!("{} knows something else after a restart", station.replica);
                return Err(Violation::new(Rule::NothingLost, what));
            }
        }
        Ok(())
    }
}
