//! A terminal that needs a snapshot.

use edgepos_consensus::Notice;

use super::World;

/// A leader, and a terminal that missed more than the log keeps.
pub(crate) fn behind(seed: u64) -> (World, usize, usize) {
    let mut world = World::with(seed, 3, |config| config.max_log_entries = 16);
    let leader = world.elect();
    let behind = (leader + 1) % 3;
    world.run_for(300);
    world.crash(behind);
    for number in 0..60 {
        world.propose(leader, &[number]);
        world.run_for(30);
    }
    (world, leader, behind)
}

/// Whether the notice says that a snapshot took the place of the log.
pub(crate) fn installed(notice: &Notice) -> bool {
    matches!(notice, Notice::SnapshotInstalled { .. })
}
