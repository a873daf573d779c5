#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_consensus::{Config, DropReason};
use edgepos_core::Now;

use crate::support::{World, replica, replicas};

/// A terminal was cut off while a newcomer got its vote. Only the newcomer has the whole log when it returns, so that only the
/// newcomer may lead: the terminal cannot know that it votes, sees that it knows more, and helps to elect it.
#[test]
fn a_voter_from_beyond_the_own_log_is_elected() {
    for seed in 0..10 {
        let mut world = World::new(seed, 4);
        let leader = world.elect();
        world.run_for(500);
        let (middle, late, missing) = ((leader + 1) % 4, (leader + 2) % 4, (leader + 3) % 4);
        world.isolate(late);
        let newcomer = world.add(Config { joins: true, ..Config::standard(replica(4), replicas(4), seed) });
        world.boot(newcomer);
        world.partition(&[late], &[newcomer]);
        let now = Now::new(world.now, 0);
        world.nodes[leader].election.as_mut().unwrap().admit(now, replica(newcomer)).unwrap();
        world.flush(leader);
        let votes = |world: &World, node: usize| {
            world.nodes[node].election.as_ref().unwrap().voters().contains(&replica(newcomer))
        };
        world.run_until(5000, |world| votes(world, missing) && votes(world, newcomer));
        // The middle one misses a decision as well, and the two that have it besides the newcomer are gone.
        world.isolate(missing);
        let key = world.propose(leader, b"decided by three of five");
        world.run_for(1000);
        assert_eq!(world.nodes[newcomer].applied.last().unwrap().key, key);
        world.crash(leader);
        world.crash(middle);
        world.heal();
        world.run_until(10_000, |world| world.leader() == Some(newcomer));
        world.run_for(1000);
        assert_eq!(world.nodes[late].applied.last().unwrap().key, key);
        assert!(!world.drops().contains_key(&DropReason::NotAVoter), "{:?}", world.drops());
    }
}
