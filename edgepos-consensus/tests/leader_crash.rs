#![allow(clippy::unwrap_used, reason = "a test")]

use crate::support::World;

/// E4: the leader loses power. Another one is entitled within a second, whatever the moment of the crash.
#[test]
fn another_leader_is_entitled_within_a_second() {
    let mut slowest = 0;
    for seed in 0..60 {
        let mut world = World::new(seed, 5);
        let first = world.elect();
        world.run_for(1000 + seed * 7);
        assert_eq!(world.leader(), Some(first), "nothing disturbs a leader");
        let term = world.nodes[first].election.as_ref().unwrap().term();
        world.crash(first);
        let took = world.run_until(2000, |world| world.leader().is_some());
        slowest = slowest.max(took);
        let second = world.leader().unwrap();
        assert_ne!(first, second);
        assert!(world.nodes[second].election.as_ref().unwrap().term() > term);
    }
    println!("slowest failover {slowest} ms");
    assert!(slowest < 1500, "{slowest} ms");
}

/// The crashed leader comes back and follows.
#[test]
fn the_old_leader_follows_when_it_returns() {
    let mut world = World::new(3, 3);
    let first = world.elect();
    world.crash(first);
    world.run_for(2000);
    let second = world.elect();
    world.boot(first);
    world.run_for(2000);
    assert_eq!(world.leader(), Some(second), "a returning terminal disturbs nobody");
    let leader = world.nodes[first].election.as_ref().unwrap().leader().unwrap();
    assert_eq!(leader.replica, world.nodes[second].config.me);
}
