#![allow(clippy::unwrap_used, reason = "a test")]

use crate::support::World;

/// E4: the leader's process is stopped for a second, answers waiting in its sockets. When it runs again it is not entitled for one
/// moment (the world checks), and it follows the new leader.
#[test]
fn a_leader_stopped_for_a_second_follows() {
    for seed in 0..30 {
        let mut world = World::new(seed, 3);
        let old = world.elect();
        world.run_for(500 + 17 * seed);
        world.pause(old, 1000);
        world.run_for(2000);
        let new = world.leader().expect("there is a leader");
        assert_ne!(new, old);
        world.run_for(2000);
        assert_eq!(world.leader(), Some(new), "its return disturbs nobody");
        assert_eq!(world.elections.len(), 2);
    }
}

/// A leader's tablet sleeps. Its clock counts the sleep: whatever it does first on waking, it is entitled to nothing, and what it
/// was told before the sleep has run out.
#[test]
fn a_leader_that_slept_holds_no_entitlement() {
    for slept in [310, 1000, 60_000, 600_000] {
        for seed in 0..2 {
            let mut world = World::new(seed, 3);
            let old = world.elect();
            world.run_for(500 + 31 * seed);
            let until = world.nodes[old].election.as_ref().unwrap().entitled_until().unwrap();
            world.pause(old, slept);
            world.run_for(slept - 1);
            assert!(until.0 <= world.now, "seed {seed}");
            world.run_for(1);
            let election = world.nodes[old].election.as_mut().unwrap();
            let proposal =
                edgepos_consensus::Proposal { kind: 1, subject: vec![], base: None, bytes: vec![] };
            election.propose(edgepos_core::Now::new(world.now, 0), proposal).unwrap();
            assert!(!election.entitled(), "slept {slept} seed {seed}");
            world.flush(old);
            world.run_for(3000);
            assert_eq!(world.elections.len(), 2, "its return disturbs nobody");
        }
    }
}

/// A follower stopped for a long time stands once at most, and is refused.
#[test]
fn a_follower_stopped_for_a_minute_returns_quietly() {
    for seed in 0..30 {
        let mut world = World::new(seed, 3);
        let leader = world.elect();
        world.run_for(500);
        world.pause((leader + 1) % 3, 60_000);
        world.run_for(65_000);
        assert_eq!((world.leader(), world.elections.len()), (Some(leader), 1));
    }
}

/// A leader that was stopped for longer than its lease, and wakes up alone, does not believe in itself for one moment.
#[test]
fn a_leader_that_wakes_up_alone_does_not_lead() {
    for seed in 0..10 {
        let mut world = World::new(seed, 3);
        let old = world.elect();
        world.run_for(500 + seed);
        world.pause(old, 310);
        world.isolate(old);
        world.run_for(310);
        let election = world.nodes[old].election.as_ref().unwrap();
        assert_eq!((election.leader(), election.entitled()), (None, false));
    }
}
