#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_consensus::Config;
use edgepos_core::Now;

use crate::support::{World, replica, replicas};

/// A learner got its vote and does not know it yet when it is needed: it votes, as one of four of whom one is dead and one has not
/// the log.
#[test]
fn a_voter_that_takes_itself_for_a_learner_votes() {
    for seed in 0..10 {
        let mut world = World::new(seed, 3);
        let leader = world.elect();
        world.run_for(500);
        let (one, other) = ((leader + 1) % 3, (leader + 2) % 3);
        let newcomer = world.add(Config { joins: true, ..Config::standard(replica(3), replicas(3), seed) });
        world.boot(newcomer);
        let now = Now::new(world.now, 0);
        world.nodes[leader].election.as_mut().unwrap().admit(now, replica(newcomer)).unwrap();
        world.flush(leader);
        let is = |world: &World, node: usize, voter: bool| {
            let election = world.nodes[node].election.as_ref().unwrap();
            let list = if voter { election.voters() } else { election.learners() };
            list.contains(&replica(newcomer))
        };
        world.run_until(5000, |world| is(world, newcomer, false));
        // It hears nothing from here on, so that it never learns of its vote.
        world.isolate(newcomer);
        world.run_until(5000, |world| is(world, one, true) && is(world, other, true));
        assert!(is(&world, newcomer, false));
        world.crash(leader);
        world.heal();
        let took = world.run_until(10_000, |world| world.leader().is_some());
        assert!([one, other].contains(&world.leader().unwrap()), "after {took} ms");
        world.run_for(1000);
        assert!(is(&world, newcomer, true));
    }
}
