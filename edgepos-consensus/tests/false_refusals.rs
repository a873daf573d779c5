//! The guard refuses what no honest terminal says, and nothing else: in chaos of every honest kind its counters stay at zero. What is
//! counted all the same has its reason here.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;

use edgepos_consensus::{Config, DropReason, Timing};
use edgepos_core::{Jitter, Now};

use crate::support::{World, replica, replicas};

/// Crashes, restarts, partitions, one-way cuts, duplicates, losses, hand-overs, changes of members, slow disks, and a log so short
/// that snapshots are common.
fn chaos(seed: u64, terminals: usize) -> World {
    let mut jitter = Jitter::derive(seed, &[terminals as u64]);
    let fast = jitter.range(0, 3) == 0;
    let mut world = World::with(seed, terminals, |config| shape(config, fast));
    world.sees_disconnects = jitter.range(0, 2) == 0;
    world.duplicates = 50;
    world.loss = [0, 20, 100][jitter.range(0, 3) as usize];
    let mut retired = vec![false; terminals];
    for _ in 0..120 {
        let node = jitter.range(0, world.nodes.len() as u64) as usize;
        match jitter.range(0, 16) {
            0 if world.nodes[node].election.is_some() => world.crash(node),
            1 | 2 if !retired[node] && world.nodes[node].election.is_none() => world.boot(node),
            3 => world.isolate(node),
            4 => {
                let half: Vec<_> = (0..world.nodes.len()).collect();
                let (left, right) = half.split_at(node);
                world.partition(left, right);
            }
            5 => world.cut(node, jitter.range(0, terminals as u64) as usize),
            6 | 7 => world.heal(),
            8 => world.nodes[node].disk_ms = jitter.range(0, 40),
            9 => {
                if let Some(leader) = world.leader() {
                    world.step_down(leader);
                }
            }
            10 => change_members(&mut world, &mut jitter, &mut retired, fast),
            _ => {
                if world.nodes[node].election.is_some() {
                    for _ in 0..jitter.range(1, 12) {
                        world.propose_next(node, b"something to decide");
                    }
                }
            }
        }
        let ms = jitter.range(0, 500);
        world.run_for(ms);
    }
    world
}

fn shape(config: &mut Config, fast: bool) {
    config.max_log_entries = 24;
    if fast {
        (config.timing, config.lossy_transport) = (Timing::fast(), true);
    }
}

/// A retired terminal is switched off, as its operator does: it asks for votes no more.
fn change_members(world: &mut World, jitter: &mut Jitter, retired: &mut Vec<bool>, fast: bool) {
    let Some(leader) = world.leader() else { return };
    let now = Now::new(world.now, 0);
    let count = world.nodes.len();
    let node = jitter.range(0, count as u64) as usize;
    let election = world.nodes[leader].election.as_mut().unwrap();
    let members = election.voters().len() + election.learners().len();
    if members > 3 && node != leader && !retired[node] && jitter.range(0, 3) == 0 {
        if election.retire(now, replica(node)).is_ok() {
            retired[node] = true;
            world.flush(leader);
            if world.nodes[node].election.is_some() {
                world.crash(node);
            }
        }
    } else if members < 15 && count < 16 {
        let mut config = Config::standard(replica(count), replicas(count.min(15)), 1);
        config.joins = true;
        shape(&mut config, fast);
        let election = world.nodes[leader].election.as_mut().unwrap();
        if election.admit(now, replica(count)).is_ok() {
            config.voters = world.nodes[0].config.voters.clone();
            retired.push(false);
            let newcomer = world.add(config);
            world.flush(leader);
            world.boot(newcomer);
        }
    }
}

/// Refusals that are counted in honest traffic, and why each is right.
const EXPECTED: [(DropReason, &[&str]); 5] = [
    // An order to take over that comes late: to obey it would disturb the leader that there is by now.
    (DropReason::NotFromLeader, &["TimeoutNow"]),
    // A proposal to a terminal that led when it was sent. It is sent to the next leader.
    (DropReason::NotLeading, &["Propose"]),
    // A proposal of a terminal that was removed while it was on its way, or whose admission the leader has yet to apply.
    (DropReason::UnknownSender, &["Propose"]),
    // While a snapshot is being written there is no log to look into. Its sender asks again.
    (DropReason::Busy, &["Append", "Heartbeat", "Vote", "VoteReply", "Snapshot"]),
    // An answer of a terminal that was removed while it was on its way.
    (DropReason::Dropped, &["AppendReply", "HeartbeatReply", "VoteReply"]),
];

fn run(seeds: std::ops::Range<u64>) -> u64 {
    let (mut delivered, mut refused) = (0, BTreeMap::<_, u64>::new());
    for seed in seeds {
        for terminals in [3, 5, 7, 15] {
            let world = chaos(seed, terminals);
            delivered += world.delivered;
            for ((reason, kind), count) in world.refused_kinds {
                let expected =
                    |(known, kinds): &(DropReason, &[&str])| *known == reason && kinds.contains(&&*kind);
                assert!(EXPECTED.iter().any(expected), "{terminals} terminals: {reason:?} of {count} {kind}");
                *refused.entry((reason, kind)).or_default() += count;
            }
        }
    }
    println!("{delivered} messages delivered, refused: {refused:?}");
    delivered
}

#[test]
fn honest_traffic_passes_the_guard() {
    assert!(run(0..8) > 100_000);
}

/// A request for votes that was sent again waited for a write that it did not depend on, and the votes for the first one were refused
/// meanwhile.
#[test]
fn a_seed_with_votes_asked_for_twice() {
    run(1106..1107);
}

#[test]
#[ignore = "minutes: `.ci/run --long` runs it, optimised"]
fn ten_million_honest_messages_pass_the_guard() {
    assert!(run(1000..1400) > 10_000_000);
}
