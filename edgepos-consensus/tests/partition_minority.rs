#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_consensus::Health;

use crate::support::World;

/// E4, E5: a follower is cut off. The leader stays; the follower knows no leader, disturbs nobody when it returns, and catches up.
#[test]
fn a_cut_off_follower_returns_without_an_election() {
    for seed in 0..20 {
        let mut world = World::new(seed, 3);
        let leader = world.elect();
        world.run_for(1000);
        let lonely = (leader + 1) % 3;
        world.isolate(lonely);
        world.run_for(2000);
        assert_eq!(world.health(lonely), Health::Leaderless);
        let term = world.nodes[leader].election.as_ref().unwrap().term();
        assert_eq!(
            world.nodes[lonely].election.as_ref().unwrap().term(),
            term,
            "the pre-vote keeps the term"
        );
        let key = world.propose(leader, b"while away");
        world.run_for(60_000);
        world.heal();
        world.run_for(2000);
        assert_eq!(world.leader(), Some(leader));
        assert_eq!(world.elections.len(), 1, "{:?}", world.elections);
        assert_eq!(world.nodes[lonely].applied[0].key, key);
        assert_eq!(world.health(lonely), Health::Normal);
    }
}

/// Two halves without a majority on either side: nobody leads, nobody decides, and it ends with the partition.
#[test]
fn two_halves_decide_nothing() {
    let mut world = World::new(1, 4);
    let leader = world.elect();
    let friend = (leader + 1) % 4;
    let others: Vec<_> = (0..4).filter(|node| *node != leader && *node != friend).collect();
    world.partition(&[leader, friend], &others);
    world.run_for(10);
    world.propose(leader, b"waits");
    world.run_for(5000);
    assert_eq!(world.leader(), None);
    assert!(world.nodes.iter().all(|node| node.applied.is_empty()));
    world.heal();
    world.elect();
    world.run_for(2000);
    assert!(world.nodes.iter().all(|node| node.applied.len() == 1), "{}", world.summary());
}
