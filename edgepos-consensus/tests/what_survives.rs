//! The table of `docs/guide-elections.md`: which stores go on with how many terminals off.

#![allow(clippy::unwrap_used, reason = "a test")]

use core::time::Duration;

use crate::support::{World, replica};

/// A store that has decided once, with the cloud as the last voter or without it; then some terminals lose power at once, the leader
/// among them. Whether it decides again.
fn goes_on(terminals: usize, cloud: bool, off: usize, internet: bool) -> bool {
    let voters = terminals + usize::from(cloud);
    let mut world = World::with(7, voters, |config| {
        config.campaigns = !cloud || config.me != replica(terminals);
    });
    let leader = world.elect();
    world.propose_next(leader, b"before");
    world.run_for(1000);
    if !internet && cloud {
        world.crash(terminals);
    }
    // Voters first: learners do not matter.
    let order: Vec<usize> = (0..terminals).map(|step| (leader + step) % terminals.min(5)).collect();
    order.iter().take(off).for_each(|node| world.crash(*node));
    world.run_for(6000);
    let Some(leader) = world.leader() else { return false };
    let before = world.nodes[leader].applied.len();
    world.propose_next(leader, b"after");
    world.run_for(1000);
    world.nodes[leader].applied.len() > before
}

#[test]
fn each_row_of_the_guide() {
    for (terminals, cloud, off, internet, expected) in [
        (1, false, 0, false, true),
        (2, false, 0, false, true),
        (2, false, 1, false, false),
        (2, true, 1, true, true),
        (2, true, 0, false, true),
        (2, true, 1, false, false),
        (2, true, 2, true, false),
        (3, false, 1, false, true),
        (3, false, 2, false, false),
        (4, false, 1, false, true),
        (4, false, 2, false, false),
        (4, true, 2, true, true),
        (4, true, 1, false, true),
        (4, true, 2, false, false),
        (4, true, 3, true, false),
        (5, false, 2, false, true),
        (5, false, 3, false, false),
        (15, false, 2, false, true),
        (15, false, 3, false, false),
    ] {
        let found = goes_on(terminals, cloud, off, internet);
        assert_eq!(found, expected, "{terminals} terminals, cloud {cloud}, {off} off, internet {internet}");
    }
}

/// Fifteen terminals go one after the other, with time in between to replace a voter: three are enough.
#[test]
fn twelve_of_fifteen_may_go_one_after_the_other() {
    let mut world = World::with(3, 15, |config| config.replace_voter_after = Duration::from_secs(10));
    for lost in 0..12 {
        let leader = world.elect();
        world.run_for(500);
        let victim = if lost % 2 == 0 { leader } else { (0..15).find(|node| up(&world, *node)).unwrap() };
        world.crash(victim);
        world.run_for(13_000);
    }
    let leader = world.elect();
    world.propose_next(leader, b"three are left");
    world.run_for(1000);
    assert_eq!(world.nodes[leader].applied.len(), 1);
    assert_eq!((0..15).filter(|node| up(&world, *node)).count(), 3);
}

fn up(world: &World, node: usize) -> bool {
    world.nodes[node].election.is_some()
}
