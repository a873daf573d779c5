use edgepos_consensus::Health;

use crate::support::World;

/// Two terminals elect a leader together; one alone leads nothing, and both agree again after the return.
#[test]
fn both_are_needed_and_both_suffice() {
    for seed in 0..20 {
        let mut world = World::new(seed, 2);
        let leader = world.elect();
        world.propose(1 - leader, b"from the follower");
        world.run_for(1000);
        assert!(world.nodes.iter().all(|node| node.applied.len() == 1));
        world.crash(1 - leader);
        world.run_for(2000);
        assert_eq!(world.leader(), None);
        assert!(matches!(world.health(leader), Health::Degraded { reachable: 1, needed: 2, .. }));
        world.boot(1 - leader);
        world.elect();
        world.run_for(500);
        assert_eq!((world.health(0), world.health(1)), (Health::Normal, Health::Normal));
    }
}
