use edgepos_consensus::{Health, Notice};

use crate::support::World;

/// E4, E5: the leader is on the small side. The large side elects a new one; the old one reports the loss, and when the network
/// heals it follows and its entries that were never decided are replaced.
#[test]
fn the_majority_elects_and_the_minority_is_reconciled() {
    for seed in 0..20 {
        let mut world = World::new(seed, 5);
        let old = world.elect();
        world.propose(old, b"before");
        world.run_for(300);
        let friend = (old + 1) % 5;
        let others: Vec<_> = (0..5).filter(|node| *node != old && *node != friend).collect();
        world.partition(&[old, friend], &others);
        let stranded = world.propose(old, b"stranded");
        world.run_for(3000);
        let new = world.leader().expect("the majority has a leader");
        assert!(others.contains(&new));
        assert!(
            matches!(world.health(old), Health::Degraded { needed: 3, reachable: 1..=2, .. }),
            "{:?}",
            world.health(old)
        );
        assert!(world.nodes[old].applied.iter().all(|decision| decision.key != stranded));
        let during = world.propose(new, b"during");
        world.run_for(500);
        assert!(world.nodes[new].applied.iter().any(|decision| decision.key == during));
        world.heal();
        world.run_for(5000);
        assert_eq!(world.health(old), Health::Normal);
        assert!(world.nodes[old].saw(|notice| *notice == Notice::QuorumRegained).is_some());
        for node in &world.nodes {
            let bytes: Vec<_> = node.applied.iter().map(|decision| decision.bytes.clone()).collect();
            assert_eq!(
                bytes,
                [b"before".to_vec(), b"during".to_vec(), b"stranded".to_vec()],
                "the stranded proposal is passed on"
            );
        }
    }
}
