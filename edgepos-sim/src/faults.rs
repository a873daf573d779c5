//! What goes wrong, and when.

use std::fmt;

use edgepos_core::Jitter;

use crate::plan::{FaultStyle, Plan, Purpose, pause, pick};

/// One thing that goes wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// A process dies; with `power`, the device does.
    Crash {
        /// Which terminal, by its place from 0.
        who: usize,
        /// Whether the device lost power: the monotonic clock starts again, and peers see no reset.
        power: bool,
    },
    /// All devices lose power.
    Blackout,
    /// Frames get from one group to the other no more, both ways. Bit `n`: terminal `n` is in the first group.
    Partition(u32),
    /// Frames get no more from one terminal to another.
    OneWay(usize, usize),
    /// Whoever leads is cut off from all others.
    IsolateLeader,
    /// A connection dies.
    Reset(usize, usize),
    /// The cloud is away.
    Outage,
    /// One terminal cannot reach the cloud.
    NoUplink(usize),
    /// One disk is slow.
    SlowDisk(usize),
    /// One wall clock is set, by so many milliseconds.
    ClockJump(usize, i64),
    /// One process stands still.
    Stall(usize),
    /// Whoever leads is asked to hand over.
    StepDown,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crash { who, power: false } => write!(f, "T{} dies", who + 1),
            Self::Crash { who, power: true } => write!(f, "T{} loses power", who + 1),
            Self::Blackout => f.write_str("all lose power"),
            Self::Partition(side) => write!(f, "the network splits: {side:b}"),
            Self::OneWay(from, to) => write!(f, "T{} does not reach T{}", from + 1, to + 1),
            Self::IsolateLeader => f.write_str("the leader is cut off"),
            Self::Reset(a, b) => write!(f, "the connection of T{} and T{} dies", a + 1, b + 1),
            Self::Outage => f.write_str("the cloud is away"),
            Self::NoUplink(who) => write!(f, "T{} does not reach the cloud", who + 1),
            Self::SlowDisk(who) => write!(f, "T{}'s disk is slow", who + 1),
            Self::ClockJump(who, by_ms) => write!(f, "T{}'s clock is set by {by_ms} ms", who + 1),
            Self::Stall(who) => write!(f, "T{} stands still", who + 1),
            Self::StepDown => f.write_str("the leader is asked to hand over"),
        }
    }
}

/// A fault with its time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Planned {
    /// When it comes, in microseconds.
    pub at_us: u64,
    /// When it is mended, where it lasts.
    pub until_us: u64,
    /// What it is.
    pub fault: Fault,
}

/// Every fault of a run, by time.
pub fn schedule(plan: &Plan) -> Vec<Planned> {
    let mut rng = plan.rng(Purpose::Faults, 0);
    let kinds = kinds(&plan.faults);
    let mut planned = Vec::new();
    let mut at_us = 2_000_000;
    while !kinds.is_empty() {
        at_us += pause(&mut rng, plan.faults.pause_us);
        if at_us >= plan.faults_us {
            break;
        }
        let kind = kinds[rng.range(0, kinds.len() as u64) as usize];
        let (fault, lasts_us) = draw(kind, plan.terminals as u64, &mut rng);
        planned.push(Planned { at_us, until_us: (at_us + lasts_us).min(plan.faults_us), fault });
    }
    planned
}

#[derive(Clone, Copy)]
enum Kind {
    Crash,
    Power,
    Blackout,
    Partition,
    OneWay,
    IsolateLeader,
    Reset,
    Outage,
    NoUplink,
    SlowDisk,
    ClockJump,
    Stall,
    StepDown,
}

/// Crashes come more often than the rest: they are what costs money.
fn kinds(style: &FaultStyle) -> Vec<Kind> {
    let choices = [
        (style.crash, Kind::Crash),
        (style.crash, Kind::Crash),
        (style.power, Kind::Power),
        (style.blackout, Kind::Blackout),
        (style.partition, Kind::Partition),
        (style.partition, Kind::Partition),
        (style.one_way, Kind::OneWay),
        (style.isolate_leader, Kind::IsolateLeader),
        (style.cut, Kind::Reset),
        (style.outage, Kind::Outage),
        (style.no_uplink, Kind::NoUplink),
        (style.slow_disk, Kind::SlowDisk),
        (style.clock_jump, Kind::ClockJump),
        (style.stall, Kind::Stall),
        (style.step_down, Kind::StepDown),
    ];
    choices.into_iter().filter_map(|(on, kind)| on.then_some(kind)).collect()
}

fn draw(kind: Kind, terminals: u64, rng: &mut Jitter) -> (Fault, u64) {
    let who = rng.range(0, terminals) as usize;
    let other = (who + 1 + rng.range(0, terminals - 1) as usize) % terminals as usize;
    let short = rng.range(200_000, 4_000_000);
    let long = rng.range(1_000_000, 25_000_000);
    // Long enough for terminals without a leader to ask the cloud for the store's lease.
    let night = rng.range(25_000_000, 55_000_000);
    match kind {
        Kind::Crash => (Fault::Crash { who, power: false }, short),
        Kind::Power => (Fault::Crash { who, power: true }, pick(rng, &[short, short, short, long, night])),
        Kind::Blackout => (Fault::Blackout, short),
        // Neither group is empty.
        Kind::Partition => {
            (Fault::Partition(rng.range(1, (1 << terminals) - 1) as u32), pick(rng, &[long, long, night]))
        }
        Kind::OneWay => (Fault::OneWay(who, other), long),
        Kind::IsolateLeader => (Fault::IsolateLeader, long),
        Kind::Reset => (Fault::Reset(who, other), 0),
        Kind::Outage => (Fault::Outage, long),
        Kind::NoUplink => (Fault::NoUplink(who), long),
        Kind::SlowDisk => (Fault::SlowDisk(who), long),
        Kind::ClockJump => {
            let days = 86_400_000;
            let far = rng.range(0, 3) == 0;
            let by_ms = if far {
                rng.range(0, 2 * days) as i64 - days as i64
            } else {
                rng.range(0, 120_000) as i64 - 60_000
            };
            (Fault::ClockJump(who, by_ms), 0)
        }
        Kind::Stall => (Fault::Stall(who), rng.range(100_000, 3_000_000)),
        Kind::StepDown => (Fault::StepDown, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_come_in_order_and_end_with_their_phase() {
        let mut kinds = std::collections::BTreeSet::new();
        for seed in 0..100 {
            let plan = Plan::from_seed(seed);
            let planned = schedule(&plan);
            assert!(planned.is_sorted_by_key(|planned| planned.at_us));
            for planned in planned {
                assert!(planned.at_us <= planned.until_us && planned.until_us <= plan.faults_us);
                kinds.insert(format!("{:?}", std::mem::discriminant(&planned.fault)));
                if let Fault::Partition(side) = planned.fault {
                    assert!(side != 0 && side != (1 << plan.terminals) - 1);
                }
                if let Fault::OneWay(from, to) = planned.fault {
                    assert_ne!(from, to);
                }
            }
        }
        assert_eq!(kinds.len(), 12, "every kind comes");
    }
}
