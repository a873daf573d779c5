#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_core::Jitter;

use crate::support::World;

/// Crashes, partitions, one-way cuts, pauses, losses and duplicates at random: the world's invariants hold after every event, and
/// once the disturbances end there is a leader and everything proposed is decided once, everywhere.
fn chaos(seed: u64, terminals: usize) {
    let mut world = World::new(seed, terminals);
    let mut jitter = Jitter::new(seed ^ 0xC0A5);
    (world.loss, world.duplicates) = (jitter.range(0, 80), jitter.range(0, 50));
    let mut proposed = 0;
    for _ in 0..60 {
        let node = jitter.range(0, terminals as u64) as usize;
        match jitter.range(0, 10) {
            0 | 1 => match world.nodes[node].election.is_some() {
                true => world.crash(node),
                false => {
                    world.boot(node);
                    world.repropose();
                }
            },
            2 => world.isolate(node),
            3 => world.cut(node, jitter.range(0, terminals as u64) as usize),
            4 => world.heal(),
            5 => {
                let ms = jitter.range(50, 1500);
                world.pause(node, ms);
            }
            6 => world.nodes[node].disk_ms = jitter.range(0, 60),
            _ => {
                if world.nodes[node].election.is_some() && world.nodes[node].paused_until <= world.now {
                    let key = world.propose(node, &[node as u8; 40]);
                    world.nodes[node].wants.push(key);
                    proposed += 1;
                }
            }
        }
        let ms = jitter.range(0, 600);
        world.run_for(ms);
    }
    world.heal();
    (world.loss, world.duplicates) = (0, 0);
    for node in 0..terminals {
        world.nodes[node].disk_ms = 1;
        if world.nodes[node].election.is_none() {
            world.boot(node);
        }
    }
    world.run_for(2000);
    world.repropose();
    world.run_until(20_000, |world| {
        let first = world.nodes[0].applied.len();
        first == proposed && world.nodes.iter().all(|node| node.applied.len() == first)
    });
    assert!(world.nodes.iter().all(|node| node.election.as_ref().unwrap().halted().is_none()));
}

#[test]
fn under_chaos_with_three() {
    (0..40).for_each(|seed| chaos(seed, 3));
}

#[test]
fn under_chaos_with_five() {
    (100..130).for_each(|seed| chaos(seed, 5));
}

#[test]
fn under_chaos_with_two_and_with_seven() {
    (200..215).for_each(|seed| chaos(seed, 2));
    (300..310).for_each(|seed| chaos(seed, 7));
}
