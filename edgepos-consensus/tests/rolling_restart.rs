#![allow(clippy::unwrap_used, reason = "a test")]

use crate::support::World;

/// Fifteen terminals are restarted one after the other, as for an update: the leader hands over first. The store is never without a
/// leader for long, and nothing is lost.
#[test]
fn fifteen_terminals_one_after_the_other() {
    for seed in 0..3 {
        let mut world = World::new(seed, 15);
        world.elect();
        world.run_for(1000);
        let mut without = 0;
        let mut keys = Vec::new();
        for node in 0..15 {
            if world.leader() == Some(node) {
                world.step_down(node);
                without += world.run_until(2000, |world| world.leader().is_some_and(|leader| leader != node));
            }
            world.crash(node);
            let leader = world.leader().expect("a restart of another one costs no leader");
            keys.push(world.propose_next(leader, &[node as u8]));
            world.run_for(300);
            world.boot(node);
            world.run_for(700);
        }
        println!("{without} ms without a leader");
        assert!(without < 500, "{without} ms");
        for node in &world.nodes {
            assert!(node.applied.iter().map(|decision| decision.key).eq(keys.iter().copied()));
        }
    }
}
