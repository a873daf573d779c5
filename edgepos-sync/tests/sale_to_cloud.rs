//! How long a sale takes to the cloud: it waits for the till's batch, and not as long again for the leader's.

mod world;

use std::collections::BTreeMap;
use std::time::Duration;

use edgepos_core::{EventId, Lane};
use edgepos_sync::Config;
use world::bench::trusting;
use world::{World, replica};

const TILLS: usize = 15;
/// How long is sold, in ms.
const SOLD_FOR: u64 = 100_000;

/// The delays of all sales, in ms, shortest first; `a_minute` of them at each till, spread evenly and out of step.
fn delays(a_minute: u64, set: impl Fn(Config) -> Config) -> Vec<u64> {
    let mut world = World::new(12, 0);
    for till in 0..TILLS {
        let scrub_interval = Duration::from_secs(1 << 30);
        world.add(set(Config { scrub_interval, ..trusting(replica(till), 12) }));
    }
    world.connect_all();
    world.elect(Some(3), 1);
    world.run(1_000);
    let start = world.now;
    let pause = 60_000 / a_minute;
    let mut sold: BTreeMap<EventId, u64> = BTreeMap::new();
    let mut next: Vec<u64> = (0..TILLS as u64).map(|till| start + till * pause / TILLS as u64).collect();
    let mut delays = Vec::new();
    while world.now < start + SOLD_FOR + 70_000 {
        for (till, next) in next.iter_mut().enumerate() {
            if *next <= world.now && world.now < start + SOLD_FOR {
                *next += pause;
                sold.insert(world.sell(till, Lane::Transactions, b"sale"), world.now);
            }
        }
        world.run(20);
        let arrived = sold.extract_if(.., |id, _| world.cloud.events.contains_key(id));
        delays.extend(arrived.map(|(_, at)| world.now - at));
        world.trace.clear();
        world.batches.clear();
    }
    assert!(sold.is_empty(), "{} sales never arrived", sold.len());
    delays.sort_unstable();
    delays
}

fn p99(delays: &[u64]) -> u64 {
    delays[delays.len() * 99 / 100]
}

#[test]
fn a_busy_store_of_tills_that_are_not_at_peak_is_in_the_cloud_within_six_seconds() {
    for a_minute in [20, 100] {
        let delays = delays(a_minute, |config| config);
        let max = delays.last().expect("sold");
        println!("{TILLS} x {a_minute} a minute: p99 {} ms, max {max} ms", p99(&delays));
        assert!(delays.len() as u64 >= TILLS as u64 * a_minute * SOLD_FOR / 60_000);
        assert!(*max <= 6_000, "{a_minute} a minute: p99 {}, max {max}", p99(&delays));
    }
}

#[test]
fn at_peak_a_sale_waits_for_one_batch_and_not_for_two() {
    let delays = delays(100, |config| Config { peak_above: 60, peak_below: 30, ..config });
    let max = delays.last().expect("sold");
    println!("{TILLS} x 100 a minute at peak: p99 {} ms, max {max} ms", p99(&delays));
    assert!(p99(&delays) <= 32_000 && *max <= 40_000, "p99 {}, max {max}", p99(&delays));
    assert!(*max > 25_000, "batches are of half a minute: {max}");
}
