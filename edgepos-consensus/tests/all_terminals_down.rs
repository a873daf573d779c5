#![allow(clippy::unwrap_used, reason = "a test")]

use crate::support::World;

/// E4: all terminals lose power at once, writes under way included, and come back one by one.
#[test]
fn then_up_one_by_one() {
    for seed in 0..20 {
        let mut world = World::new(seed, 5);
        let leader = world.elect();
        let keys: Vec<_> = (0..10).map(|number| world.propose(leader, &[number])).collect();
        world.run_for(seed * 3);
        (0..5).for_each(|node| world.crash(node));
        let most = world.nodes.iter().map(|node| node.applied.len()).max().unwrap();
        world.run_for(10_000);
        for node in 0..5 {
            world.boot(node);
            if node < 2 {
                world.run_for(3000);
                assert_eq!(world.leader(), None, "two of five are no majority");
            } else if node == 2 {
                world.elect();
            }
            world.run_for(700);
        }
        world.run_for(1000);
        for node in &world.nodes {
            assert!(node.applied.len() >= most, "a decision is for ever");
            let applied = node.applied.iter().map(|decision| decision.key);
            assert!(applied.eq(keys[..node.applied.len()].iter().copied()));
        }
    }
}
