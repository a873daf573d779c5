//! Faults come, and end.

use super::{Happening, World};
use crate::check::Violation;
use crate::faults::{Fault, Planned};
use crate::machine::Machine;
use crate::plan::Sabotage;

impl World {
    pub(super) fn fault(&mut self, number: usize) -> Result<(), Violation> {
        let Planned { until_us, fault, .. } = self.faults[number].clone();
        self.note(None, &format!("{fault} until {}.{:03}", until_us / 1_000_000, until_us / 1000 % 1000));
        self.counts.faults += 1;
        let count = self.stations.len();
        match fault {
            Fault::Crash { who, power } => {
                self.stop(who, power);
                self.agenda.at(until_us, Happening::Start(who, power));
            }
            Fault::Blackout => {
                for who in 0..count {
                    self.stop(who, true);
                    self.agenda.at(until_us + who as u64 * 211_000, Happening::Start(who, true));
                }
            }
            Fault::Partition(side) => {
                let first = |who: usize| side >> who & 1 == 1;
                let pairs = (0..count).flat_map(|a| (0..count).map(move |b| (a, b)));
                self.cut(number, until_us, pairs.filter(|&(a, b)| first(a) != first(b)).collect());
            }
            Fault::OneWay(from, to) => self.cut(number, until_us, vec![(from, to)]),
            Fault::IsolateLeader => {
                let Some(leader) = self.leader() else { return Ok(()) };
                let others = (0..count).filter(|&other| other != leader);
                self.cut(
                    number,
                    until_us,
                    others.flat_map(|other| [(leader, other), (other, leader)]).collect(),
                );
            }
            Fault::Reset(a, b) => self.network.reset(self.now_us, a, b, &mut self.agenda),
            Fault::Outage => self.cloud.away_until(until_us),
            Fault::NoUplink(who) => self.stations[who].no_uplink_until_us = until_us,
            Fault::SlowDisk(who) => self.stations[who].disk.slow_until(until_us),
            Fault::ClockJump(who, by_ms) => self.stations[who].clock.jump(by_ms),
            Fault::Stall(who) => self.stations[who].stalled_until_us = until_us,
            Fault::StepDown => {
                let Some(leader) = self.leader() else { return Ok(()) };
                let now = self.stations[leader].now(self.now_us);
                if let Some(terminal) = &mut self.stations[leader].terminal {
                    terminal.step_down(now);
                }
                self.drain(leader)?;
            }
        }
        Ok(())
    }

    fn cut(&mut self, number: usize, until_us: u64, ways: Vec<(usize, usize)>) {
        self.network.cut(self.now_us, number as u64, ways, &mut self.agenda);
        self.agenda.at(until_us, Happening::Mend(number));
    }

    pub(super) fn leader(&self) -> Option<usize> {
        self.stations
            .iter()
            .position(|station| station.terminal.as_ref().is_some_and(|terminal| terminal.status().entitled))
    }

    /// The end of all faults.
    pub(super) fn heal(&mut self) -> Result<(), Violation> {
        self.note(None, "everything heals");
        self.healed = true;
        self.network.heal(self.now_us, &mut self.agenda);
        self.cloud.heal();
        if self.plan.sabotage == Some(Sabotage::CloudStaysAway) {
            self.cloud.away_until(u64::MAX);
        }
        for place in 0..self.stations.len() {
            if self.stations[place].catch_up() {
                self.stop(place, false);
            }
            let station = &mut self.stations[place];
            station.disk.heal();
            station.stalled_until_us = 0;
            station.no_uplink_until_us = 0;
            station.till.close(self.now_us);
            if let Some(Machine::Later(later)) = &mut station.terminal {
                later.fall_silent();
            }
            let after_us = (place as u64 + 1) * 150_000;
            self.agenda.at(self.now_us + after_us, Happening::Start(place, true));
            self.rouse_till(place);
        }
        Ok(())
    }
}
