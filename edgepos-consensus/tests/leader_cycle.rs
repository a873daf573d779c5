#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeSet;

use crate::support::World;

/// Leaders die one after the other until each terminal has led: each takes decisions in its turn, and none depends on who led before.
#[test]
fn each_terminal_leads_in_turn() {
    for seed in 0..3 {
        let mut world = World::new(seed, 5);
        let (mut keys, mut led) = (Vec::new(), BTreeSet::new());
        for _ in 0..60 {
            let leader = world.elect();
            led.insert(leader);
            keys.push(world.propose_next(leader, b"in turn"));
            world.run_for(400);
            world.crash(leader);
            world.run_until(5000, |world| world.leader().is_some());
            world.boot(leader);
            world.run_for(600);
            if led.len() == 5 {
                break;
            }
        }
        assert_eq!(led.len(), 5, "seed {seed}");
        for node in &world.nodes {
            assert!(node.applied.iter().map(|decision| decision.key).eq(keys.iter().copied()), "seed {seed}");
        }
    }
}
