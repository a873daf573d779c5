use edgepos_core::Jitter;

use crate::support::World;

/// E4: one terminal's link comes and goes several times a second for two minutes. The others keep their leader, or change it once.
#[test]
fn a_flapping_follower_costs_no_elections() {
    for seed in 0..6 {
        let mut world = World::new(seed, 5);
        let leader = world.elect();
        let flapping = (leader + 1) % 5;
        let mut jitter = Jitter::new(seed);
        for _ in 0..400 {
            world.isolate(flapping);
            let ms = jitter.range(20, 500);
            world.run_for(ms);
            world.heal();
            let ms = jitter.range(20, 300);
            world.run_for(ms);
        }
        assert_eq!((world.leader(), world.elections.len()), (Some(leader), 1));
    }
}

/// The leader's own link flaps. There may be elections, never two in one term, and afterwards there is one leader and no damage.
#[test]
fn a_flapping_leader_ends_in_peace() {
    for seed in 0..6 {
        let mut world = World::new(seed, 5);
        let mut jitter = Jitter::new(seed);
        let first = world.elect();
        for _ in 0..100 {
            world.isolate(first);
            let ms = jitter.range(100, 900);
            world.run_for(ms);
            world.heal();
            let ms = jitter.range(100, 900);
            world.run_for(ms);
        }
        assert!(world.elections.len() < 60, "{}", world.elections.len());
        world.run_for(2000);
        let leader = world.leader().expect("it ends with a leader");
        world.propose(leader, b"peace");
        world.run_for(500);
        assert!(world.nodes.iter().all(|node| node.applied.len() == 1));
    }
}
