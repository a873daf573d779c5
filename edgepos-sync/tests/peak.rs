//! At peak batches go every 30 s, and a store at the edge of it does not flap.

mod world;

use std::time::Duration;

use edgepos_core::{Lane, Term};
use edgepos_crdt::VersionVector;
use edgepos_sync::Input;
use world::bench::Bench;
use world::replica;

fn busy(events: usize) -> Bench {
    let mut bench = Bench::terminal(0);
    bench.tell(Input::Leader { leader: Some((replica(1), Term(1))), entitled: false });
    for _ in 0..events {
        bench.record(Lane::Transactions, b"sale");
    }
    bench
}

#[test]
fn it_begins_above_one_bound_and_ends_at_a_lower_one() {
    let mut bench = busy(400);
    assert!(!bench.outbox.is_peak());
    bench.record(Lane::Transactions, b"one more");
    assert!(bench.outbox.is_peak());

    // 300 a minute would not have begun it, and do not end it.
    for _ in 0..24 {
        bench.wait(Duration::from_secs(10));
        for _ in 0..50 {
            bench.record(Lane::Transactions, b"sale");
        }
    }
    assert!(bench.outbox.is_peak());
    for _ in 0..12 {
        bench.wait(Duration::from_secs(10));
        for _ in 0..30 {
            bench.record(Lane::Transactions, b"sale");
        }
    }
    assert!(!bench.outbox.is_peak());
}

#[test]
fn a_sale_at_peak_is_batched_for_half_a_minute() {
    for (events, wait) in [(401, 30_000), (100, 5_000)] {
        let mut bench = busy(events);
        bench.wait(Duration::from_secs(35));
        bench.meet(replica(1), VersionVector::new());
        for (_, number, batch) in bench.take_batches() {
            let ack = edgepos_sync::Ack { vector: batch.last(), batch: Some(number), ..Default::default() };
            bench.say(replica(1), 1, edgepos_sync::Message::Ack(ack));
        }
        bench.record(Lane::Transactions, b"sale");
        bench.wait(Duration::from_millis(wait - 1));
        assert!(bench.take_batches().is_empty(), "{events}");
        bench.wait(Duration::from_millis(1));
        assert_eq!(bench.take_batches().len(), 1, "{events}");
    }
}

#[test]
fn a_store_that_was_asleep_is_not_at_peak() {
    let mut bench = busy(401);
    bench.wait(Duration::from_secs(3_600));
    bench.record(Lane::Transactions, b"first of the day");
    assert!(!bench.outbox.is_peak());
}
