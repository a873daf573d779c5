#![allow(clippy::unwrap_used, reason = "a test")]

use crate::support::World;

/// Each terminal in turn is the only one that may become the leader, takes decisions, and hands over or dies: no turn depends on who
/// led before.
#[test]
fn each_terminal_leads_in_turn() {
    for seed in 0..5 {
        let mut world = World::new(seed, 5);
        let mut keys = Vec::new();
        let mut led = Vec::new();
        let mut dies = false;
        for turn in 0.. {
            if led.len() == 5 {
                break;
            }
            assert!(turn < 200, "the draws are fair: {led:?}");
            let leader = world.elect();
            if led.contains(&leader) {
                // A hand-over goes to the best follower, which may be the same two for ever: chance decides after a crash.
                world.crash(leader);
                world.run_until(3000, |world| world.leader().is_some());
                world.boot(leader);
                world.run_for(1500);
                continue;
            }
            led.push(leader);
            keys.push(world.propose_next(leader, b"in turn"));
            world.run_for(400);
            dies = !dies;
            if dies {
                world.crash(leader);
                world.run_until(3000, |world| world.leader().is_some());
                world.boot(leader);
            } else {
                world.step_down(leader);
            }
            world.run_for(1500);
        }
        for node in &world.nodes {
            assert!(node.applied.iter().map(|decision| decision.key).eq(keys.iter().copied()), "seed {seed}");
        }
    }
}
