#![allow(clippy::unwrap_used, reason = "a test")]

use crate::support::World;

/// E4: the leader is heard and hears nobody. It gives up within two leases, so that the others can elect one that hears them.
#[test]
fn a_deaf_leader_gives_way() {
    for seed in 0..20 {
        let mut world = World::new(seed, 3);
        let deaf = world.elect();
        world.run_for(1000);
        for other in (0..3).filter(|other| *other != deaf) {
            world.cut(other, deaf);
        }
        world.run_for(400);
        assert_eq!(world.leader(), None, "not entitled after one lease");
        world.run_until(4000, |world| world.leader().is_some());
        assert_ne!(world.leader(), Some(deaf));
        world.run_for(2000);
        world.heal();
        world.run_for(2000);
        assert!(world.leader().is_some());
    }
}

/// The leader hears and is not heard: the others elect, and it learns of it as soon as one of them says so.
#[test]
fn a_mute_leader_is_replaced() {
    for seed in 0..20 {
        let mut world = World::new(seed, 3);
        let mute = world.elect();
        world.run_for(1000);
        for other in (0..3).filter(|other| *other != mute) {
            world.cut(mute, other);
        }
        world.run_for(2000);
        assert!(world.leader().is_some_and(|leader| leader != mute));
        assert_ne!(
            world.nodes[mute].election.as_ref().unwrap().leader().map(|leader| leader.replica),
            Some(world.nodes[mute].config.me)
        );
        world.heal();
        world.run_for(2000);
        assert_eq!(world.elections.len(), 2, "{:?}", world.elections);
    }
}

/// One follower does not hear the leader and is heard by all: it does not take the store with it.
#[test]
fn a_deaf_follower_disturbs_nobody() {
    for seed in 0..10 {
        let mut world = World::new(seed, 5);
        let leader = world.elect();
        world.cut(leader, (leader + 1) % 5);
        world.run_for(60_000);
        assert_eq!((world.leader(), world.elections.len()), (Some(leader), 1));
    }
}
