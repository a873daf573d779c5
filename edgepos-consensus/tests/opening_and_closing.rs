#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_core::Jitter;

use crate::support::World;

/// Voters that are on, of the five.
fn voters_on(world: &World) -> usize {
    world.nodes[..5].iter().filter(|node| node.election.is_some()).count()
}

/// E4, E8: a store of fifteen closes terminal by terminal within some minutes, a leader handing over before it is switched off, and
/// opens again in another order. There is a leader whenever three of the five voters are on, at most one election for each
/// leader that leaves, and the decisions of the day before are there in the morning.
#[test]
fn fifteen_terminals_close_and_open() {
    for seed in 0..6 {
        let mut world = World::new(seed, 15);
        world.sees_disconnects = seed % 2 == 0;
        let mut order = Jitter::new(seed ^ 0xC105E);
        let mut shuffled = |count: usize| {
            let mut all: Vec<usize> = (0..count).collect();
            (1..count).rev().for_each(|last| all.swap(last, order.range(0, last as u64) as usize));
            all
        };
        let first = world.elect();
        world.run_for(1000);
        world.propose(first, b"of the day");
        world.run_for(1000);
        let mut left = 0;
        for node in shuffled(15) {
            if world.leader() == Some(node) {
                left += 1;
                world.step_down(node);
                world.run_for(400);
            }
            world.crash(node);
            world.run_for(7000);
            assert_eq!(world.leader().is_some(), voters_on(&world) >= 3, "seed {seed}");
        }
        assert!(world.elections.len() <= 1 + left, "seed {seed}: {:?} for {left}", world.elections);
        world.run_for(8 * 3_600_000);
        let before = world.elections.len();
        for node in shuffled(15) {
            world.boot(node);
            world.run_for(3000);
            assert_eq!(world.leader().is_some(), voters_on(&world) >= 3, "seed {seed}");
        }
        assert_eq!(world.elections.len(), before + 1, "seed {seed}: one election in the morning");
        let leader = world.leader().unwrap();
        let key = world.propose_next(leader, b"of the next day");
        world.run_for(1000);
        for node in &world.nodes {
            assert_eq!(node.applied.len(), 2);
            assert_eq!(node.applied[1].key, key);
        }
    }
}

/// The whole store loses power and gets it back at the same moment: all stand at about the same time, and one is elected.
#[test]
fn power_returns_to_all_at_once() {
    for seed in 0..20 {
        let mut world = World::new(seed, 15);
        world.elect();
        world.run_for(1000);
        (0..15).for_each(|node| world.crash(node));
        world.run_for(60_000);
        (0..15).for_each(|node| world.boot(node));
        let took = world.run_until(5000, |world| world.leader().is_some());
        assert!(took <= 2500, "seed {seed}: {took} ms");
    }
}
