//! When a batch goes: after 5 s, when it is full, on demand, and at once when a peer comes back or the leader changes.

mod world;

use std::time::Duration;

use edgepos_core::{Chain, ConnectionId, Lane, Term};
use edgepos_crdt::VersionVector;
use edgepos_sync::{Ack, Input, Message};
use world::bench::{Bench, hello, vector};
use world::{World, replica};

fn met() -> Bench {
    let mut bench = Bench::terminal(0);
    bench.tell(Input::Leader { leader: Some((replica(1), Term(1))), entitled: false });
    bench.meet(replica(1), VersionVector::new());
    bench.sent.clear();
    bench
}

fn acknowledge(bench: &mut Bench, number: u64, seq: u64) {
    let vector = vector(Chain::new(replica(0), Lane::Transactions), seq);
    bench.say(replica(1), 1, Message::Ack(Ack { vector, batch: Some(number), ..Ack::default() }));
}

#[test]
fn events_are_batched() {
    let mut bench = met();
    bench.record(Lane::Transactions, b"one");
    bench.wait(Duration::from_millis(4_900));
    bench.record(Lane::Transactions, b"two");
    assert!(bench.take_batches().is_empty());
    bench.wait(Duration::from_millis(100));
    assert_eq!(bench.take_batches()[0].2.events(), 2);
    // What comes while a batch is under way waits for the next flush, and does not follow in a batch of its own.
    bench.record(Lane::Transactions, b"three");
    acknowledge(&mut bench, 1, 2);
    assert!(bench.take_batches().is_empty());
    bench.wait(Duration::from_millis(5_000));
    assert_eq!(bench.take_batches()[0].2.events(), 1);
}

#[test]
fn a_full_batch_and_a_demand_wait_for_nothing() {
    let mut bench = met();
    for _ in 0..4 {
        bench.record(Lane::Transactions, &vec![1; 64 << 10]);
    }
    assert_eq!(bench.take_batches()[0].2.events(), 4);
    acknowledge(&mut bench, 1, 4);
    bench.record(Lane::Transactions, b"one");
    assert!(bench.take_batches().is_empty());
    bench.outbox.flush(bench.now);
    bench.drain();
    assert_eq!(bench.take_batches()[0].2.events(), 1);
}

#[test]
fn a_peer_that_comes_back_is_told_at_once() {
    let mut bench = met();
    bench.tell(Input::PeerLost(replica(1), ConnectionId(1)));
    bench.record(Lane::Transactions, b"one");
    bench.wait(Duration::from_secs(600));
    bench.tell(Input::PeerUp(replica(1), ConnectionId(2)));
    bench.say(replica(1), 2, hello(VersionVector::new()));
    assert_eq!(bench.take_batches()[0].2.events(), 1);
}

#[test]
fn a_new_leader_is_told_at_once() {
    let mut bench = met();
    bench.meet(replica(2), VersionVector::new());
    bench.record(Lane::Transactions, b"one");
    assert!(bench.take_batches().is_empty());
    bench.tell(Input::Leader { leader: Some((replica(2), Term(2))), entitled: false });
    assert_eq!(bench.take_batches().iter().map(|(to, ..)| *to).collect::<Vec<_>>(), [replica(2)]);
}

#[test]
fn what_waits_goes_although_nothing_new_is_recorded() {
    let mut world = World::new(3, 2);
    world.elect(Some(1), 1);
    world.sell(0, Lane::Transactions, b"last sale of the day");
    world.run(3_600_000);
    world.connect(0, 1);
    world.run(15_000);
    world.assert_converged();
}

#[test]
fn one_batch_at_a_time_goes_to_a_peer() {
    let mut bench = met();
    for _ in 0..10 {
        bench.record(Lane::Transactions, &vec![1; 64 << 10]);
        bench.outbox.flush(bench.now);
        bench.drain();
    }
    assert_eq!(bench.take_batches().len(), 1);
    let chain = Chain::new(replica(0), Lane::Transactions);
    bench.say(
        replica(1),
        1,
        Message::Ack(Ack { vector: vector(chain, 1), batch: Some(1), ..Ack::default() }),
    );
    assert_eq!(bench.take_batches().len(), 1, "the rest follows without a pause");
}
