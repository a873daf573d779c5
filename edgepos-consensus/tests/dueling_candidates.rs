#![allow(clippy::unwrap_used, reason = "a test")]

use crate::support::World;

/// Two terminals that cannot hear each other both stand; the third hears both. One wins, and the other does not depose it: its
/// pre-votes are refused by a terminal that hears a leader, so that no term is lost.
#[test]
fn the_one_that_is_not_elected_gives_in() {
    for seed in 0..20 {
        let mut world = World::new(seed, 3);
        world.partition(&[0], &[2]);
        let leader = world.elect();
        world.run_for(3000);
        let term = world.nodes[leader].election.as_ref().unwrap().term();
        world.run_for(30_000);
        let later = world.leader().expect("there is a leader all the time");
        assert_eq!(world.nodes[later].election.as_ref().unwrap().term(), term, "nobody was deposed");
        world.heal();
        world.run_for(2000);
        let key = world.propose_next(later, b"together");
        world.run_for(500);
        assert!(world.nodes.iter().all(|node| node.applied.last().unwrap().key == key));
        assert_eq!(world.leader(), Some(later));
    }
}

/// Votes split between candidates of the same moment, again and again: with latencies as long as the time-outs differ, somebody is
/// elected all the same.
#[test]
fn split_votes_do_not_last() {
    let mut slowest = 0;
    for seed in 0..40 {
        let mut world = World::new(seed, 5);
        world.latency = (10, 60);
        let leader = world.elect();
        world.run_for(1000);
        world.crash(leader);
        slowest = slowest.max(world.run_until(15_000, |world| world.leader().is_some()));
    }
    println!("slowest election {slowest} ms");
    assert!(slowest < 10_000, "{slowest}");
}
