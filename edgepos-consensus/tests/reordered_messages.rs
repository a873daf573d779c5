#![allow(clippy::unwrap_used, reason = "a test")]

use crate::support::World;

/// Messages overtake each other by up to a heartbeat, and every fifth comes twice: all is decided once, in order, under one leader.
#[test]
fn decisions_keep_their_order() {
    for seed in 0..10 {
        let mut world = World::new(seed, 5);
        let leader = world.elect();
        world.run_for(500);
        world.latency = (1, 140);
        world.duplicates = 200;
        let mut keys = Vec::new();
        for number in 0..60 {
            keys.push(world.propose(leader, &[number]));
            world.run_for(10);
        }
        world.run_for(5000);
        assert_eq!((world.leader(), world.elections.len()), (Some(leader), 1));
        for node in &world.nodes {
            assert!(node.applied.iter().map(|decision| decision.key).eq(keys.iter().copied()));
        }
    }
}
