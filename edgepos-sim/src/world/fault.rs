//! What a fault does to the devices, the network and the cloud.

use super::happening::Happening;
use crate::agenda::Agenda;
use crate::cloud::Cloud;
use crate::faults::{Fault, Planned};
use crate::network::Network;
use crate::station::Station;

/// What a fault strikes.
pub(super) struct Scene<'a> {
    pub(super) now_us: u64,
    pub(super) stations: &'a mut [Station],
    pub(super) network: &'a mut Network,
    pub(super) cloud: &'a mut Cloud,
    pub(super) agenda: &'a mut Agenda<Happening>,
}

/// What is left to be done.
pub(super) enum Strike {
    Nothing,
    /// These devices stop, with their power or without, and start again then.
    Stop(Vec<(usize, bool, u64)>),
    /// This terminal was told something.
    Told(usize),
}

/// Who leads.
pub(super) fn leader(stations: &[Station]) -> Option<usize> {
    stations.iter().position(Station::is_entitled)
}

/// Fault number `number` comes.
pub(super) fn strike(scene: Scene<'_>, number: usize, planned: &Planned) -> Strike {
    let Scene { now_us, stations, network, cloud, agenda } = scene;
    let until_us = planned.until_us;
    let count = stations.len();
    let mut cut = |ways: Vec<(usize, usize)>| {
        network.cut(now_us, number as u64, ways, agenda);
        agenda.at(until_us, Happening::Mend(number));
    };
    match planned.fault {
        Fault::Crash { who, power } => return Strike::Stop(vec![(who, power, until_us)]),
        Fault::Blackout => {
            let all = (0..count).map(|who| (who, true, until_us + who as u64 * 211_000));
            return Strike::Stop(all.collect());
        }
        Fault::Partition(side) => {
            let first = |who: usize| side >> who & 1 == 1;
            let pairs = (0..count).flat_map(|a| (0..count).map(move |b| (a, b)));
            cut(pairs.filter(|&(a, b)| first(a) != first(b)).collect());
        }
        Fault::OneWay(from, to) => cut(vec![(from, to)]),
        Fault::IsolateLeader => {
            let Some(leader) = leader(stations) else { return Strike::Nothing };
            let others = (0..count).filter(|&other| other != leader);
            cut(others.flat_map(|other| [(leader, other), (other, leader)]).collect());
        }
        Fault::Reset(a, b) => network.reset(now_us, a, b, agenda),
        Fault::Outage => cloud.away_until(until_us),
        Fault::NoUplink(who) => stations[who].cut_uplink(until_us),
        Fault::SlowDisk(who) => stations[who].slow_disk(until_us),
        Fault::ClockJump(who, by_ms) => stations[who].jump_clock(by_ms),
        Fault::Stall(who) => stations[who].stall(until_us),
        Fault::StepDown => {
            let Some(leader) = leader(stations) else { return Strike::Nothing };
            stations[leader].step_down(now_us);
            return Strike::Told(leader);
        }
    }
    Strike::Nothing
}
