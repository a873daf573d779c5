//! Trap: priorities over one sequence tear holes. Each lane has its own, so sales overtake stock counts and vectors stay whole; and no
//! lane starves.

mod world;

use edgepos_core::{Chain, ConnectionId, Lane, Seq};
use edgepos_crdt::VersionVector;
use edgepos_sync::{Ack, Batch, Input, Message};
use world::bench::{Bench, hello};
use world::replica;

/// Everything is recorded before the peer is there; each batch is acknowledged at once.
fn batches(bench: &mut Bench) -> Vec<Batch> {
    bench.tell(Input::PeerUp(replica(1), ConnectionId(1)));
    bench.say(replica(1), 1, hello(VersionVector::new()));
    let mut held = VersionVector::new();
    let mut all = Vec::new();
    while let Some((_, number, batch)) = bench.take_batches().pop() {
        for run in &batch.runs {
            assert_eq!(run.first, held.get(run.chain).next(), "a hole in {}", run.chain);
            held.set_max(run.chain, run.last());
        }
        bench.say(
            replica(1),
            1,
            Message::Ack(Ack { vector: held.clone(), batch: Some(number), ..Ack::default() }),
        );
        all.push(batch);
    }
    assert_eq!(held, *bench.outbox.durable());
    all
}

fn bytes(batch: &Batch, lane: Lane) -> usize {
    let runs = batch.runs.iter().filter(|run| run.chain.lane == lane);
    runs.flat_map(|run| &run.payloads).map(Vec::len).sum()
}

#[test]
fn sales_overtake_stock_and_stock_does_not_starve() {
    let mut bench = Bench::terminal(0);
    for _ in 0..2_000 {
        bench.record(Lane::Telemetry, &[1; 500]);
        bench.record(Lane::Stock, &[2; 500]);
    }
    for _ in 0..2_000 {
        bench.record(Lane::Transactions, &[3; 500]);
    }
    let batches = batches(&mut bench);
    let first = &batches[0];
    assert!(bytes(first, Lane::Transactions) > 200_000, "the sales came last and go first");
    for lane in [Lane::Stock, Lane::Telemetry] {
        let floor = bytes(first, lane);
        assert!((16_000..=16_384).contains(&floor), "{lane:?} has its floor and no more: {floor}");
    }
    let last_sale = batches.iter().rposition(|batch| bytes(batch, Lane::Transactions) > 0).expect("sales");
    assert!(last_sale < batches.len() / 2, "all sales are there before half of the rest");
    for batch in &batches {
        let lanes: Vec<Lane> = batch.runs.iter().map(|run| run.chain.lane).collect();
        assert!(lanes.is_sorted(), "most urgent first");
        let total: usize = Lane::ALL.iter().map(|lane| bytes(batch, *lane)).sum();
        assert!(total <= 256 << 10, "{total}");
    }
    let lean = |batch: &&Batch| Lane::ALL.iter().map(|lane| bytes(batch, *lane)).sum::<usize>() < 255 << 10;
    assert!(batches.iter().filter(lean).count() <= 1, "only the last is not full");
}

#[test]
fn the_largest_events_of_every_lane_fit_together() {
    let mut bench = Bench::terminal(0);
    for _ in 0..3 {
        for lane in Lane::ALL {
            bench.record(lane, &vec![5; 64 << 10]);
        }
    }
    let batches = batches(&mut bench);
    assert_eq!(batches.len(), 3);
    for batch in batches {
        assert_eq!(batch.runs.iter().map(|run| run.payloads.len()).collect::<Vec<_>>(), [1; 4]);
    }
}

#[test]
fn many_small_events_are_limited_by_number() {
    let mut bench = Bench::terminal(0);
    for _ in 0..4_096 + 10 {
        bench.record(Lane::Transactions, b"");
    }
    let events: Vec<usize> = batches(&mut bench).iter().map(Batch::events).collect();
    assert_eq!(events, [4_096, 10]);
}

#[test]
fn chains_of_one_lane_take_turns() {
    let mut bench = Bench::terminal(0);
    let theirs = Chain::new(replica(2), Lane::Transactions);
    bench.meet(replica(2), VersionVector::new());
    let payloads: Vec<&[u8]> = vec![&[9; 1_000]; 600];
    let (run, _) = world::bench::run(theirs, 1, edgepos_sync::Hash::ZERO, &payloads);
    bench.receive(replica(2), 1, vec![run]);
    for _ in 0..600 {
        bench.record(Lane::Transactions, &[8; 1_000]);
    }
    bench.sent.clear();
    let served: Vec<Vec<Chain>> =
        batches(&mut bench).iter().map(|batch| batch.runs.iter().map(|run| run.chain).collect()).collect();
    assert_ne!(served[0], served[1], "a long chain does not hold up the others: {served:?}");
    assert_eq!(bench.outbox.durable().get(theirs), Seq(600));
}
