#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_consensus::Health;

use crate::support::World;

/// The five voters are off. The learners elect nobody, raise no term and know that nobody leads; with three voters the store goes on.
#[test]
fn learners_elect_nobody() {
    for seed in 0..5 {
        let mut world = World::new(seed, 8);
        let leader = world.elect();
        world.propose(leader, b"before");
        world.run_for(500);
        let term = world.nodes[7].election.as_ref().unwrap().term();
        (0..5).for_each(|node| world.crash(node));
        world.run_for(60_000);
        assert_eq!((world.leader(), world.elections.len()), (None, 1));
        for node in 5..8 {
            let election = world.nodes[node].election.as_ref().unwrap();
            assert_eq!(
                (election.term(), election.leader(), election.health()),
                (term, None, Health::Leaderless)
            );
        }
        (0..3).for_each(|node| world.boot(node));
        world.run_until(5000, |world| world.leader().is_some());
        let key = world.propose(6, b"a learner's");
        world.run_for(1500);
        for node in [0, 1, 2, 5, 6, 7] {
            assert_eq!(world.nodes[node].applied.last().unwrap().key, key);
        }
    }
}
