//! Members come and go, the log is compacted, connections are seen to die, leaders step down, disks stall: at random, together.

#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_consensus::{Config, Timing};
use edgepos_core::{Jitter, Now};

use crate::support::{World, replica, replicas};

fn chaos(seed: u64) {
    let mut jitter = Jitter::new(seed ^ 0xE7E7);
    let genesis = jitter.range(1, 8) as usize;
    let (fast, log) = (jitter.range(0, 3) == 0, jitter.range(16, 40) as u32);
    let shape = move |config: &mut Config| {
        config.max_log_entries = log;
        if fast {
            (config.timing, config.lossy_transport) = (Timing::fast(), true);
        }
    };
    let mut world = World::with(seed, genesis, shape);
    world.sees_disconnects = jitter.range(0, 2) == 0;
    (world.loss, world.duplicates) = (jitter.range(0, 60), jitter.range(0, 40));
    let mut retired = Vec::new();
    for _ in 0..120 {
        let count = world.nodes.len();
        let node = jitter.range(0, count as u64) as usize;
        match jitter.range(0, 14) {
            0 | 1 => match world.nodes[node].election.is_some() {
                true => world.crash(node),
                false if world.starts(node) => world.boot(node),
                false => {}
            },
            2 => world.isolate(node),
            3 => world.cut(node, jitter.range(0, count as u64) as usize),
            4 => world.heal(),
            5 => {
                let ms = jitter.range(50, 1500);
                world.pause(node, ms);
            }
            6 => world.nodes[node].disk_ms = jitter.range(0, 60),
            7 => {
                if let Some(leader) =
                    world.leader().filter(|leader| world.nodes[*leader].paused_until <= world.now)
                {
                    world.step_down(leader);
                }
            }
            8 if count < 10 => {
                let mut config = Config::standard(replica(count), replicas(genesis), seed);
                config.joins = true;
                shape(&mut config);
                let newcomer = world.add(config);
                world.boot(newcomer);
            }
            // A retired name never returns.
            9 if !retired.contains(&node) => {
                if let Some(leader) = world.leader() {
                    let now = Now::new(world.now, 0);
                    let election = world.nodes[leader].election.as_mut().unwrap();
                    // Refusals are part of the game: not entitled by now, another change, a member already.
                    let _ = election.admit(now, replica(node));
                    world.flush(leader);
                }
            }
            10 if jitter.range(0, 4) == 0 => {
                if let Some(leader) = world.leader() {
                    let now = Now::new(world.now, 0);
                    let election = world.nodes[leader].election.as_mut().unwrap();
                    if election.voters().len() > 2 {
                        if election.retire(now, replica(node)).is_ok() {
                            retired.push(node);
                        }
                        world.flush(leader);
                    }
                }
            }
            _ => {
                if let Some(leader) =
                    world.leader().filter(|leader| world.nodes[*leader].paused_until <= world.now)
                {
                    for _ in 0..jitter.range(1, 8) {
                        world.propose_next(leader, b"something to decide");
                    }
                }
            }
        }
        let ms = jitter.range(0, 500);
        world.run_for(ms);
    }
    world.heal();
    (world.loss, world.duplicates) = (0, 0);
    for node in 0..world.nodes.len() {
        world.nodes[node].disk_ms = 1;
        if world.nodes[node].election.is_none() && (!retired.contains(&node) || world.starts(node)) {
            world.boot(node);
        }
    }
    world.run_for(4000);
    world.run_until(20_000, |world| world.leader().is_some());
    let leader = world.elect();
    let key = world.propose_next(leader, b"the end");
    world.run_for(4000);
    let members: Vec<_> = {
        let election = world.nodes[leader].election.as_ref().unwrap();
        election.voters().iter().chain(election.learners()).copied().collect()
    };
    for node in world.nodes.iter().filter(|node| members.contains(&node.config.me)) {
        let election = node.election.as_ref().unwrap();
        assert_eq!(election.halted(), None);
        assert_eq!(election.decided(key.replica), key.number, "{}", world.summary());
        assert_eq!(election.voters(), world.nodes[leader].election.as_ref().unwrap().voters());
    }
}

#[test]
fn the_store_survives() {
    (0..60).for_each(chaos);
}

#[test]
#[ignore = "minutes: `.ci/run --long` runs it, optimised"]
fn the_store_survives_two_thousand_times() {
    (1000..3000).for_each(chaos);
}
