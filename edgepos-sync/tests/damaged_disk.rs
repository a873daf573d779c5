//! Bit rot and pruned events: noticed when they are read, never sent as if nothing were wrong, and no obstacle for other chains.

#![allow(clippy::unwrap_used, reason = "a test")]

mod world;

use edgepos_core::{Chain, EventId, Lane, Seq, Space};
use edgepos_crdt::VersionVector;
use edgepos_sync::{Message, Notice};
use world::bench::Bench;
use world::replica;

fn ten() -> (Bench, Chain) {
    let mut bench = Bench::terminal(0);
    for _ in 0..10 {
        bench.record(Lane::Transactions, b"sale");
    }
    bench.record(Lane::Stock, b"count");
    (bench, Chain::new(replica(0), Lane::Transactions))
}

fn row(chain: Chain, seq: u64) -> (Space, Vec<u8>) {
    (Space::Event, EventId::new(chain, Seq(seq)).to_key().to_vec())
}

fn sent(bench: &mut Bench) -> VersionVector {
    bench.take_batches().pop().map(|(_, _, batch)| batch.last()).unwrap_or_default()
}

#[test]
fn one_flipped_bit_stops_the_chain_before_it() {
    for (seq, held, before) in [(4, 0, 3), (4, 3, 0), (5, 4, 0), (10, 2, 9)] {
        let (mut bench, chain) = ten();
        bench.rows.get_mut(&row(chain, seq)).expect("stored")[33] ^= 1;
        bench.meet(replica(1), world::bench::vector(chain, held));
        assert_eq!(bench.news, [Notice::Damaged { id: EventId::new(chain, Seq(seq)) }]);
        let sent = sent(&mut bench);
        assert_eq!(sent.get(chain), Seq(before), "{seq} {held}");
        assert_eq!(sent.get(Chain::new(replica(0), Lane::Stock)), Seq(1));
    }
}

#[test]
fn a_peer_that_needs_what_is_pruned_is_told_where_the_tail_begins() {
    let (mut bench, chain) = ten();
    for seq in 1..=6 {
        bench.rows.remove(&row(chain, seq));
    }
    bench.meet(replica(1), world::bench::vector(chain, 3));
    let missing = Message::Missing { floor: [(chain, Seq(7))].into_iter().collect() };
    assert!(bench.sent.iter().any(|(_, _, message)| *message == missing));
    assert_eq!(bench.news, [Notice::Pruned { id: EventId::new(chain, Seq(4)), peer: Some(replica(1)) }]);
    assert_eq!(sent(&mut bench).get(chain), Seq::ZERO);

    // One that stands right before the tail gets it, although the event before the tail is gone.
    bench.meet(replica(2), world::bench::vector(chain, 6));
    assert_eq!(sent(&mut bench).get(chain), Seq(10));
}

#[test]
fn who_is_told_so_asks_for_a_snapshot() {
    let chain = Chain::new(replica(1), Lane::Prices);
    let mut bench = Bench::terminal(0);
    bench.meet(replica(1), VersionVector::new());
    bench.say(replica(1), 1, Message::Missing { floor: [(chain, Seq(7))].into_iter().collect() });
    assert_eq!(bench.news, [Notice::SnapshotNeeded { peer: replica(1), chain, floor: Seq(7) }]);
}

#[test]
fn a_row_that_is_gone_from_the_middle_is_not_jumped_over() {
    let (mut bench, chain) = ten();
    bench.rows.remove(&row(chain, 5));
    bench.meet(replica(1), VersionVector::new());
    assert_eq!(sent(&mut bench).get(chain), Seq(4));
}
