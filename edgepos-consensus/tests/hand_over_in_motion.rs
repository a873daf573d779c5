#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_core::Now;

use crate::support::{World, replica};

/// Proposals of everybody while the leadership is handed over: none is lost, none counts twice.
#[test]
fn proposals_outlive_a_hand_over() {
    for seed in 0..20 {
        let mut world = World::new(seed, 3);
        let old = world.elect();
        world.run_for(700);
        world.step_down(old);
        for _ in 0..10 {
            for node in 0..3 {
                world.propose_next(node, &[node as u8]);
            }
            world.run_for(seed % 4);
        }
        world.run_for(3000);
        assert!(world.leader().is_some_and(|leader| leader != old));
        assert!(world.nodes.iter().all(|node| node.applied.len() == 30), "{}", world.summary());
    }
}

/// The follower that takes over lacks more than the log keeps: it gets the snapshot first.
#[test]
fn to_one_that_needs_a_snapshot() {
    for seed in 0..5 {
        let mut world = World::with(seed, 3, |config| config.max_log_entries = 16);
        let old = world.elect();
        let (behind, off) = ((old + 1) % 3, (old + 2) % 3);
        world.run_for(500);
        world.isolate(behind);
        for number in 0..60 {
            world.propose(old, &[number]);
            world.run_for(20);
        }
        world.heal();
        world.crash(off);
        world.run_for(5);
        if world.leader() != Some(old) {
            continue;
        }
        world.step_down(old);
        world.run_until(20_000, |world| world.leader().is_some());
        let leader = world.leader().unwrap();
        let key = world.propose_next(leader, b"after");
        world.run_for(1500);
        assert_eq!(world.nodes[behind].applied.last().unwrap().key, key);
        assert_eq!(world.nodes[old].applied.last().unwrap().key, key);
    }
}

/// The follower that is about to take over is retired in the same moment; and a second hand-over while the first is under way.
#[test]
fn orders_that_contradict_each_other() {
    for seed in 0..20 {
        let mut world = World::new(seed, 4);
        let old = world.elect();
        world.run_for(700);
        let now = Now::new(world.now, 0);
        let election = world.nodes[old].election.as_mut().unwrap();
        election.retire(now, replica((old + 1) % 4)).unwrap();
        world.flush(old);
        world.step_down(old);
        if world.nodes[old].election.as_ref().unwrap().leader().is_some() {
            world.step_down(old);
        }
        world.run_until(5000, |world| world.leader().is_some());
        world.run_for(2000);
        let leader = world.elect();
        let key = world.propose_next(leader, b"after");
        world.run_for(1000);
        let voters = world.nodes[leader].election.as_ref().unwrap().voters().to_vec();
        for node in world.nodes.iter().filter(|node| voters.contains(&node.config.me)) {
            assert_eq!(node.applied.last().unwrap().key, key);
        }
    }
}
