#![allow(clippy::unwrap_used, reason = "a test")]

use crate::support::World;

fn trace(seed: u64) -> Vec<String> {
    let mut world = World::new(seed, 5);
    world.trace = Some(Vec::new());
    (world.loss, world.duplicates) = (30, 20);
    world.run_for(2000);
    for round in 0..6 {
        let node = round % 5;
        if world.nodes[node].election.is_some() {
            world.propose(node, &[round as u8]);
        }
        world.crash(node);
        world.run_for(900);
        world.boot(node);
        world.isolate((node + 1) % 5);
        world.run_for(700);
        world.heal();
    }
    world.trace.take().unwrap()
}

/// E2: the same seed twice gives the same messages, writes and notices, at the same moments.
#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in 0..8 {
        let (first, second) = (trace(seed), trace(seed));
        assert!(first.len() > 500);
        let differs = first.iter().zip(&second).position(|(a, b)| a != b);
        assert_eq!(differs.map(|line| (&first[line], &second[line])), None);
        assert_eq!(first.len(), second.len());
    }
}

#[test]
fn another_seed_gives_another_trace() {
    assert_ne!(trace(1), trace(2));
}
