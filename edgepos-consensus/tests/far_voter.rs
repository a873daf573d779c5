#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_core::Jitter;

use crate::support::{World, replica};

/// Two terminals, and the cloud as a third voter that never stands, this many milliseconds away (one way).
fn store(seed: u64, one_way: u64) -> World {
    let mut world = World::with(seed, 3, |config| config.campaigns = config.me != replica(2));
    world.nodes[2].lag_ms = one_way;
    world
}

/// E9: one terminal is gone, and the other one leads with the cloud's vote at any distance. It keeps the lead, which no configured
/// lease would let it, and takes decisions.
#[test]
fn one_terminal_and_a_far_cloud_decide() {
    for one_way in [5, 40, 80, 300, 600] {
        for seed in 0..10 {
            let mut world = store(seed, one_way);
            let first = world.elect();
            world.run_for(3000);
            let gone = if seed % 2 == 0 { first } else { 1 - first };
            world.crash(gone);
            world.run_until(10_000, |world| world.leader() == Some(1 - gone));
            world.run_for(1000 + 4 * one_way);
            assert_eq!(world.leader(), Some(1 - gone), "{one_way} ms, seed {seed}");
            let elections = world.elections.len();
            let key = world.propose_next(1 - gone, b"with the cloud");
            world.run_for(60_000);
            assert_eq!(world.leader(), Some(1 - gone), "{one_way} ms, seed {seed}");
            assert_eq!(world.elections.len(), elections, "{one_way} ms, seed {seed}: the lead is kept");
            assert_eq!(world.nodes[1 - gone].applied.last().unwrap().key, key);
        }
    }
}

/// Whatever fails, no two are entitled at once (the world checks after each event): also when the far voter, or who promised it a
/// longer lease, restarts within that lease.
#[test]
fn promises_hold_through_faults() {
    for seed in 0..60 {
        let mut jitter = Jitter::new(seed ^ 0xFA12);
        let mut world = store(seed, [5, 40, 80, 300][seed as usize % 4]);
        world.sees_disconnects = seed % 3 == 0;
        (world.loss, world.duplicates) = (jitter.range(0, 30), jitter.range(0, 20));
        world.run_for(3000);
        for _ in 0..80 {
            let node = jitter.range(0, 3) as usize;
            match jitter.range(0, 9) {
                0..=3 if world.nodes[node].election.is_some() => {
                    // Down for less than a lease, or for long.
                    world.crash(node);
                    let down = jitter.range(1, 400);
                    world.run_for(down);
                    world.boot(node);
                }
                4 => world.isolate(node),
                5 | 6 => world.heal(),
                7 => world.pause(node, jitter.range(50, 1200)),
                _ => {
                    if let Some(leader) =
                        world.leader().filter(|leader| world.nodes[*leader].paused_until <= world.now)
                    {
                        world.propose_next(leader, b"meanwhile");
                    }
                }
            }
            let ms = jitter.range(0, 1200);
            world.run_for(ms);
        }
        world.heal();
        (world.loss, world.duplicates) = (0, 0);
        world.run_for(10_000);
        let leader = world.elect();
        let key = world.propose_next(leader, b"the end");
        world.run_for(5000);
        assert!(world.nodes.iter().all(|node| node.applied.last().unwrap().key == key), "seed {seed}");
    }
}

/// Four terminals and a far cloud: because of the cloud the leader asks for a lease of a second, and counts on it from its neighbours
/// too. One terminal has not heard the leader and knows of no lease; when the leader is cut off, the neighbours give it their votes
/// only after what they promised, restarted or not (the world checks that no two are entitled).
#[test]
fn neighbours_keep_the_longer_promise() {
    for seed in 0..20 {
        let mut world = World::with(seed, 5, |config| config.campaigns = config.me != replica(4));
        world.nodes[4].lag_ms = 300;
        world.elect();
        while world.leader().is_none_or(|leader| leader == 3) {
            if world.nodes[3].election.is_some() {
                world.crash(3);
            }
            world.run_for(3000);
        }
        if world.nodes[3].election.is_none() {
            world.boot(3);
        }
        let leader = world.leader().unwrap();
        world.cut(leader, 3);
        world.cut(3, leader);
        world.run_for(6000);
        assert_eq!(world.leader(), Some(leader), "seed {seed}: it leads whom it reaches");
        let until = world.nodes[leader].election.as_ref().unwrap().entitled_until().unwrap().0;
        assert!(until > world.now + 600, "seed {seed}: the lease is long: {} ms", until - world.now);
        world.isolate(leader);
        if seed % 2 == 1 {
            for node in (0..3).filter(|node| *node != leader) {
                world.crash(node);
                world.run_for(5);
                world.boot(node);
            }
        }
        world.run_for(700);
        assert_eq!(world.leader(), Some(leader), "seed {seed}: its lease has not run out");
        let next = world.run_until(20_000, |world| world.leader().is_some_and(|next| next != leader));
        assert!(world.now >= until, "seed {seed}: after {next} ms");
    }
}
