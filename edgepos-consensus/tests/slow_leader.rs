use crate::support::World;

/// E4: everything the leader says and hears is 80 ms late. It stays the leader and decides.
#[test]
fn a_slow_leader_stays() {
    for seed in 0..10 {
        let mut world = World::new(seed, 5);
        let leader = world.elect();
        world.run_for(500);
        world.nodes[leader].lag_ms = 80;
        for number in 0..20 {
            world.propose(leader, &[number]);
            world.run_for(500);
        }
        world.run_for(1000);
        assert_eq!((world.leader(), world.elections.len()), (Some(leader), 1));
        assert!(world.nodes.iter().all(|node| node.applied.len() == 20));
    }
}

/// It is so slow that a lease runs out before the answers come: it is not entitled, and says so instead of flickering.
#[test]
fn a_leader_slower_than_its_lease_is_not_entitled() {
    let mut world = World::new(1, 3);
    let leader = world.elect();
    world.run_for(500);
    world.nodes[leader].lag_ms = 400;
    world.run_for(1000);
    assert_ne!(world.leader(), Some(leader));
}
