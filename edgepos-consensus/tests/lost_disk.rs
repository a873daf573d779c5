use edgepos_consensus::{DropReason, Notice};

use crate::support::World;

/// E4: a terminal's disk was lost, and it comes back empty under its old name. The leader's heartbeat shows it: it says so, and helps
/// to elect nobody, so that the decisions that it has forgotten stay decided.
#[test]
fn an_empty_disk_under_an_old_name_elects_nobody() {
    for seed in 0..10 {
        let mut world = World::new(seed, 3);
        let leader = world.elect();
        let (wiped, behind) = ((leader + 1) % 3, (leader + 2) % 3);
        world.run_for(500);
        world.crash(behind);
        let key = world.propose(leader, b"decided by two");
        world.run_for(1000);
        assert_eq!(world.nodes[wiped].applied[0].key, key);
        world.crash(wiped);
        world.nodes[wiped].disk.clear();
        world.nodes[wiped].applied.clear();
        world.boot(wiped);
        world.run_for(300);
        let lost = world.nodes[wiped].saw(|notice| matches!(notice, Notice::LogLost { .. }));
        assert!(lost.is_some(), "{}", world.summary());
        assert!(world.drops()[&DropReason::LogLost] > 0);
        // The terminal that has never heard of the decision would be elected by the one that has forgotten it.
        world.crash(leader);
        world.boot(behind);
        world.run_for(10_000);
        assert_eq!(world.leader(), None, "a decision would be lost");
        world.boot(leader);
        world.elect();
        world.run_for(3000);
        assert_eq!(world.nodes[behind].applied[0].key, key);
    }
}
