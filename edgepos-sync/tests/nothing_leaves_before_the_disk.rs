//! Trap: sent before synced. The power fails, the number is given again, and the next sale is taken for a duplicate.

mod world;

use std::time::Duration;

use edgepos_core::{Lane, PersistId};
use edgepos_crdt::VersionVector;
use edgepos_sync::{Input, RecordError};
use world::bench::Bench;
use world::{World, replica};

#[test]
fn a_sale_is_sent_and_uploaded_only_when_it_is_durable() {
    let mut bench = Bench::terminal(0);
    bench.lead(1);
    bench.meet(replica(1), VersionVector::new());
    bench.slow_disk = true;
    bench.record(Lane::Transactions, b"sale");
    bench.outbox.flush(bench.now);
    bench.drain();
    bench.wait(Duration::from_secs(60));
    assert!(bench.take_batches().is_empty() && bench.asked.is_empty());
    assert!(bench.outbox.durable().is_empty());

    bench.sync_all();
    bench.wait(Duration::from_secs(5));
    assert_eq!(bench.take_batches().len(), 1);
    assert_eq!(bench.asked.len(), 1);
}

#[test]
fn a_batch_holds_what_is_durable_even_if_the_disk_can_already_read_more() {
    let mut bench = Bench::terminal(0);
    bench.record(Lane::Transactions, b"durable");
    bench.slow_disk = true;
    bench.record(Lane::Transactions, b"written, not synced");
    for write in bench.held.iter().flat_map(|persist| &persist.writes) {
        if let edgepos_core::Write::Put { space, key, value } = write.clone() {
            bench.rows.insert((space, key), value);
        }
    }
    bench.meet(replica(1), VersionVector::new());
    let batches = bench.take_batches();
    assert_eq!(batches.len(), 1);
    assert_eq!(batches[0].2.events(), 1);
}

#[test]
fn writes_are_numbered_without_gaps_and_settle_in_order() {
    let mut bench = Bench::terminal(0);
    bench.slow_disk = true;
    for _ in 0..3 {
        bench.record(Lane::Transactions, b"sale");
    }
    let ids: Vec<u64> = bench.held.iter().map(|persist| persist.id.0).collect();
    assert_eq!(ids, [1, 2, 3]);
    bench.tell(Input::Persisted(PersistId(1)));
    assert_eq!(bench.outbox.durable().iter().next().map(|(_, seq)| seq.0), Some(1));
}

#[test]
fn a_disk_that_does_not_keep_up_is_an_error_and_not_a_growing_queue() {
    let mut bench = Bench::terminal(0);
    bench.slow_disk = true;
    for _ in 0..4_096 {
        bench.record(Lane::Transactions, b"sale");
    }
    let refused = bench.outbox.record(bench.now, Lane::Transactions, b"one more".to_vec());
    assert_eq!(refused, Err(RecordError::Busy { waiting: 4_096, limit: 4_096 }));
    bench.sync_all();
    assert_eq!(bench.record(Lane::Transactions, b"again").seq.0, 4_097);
}

#[test]
fn a_power_cut_takes_only_what_was_never_confirmed_and_its_number_is_given_again() {
    let mut world = World::new(9, 2);
    world.connect_all();
    world.elect(Some(1), 1);
    world.weather.disk = 5_000;
    let sale = world.sell(0, Lane::Transactions, b"not confirmed");
    world.crash(0);
    world.weather.disk = 1;
    let survived = world.stored(0).contains_key(&sale);
    world.start(0);
    let next = world.sell(0, Lane::Transactions, b"next");
    assert_eq!(next.seq.0, if survived { 2 } else { 1 });
    world.connect(0, 1);
    world.run(30_000);
    world.assert_converged();
    assert_eq!(world.cloud.events[&next], b"next");
}
