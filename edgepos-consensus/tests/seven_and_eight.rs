#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_consensus::Health;

use crate::support::World;

/// A store of fifteen is split into seven and eight. Whoever has three of the five voters goes on, however few terminals are with
/// them, and the others wait; together again they agree.
#[test]
fn the_side_with_the_voters_goes_on() {
    for (seed, voters_left) in [(1, 3), (2, 3), (3, 2), (4, 2), (5, 5)] {
        let mut world = World::new(seed, 15);
        world.elect();
        world.run_for(500);
        // Seven on the left: so many of the voters, the others learners.
        let left: Vec<usize> = (0..voters_left).chain(5..12 - voters_left).collect();
        let right: Vec<usize> = (0..15).filter(|node| !left.contains(node)).collect();
        assert_eq!((left.len(), right.len()), (7, 8));
        world.partition(&left, &right);
        world.run_for(3000);
        let (going, waiting) = if voters_left >= 3 { (&left, &right) } else { (&right, &left) };
        let leader = world.leader().expect("one side has a majority of the voters");
        assert!(going.contains(&leader));
        let key = world.propose_next(leader, b"on one side");
        let held = world.propose_next(waiting[0], b"waits");
        world.run_for(1000);
        for node in waiting {
            assert_ne!(world.health(*node), Health::Normal);
            assert!(world.nodes[*node].applied.is_empty());
        }
        world.heal();
        world.run_for(4000);
        assert!(world.nodes.iter().all(|node| {
            let keys: Vec<_> = node.applied.iter().map(|decision| decision.key).collect();
            keys == [key, held]
        }));
    }
}
