//! Trap: one event that nobody can read blocks all that follow. Sync reads no payload, so there is nothing to choke on.

mod world;

use edgepos_core::{Chain, Lane, Seq};
use edgepos_crdt::VersionVector;
use edgepos_sync::{Config, Hash, RecordError};
use world::bench::{Bench, run};
use world::{STORE, World, replica};

#[test]
fn garbage_travels_like_anything_else() {
    let mut world = World::new(4, 2);
    world.connect_all();
    world.elect(Some(1), 1);
    for payload in [b"ok".as_slice(), b"", &[0xFF; 1_000], b"\x9f\x9f\x9f\x9f", b"ok again"] {
        world.sell(0, Lane::Transactions, payload);
    }
    world.run(30_000);
    world.assert_converged();
    assert_eq!(world.cloud.events.len(), 5);
}

#[test]
fn what_a_later_version_records_larger_is_carried() {
    let mut world = World::new(4, 2);
    let late = world.add(Config {
        max_event_bytes: 512 << 10,
        batch_bytes: 2 << 20,
        ..Config::standard(STORE, replica(2), 1)
    });
    world.connect_all();
    world.elect(Some(1), 1);
    let large = world.sell(late, Lane::Transactions, &vec![7; 512 << 10]);
    world.sell(late, Lane::Transactions, b"small");
    world.run(30_000);
    world.assert_converged();
    assert!(world.stored(0).contains_key(&large), "a terminal that could not record it holds it");
}

#[test]
fn too_large_is_said_before_anything_is_promised() {
    let mut bench = Bench::terminal(0);
    let refused = bench.outbox.record(bench.now, Lane::Transactions, vec![0; (64 << 10) + 1]);
    assert_eq!(refused, Err(RecordError::TooLarge { bytes: (64 << 10) + 1, limit: 64 << 10 }));
    assert!(bench.outbox.vector().is_empty());
    assert_eq!(bench.record(Lane::Transactions, &vec![0; 64 << 10]).seq, Seq(1));
}

#[test]
fn a_batch_that_does_not_decode_is_answered_and_blocks_nothing() {
    let chain = Chain::new(replica(1), Lane::Transactions);
    let mut bench = Bench::terminal(0);
    bench.meet(replica(1), VersionVector::new());
    bench.take_acks();
    bench.say(replica(1), 1, edgepos_sync::Message::Batch { number: 1, batch: vec![0xFF; 40] });
    assert_eq!(bench.take_acks()[0].1.batch, Some(1));
    bench.receive(replica(1), 2, vec![run(chain, 1, Hash::ZERO, &[b"fine"]).0]);
    assert_eq!(bench.accepted.len(), 1);
}
