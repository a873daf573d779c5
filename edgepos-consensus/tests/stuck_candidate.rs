#![allow(clippy::unwrap_used, reason = "a test")]

use crate::support::World;

/// Two of three whose votes are lost on the way: they stand again and again, and their terms rise.
fn inflated(seed: u64) -> (World, usize, usize, usize) {
    let mut world = World::new(seed, 3);
    let leader = world.elect();
    world.propose(leader, b"before");
    world.run_for(500);
    let (one, other) = ((leader + 1) % 3, (leader + 2) % 3);
    world.crash(leader);
    world.drops = Some("VoteReply { pre: false");
    world.run_for(6000);
    world.drops = None;
    (world, leader, one, other)
}

fn term(world: &World, node: usize) -> u64 {
    world.nodes[node].election.as_ref().unwrap().term().0
}

/// A candidate in a high term is cut off, and the others elect a leader in whatever term. When it returns it follows, at the price of
/// one election at most: it is not left in a term in which it hears nobody.
#[test]
fn a_candidate_in_a_higher_term_is_freed() {
    for seed in 0..20 {
        let (mut world, old, one, other) = inflated(seed);
        assert!(term(&world, one).max(term(&world, other)) > 4, "terms rose");
        let stuck = if term(&world, one) >= term(&world, other) { one } else { other };
        world.isolate(stuck);
        world.boot(old);
        world.run_until(5000, |world| world.leader().is_some());
        world.run_for(1000);
        world.heal();
        world.run_for(3000);
        let leader = world.leader().expect("there is a leader");
        for node in 0..3 {
            let election = world.nodes[node].election.as_ref().unwrap();
            assert_eq!(election.leader().map(|known| known.replica), Some(world.nodes[leader].config.me));
            assert_eq!(term(&world, node), term(&world, leader));
        }
    }
}

/// Only the terminal with the lowest term has the whole log: it is elected all the same.
#[test]
fn a_lower_term_with_the_longer_log_is_elected() {
    for seed in 0..20 {
        let (mut world, old, one, other) = inflated(seed);
        world.crash(one);
        world.crash(other);
        // A decision that only the old leader keeps having would be lost: it comes back alone with one of the others.
        world.boot(old);
        let low = term(&world, old);
        world.boot(one);
        assert!(term(&world, one) > low);
        world.run_until(10_000, |world| world.leader().is_some());
        world.run_for(500);
        let key = world.propose_next(world.leader().unwrap(), b"after");
        world.run_for(500);
        for node in [old, one] {
            assert_eq!(world.nodes[node].applied.len(), 2);
            assert_eq!(world.nodes[node].applied[1].key, key);
        }
    }
}
