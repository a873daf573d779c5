//! Events of the store itself: every terminal derives the same ones from the log, and a peer may be quicker than the log.

mod world;

use edgepos_core::{Chain, Lane, Now, ReplicaId, Seq, StoreGeneration};
use edgepos_crdt::VersionVector;
use edgepos_sync::{Config, Decided, Hash, Notice, Outbox, RecordError, Restored, Witness};
use world::bench::{Bench, run};
use world::{STORE, replica};

fn chain() -> Chain {
    Chain::new(ReplicaId::store(StoreGeneration(0)), Lane::Transactions)
}

fn decide(bench: &mut Bench, payload: &[u8]) -> Result<Decided, RecordError> {
    let decided = bench.outbox.record_decided(bench.now, chain(), payload.to_vec());
    bench.drain();
    decided
}

/// What the disk has.
fn restart(bench: &Bench) -> Bench {
    let mut restored = Restored::new();
    for ((space, key), value) in &bench.rows {
        restored.insert(*space, key, value).expect("own row");
    }
    let mut again = Bench::terminal(0);
    again.rows = bench.rows.clone();
    again.outbox =
        Outbox::new(Now::new(0, 0), Config::standard(STORE, replica(0), 1), restored).expect("valid");
    again
}

#[test]
fn the_log_alone_numbers_them() {
    let mut bench = Bench::terminal(0);
    for seq in 1..4 {
        let decided = decide(&mut bench, b"backorder").expect("recorded");
        assert_eq!((decided.id.seq, decided.new), (Seq(seq), true));
    }
    bench = restart(&bench);
    assert_eq!(decide(&mut bench, b"next").expect("recorded").id.seq, Seq(4));
}

#[test]
fn what_a_peer_has_brought_is_not_new_and_is_counted_once_through_a_restart() {
    let mut bench = Bench::terminal(0);
    bench.meet(replica(1), VersionVector::new());
    bench.receive(replica(1), 1, vec![run(chain(), 1, Hash::ZERO, &[b"one", b"two"]).0]);
    assert_eq!(bench.accepted.len(), 2);
    let rows = bench.rows.len();
    let first = decide(&mut bench, b"one").expect("the same");
    assert_eq!((first.id.seq, first.new), (Seq(1), false));
    assert_eq!(bench.rows.len(), rows, "no event is written twice");

    bench = restart(&bench);
    let second = decide(&mut bench, b"two").expect("the same");
    assert_eq!((second.id.seq, second.new), (Seq(2), false));
    let third = decide(&mut bench, b"three").expect("new");
    assert_eq!((third.id.seq, third.new), (Seq(3), true));
    assert_eq!(bench.outbox.durable().get(chain()), Seq(3));
}

#[test]
fn what_a_peer_has_brought_and_the_log_does_not_know_is_a_fork() {
    let mut bench = Bench::terminal(0);
    bench.meet(replica(1), VersionVector::new());
    bench.receive(replica(1), 1, vec![run(chain(), 1, Hash::ZERO, &[b"one", b"false"]).0]);
    assert!(decide(&mut bench, b"one").is_ok());
    let id = edgepos_core::EventId::new(chain(), Seq(2));
    assert_eq!(decide(&mut bench, b"true"), Err(RecordError::Fork { id }));
    assert!(bench.news.contains(&Notice::Fork { chain: chain(), seq: Seq(2), witness: Witness::Log }));
    assert_eq!(decide(&mut bench, b"true"), Err(RecordError::Fork { id }), "and it stays one");
}

#[test]
fn how_far_the_log_has_come_is_known_apart_from_what_peers_have_brought() {
    let mut bench = Bench::terminal(0);
    assert_eq!(bench.outbox.decided(chain()), Seq::ZERO);
    bench.meet(replica(1), VersionVector::new());
    bench.receive(replica(1), 1, vec![run(chain(), 1, Hash::ZERO, &[b"one", b"two"]).0]);
    assert_eq!(bench.outbox.decided(chain()), Seq::ZERO);
    decide(&mut bench, b"one").expect("the same");
    assert_eq!(bench.outbox.decided(chain()), Seq(1));
    assert_eq!(restart(&bench).outbox.decided(chain()), Seq(1));
}

#[test]
fn a_decision_is_recorded_however_busy_the_disk_is() {
    let mut bench = Bench::terminal(0);
    bench.slow_disk = true;
    for _ in 0..4_096 {
        bench.record(Lane::Stock, b"count");
    }
    let full = bench.outbox.record(bench.now, Lane::Stock, b"count".to_vec());
    assert!(matches!(full, Err(RecordError::Busy { .. })));
    assert!(decide(&mut bench, b"the log says it once").is_ok());
}

#[test]
fn terminals_do_not_decide() {
    let mut bench = Bench::terminal(0);
    let mine = Chain::new(replica(0), Lane::Transactions);
    let refused = bench.outbox.record_decided(bench.now, mine, b"x".to_vec());
    assert_eq!(refused, Err(RecordError::NotTheStore { chain: mine }));
}
