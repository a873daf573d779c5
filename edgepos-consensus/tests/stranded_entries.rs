#![allow(clippy::unwrap_used, reason = "a test")]

use crate::support::World;

/// A leader dies with entries on a minority. Whoever of that minority leads next decides them, in the term in which they were
/// appended, and only along with an entry of its own term: on a majority of disks alone they are not decided.
#[test]
fn entries_of_a_dead_leader_are_decided_by_the_next() {
    for seed in 0..10 {
        let mut world = World::new(seed, 5);
        let old = world.elect();
        world.run_for(500);
        let heir = (old + 1) % 5;
        let others: Vec<_> = (0..5).filter(|node| ![old, heir].contains(node)).collect();
        world.partition(&[old, heir], &others);
        let key = world.propose(old, b"on two disks of five");
        world.run_for(100);
        world.crash(old);
        assert!(world.nodes.iter().all(|node| node.applied.is_empty()));
        // The three others would elect one of themselves and replace it: without one of them they need the heir.
        world.crash(others[0]);
        world.heal();
        world.run_until(5000, |world| world.leader() == Some(heir));
        world.run_for(1000);
        let first = &world.nodes[heir].applied[0];
        assert_eq!(first.key, key);
        assert!(first.term < world.nodes[heir].election.as_ref().unwrap().term(), "an older term's entry");
        world.boot(old);
        world.boot(others[0]);
        world.run_for(2000);
        assert!(world.nodes.iter().all(|node| node.applied.len() == 1 && node.applied[0].key == key));
    }
}

/// The other way: the majority elects a leader without them, and they are replaced wherever they were, though their term was the
/// longest log's. The proposal itself is not lost: its terminal proposes it again.
#[test]
fn entries_that_the_majority_never_had_are_replaced() {
    for seed in 0..10 {
        let mut world = World::new(seed, 5);
        let old = world.elect();
        world.run_for(500);
        let with = (old + 1) % 5;
        let others: Vec<_> = (0..5).filter(|node| ![old, with].contains(node)).collect();
        world.partition(&[old, with], &others);
        let stranded: Vec<_> = (0..6).map(|number| world.propose(old, &[number])).collect();
        world.run_for(1500);
        let new = world.leader().expect("three of five have a leader");
        assert!(others.contains(&new));
        let kept = world.propose(new, b"decided");
        world.run_for(500);
        world.heal();
        world.run_for(4000);
        for node in &world.nodes {
            let keys: Vec<_> = node.applied.iter().map(|decision| decision.key).collect();
            assert_eq!(keys[0], kept);
            assert_eq!(keys[1..], stranded, "proposed again, in order, each once");
        }
    }
}
