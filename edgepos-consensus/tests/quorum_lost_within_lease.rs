#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_consensus::{Health, Notice};

use crate::support::World;

/// E5: within one lease of losing the majority the leader says so, and is not entitled from then on.
#[test]
fn the_leader_reports_within_one_lease() {
    for seed in 0..50 {
        let mut world = World::new(seed, 5);
        let leader = world.elect();
        world.run_for(1000 + 13 * seed);
        let cut = world.now;
        world.isolate(leader);
        world.run_until(300, |world| {
            world.nodes[leader].saw(|notice| matches!(notice, Notice::QuorumLost { .. })).is_some()
        });
        let at = world.nodes[leader].saw(|notice| matches!(notice, Notice::QuorumLost { .. })).unwrap();
        assert!(at - cut <= 300, "{} ms", at - cut);
        let election = world.nodes[leader].election.as_ref().unwrap();
        assert!(!election.entitled());
        let Health::Degraded { since, reachable, needed } = election.health() else {
            panic!("{:?}", election.health())
        };
        assert!((cut - 160..=cut).contains(&since.0) && reachable < needed && needed == 3);
        world.run_for(5000);
        assert!(
            matches!(world.health(leader), Health::Degraded { reachable: 1, needed: 3, .. }),
            "it coordinates on"
        );
        world.heal();
        world.run_for(3000);
        assert!(world.nodes[leader].saw(|notice| *notice == Notice::QuorumRegained).is_some());
        assert_eq!(world.health(leader), Health::Normal);
    }
}

/// Lost heartbeats are not a lost majority: the silent ones are asked again before the lease runs out.
#[test]
fn a_lossy_network_does_not_shake_the_leader() {
    let mut reports = 0;
    for seed in 0..4 {
        let mut world = World::new(seed, 5);
        world.loss = 30;
        world.elect();
        world.run_for(600_000);
        assert_eq!(world.elections.len(), 1, "{:?}", world.elections);
        let lost = |notice: &Notice| matches!(notice, Notice::QuorumLost { .. });
        reports +=
            world.nodes.iter().flat_map(|node| &node.notices).filter(|(_, notice)| lost(notice)).count();
    }
    assert_eq!(reports, 0);
}
