//! Lost, repeated and reordered messages, crashes that forget what was not synced, links that flap, leaders that change, a cloud that
//! is often away: every event that was ever durable is in the cloud and on every terminal exactly once.

mod world;

use edgepos_core::Lane;
use world::{CALM, STORM, World};

const TERMINALS: usize = 4;

fn story(seed: u64) -> World {
    println!("seed {seed}");
    let mut world = World::new(seed, TERMINALS);
    world.weather = STORM;
    world.connect_all();
    let mut term = 1;
    for _ in 0..120 {
        let node = world.jitter.range(0, TERMINALS as u64) as usize;
        let other = world.jitter.range(0, TERMINALS as u64) as usize;
        match world.jitter.range(0, 100) {
            0..50 if world.is_up(node) => {
                let lane = Lane::ALL[world.jitter.range(0, 4) as usize];
                let size = world.jitter.range(0, 400) as usize;
                let payload: Vec<u8> = (0..size).map(|_| world.jitter.range(0, 8) as u8).collect();
                world.sell(node, lane, &payload);
            }
            50..60 => world.cut(node, other),
            60..75 => world.connect(node, other),
            75..80 if world.is_up(node) => world.crash(node),
            80..88 if !world.is_up(node) => world.start(node),
            88..92 => {
                term += 1;
                world.elect(None, term);
            }
            92..97 if world.is_up(node) => {
                term += 1;
                world.elect(Some(node), term);
            }
            97..100 => world.nodes[node].uplink = !world.nodes[node].uplink,
            _ => {}
        }
        let pause = world.jitter.range(0, 2_000);
        world.run(pause);
    }
    heal(&mut world, term + 1);
    world
}

fn heal(world: &mut World, term: u64) {
    world.weather = CALM;
    for node in 0..TERMINALS {
        world.nodes[node].uplink = true;
        if !world.is_up(node) {
            world.start(node);
        }
    }
    world.connect_all();
    world.elect(Some(0), term);
    world.run(200_000);
}

#[test]
fn every_durable_event_arrives_exactly_once() {
    let mut events = 0;
    for seed in 0..60 {
        let world = story(seed);
        world.assert_converged();
        events += world.cloud.events.len();
        for node in &world.nodes {
            use edgepos_sync::Notice;
            let wrong = |notice: &&Notice| {
                matches!(
                    notice,
                    Notice::Fork { .. } | Notice::RollbackSuspected { .. } | Notice::Damaged { .. }
                )
            };
            assert_eq!(node.news.iter().find(wrong), None, "an alarm for nothing");
        }
    }
    assert!(events > 60 * 20, "the stories are about something: {events} events");
}

#[test]
fn the_same_seed_tells_the_same_story() {
    for seed in [3, 17] {
        assert_eq!(story(seed).trace, story(seed).trace);
    }
}
