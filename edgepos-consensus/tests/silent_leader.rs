#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_consensus::Config;
use edgepos_core::Now;

use crate::support::{World, replica, replicas};

/// A store of one gives a newcomer a vote, and the newcomer's disk stalls before it knows. The leader loses its majority and asks the
/// newcomer for its vote; what a former leader asks for does not count as a leader's sign of life, or it would never get the vote.
#[test]
fn a_former_leader_that_asks_for_votes_is_not_followed() {
    for seed in 0..10 {
        let mut world = World::new(seed, 1);
        world.elect();
        let newcomer = world.add(Config { joins: true, ..Config::standard(replica(1), replicas(1), seed) });
        world.boot(newcomer);
        world.propose(newcomer, b"from the newcomer");
        world.run_for(10);
        world.nodes[newcomer].disk_ms = 3000;
        let now = Now::new(world.now, 0);
        world.nodes[0].election.as_mut().unwrap().admit(now, replica(newcomer)).unwrap();
        world.flush(0);
        world.run_until(5000, |world| world.leader().is_none());
        world.nodes[newcomer].disk_ms = 1;
        world.run_until(10_000, |world| world.leader().is_some());
        let key = world.propose(newcomer, b"after");
        world.run_for(2000);
        assert!(world.nodes.iter().all(|node| node.applied.last().is_some_and(|last| last.key == key)));
    }
}
