//! A peer's batch is taken in slice by slice: what is recorded here meanwhile waits for two slices on their way to the disk at most.

mod world;

use edgepos_core::{Chain, ConnectionId, Lane, Persist, Space, Term, Write};
use edgepos_crdt::VersionVector;
use edgepos_sync::{Config, Hash, Input, Message, Notice};
use world::bench::{Bench, hello, run, trusting, vector};
use world::{World, replica};

const SLICE: u64 = 64;

/// A leader of whose writes each takes as long as the test wants.
fn slow() -> Bench {
    let mut bench = Bench::terminal(0);
    bench.tell(Input::Leader { leader: Some((replica(0), Term(1))), entitled: false });
    bench.meet(replica(1), VersionVector::new());
    bench.slow_disk = true;
    bench.sent.clear();
    bench
}

fn events(persist: &Persist) -> u64 {
    let event = |write: &&Write| matches!(write, Write::Put { space: Space::Event, .. });
    persist.writes.iter().filter(event).count() as u64
}

/// The oldest write that is held becomes durable.
fn sync_one(bench: &mut Bench) -> u64 {
    let persist = bench.held.remove(0);
    bench.tell(Input::Persisted(persist.id));
    events(&persist)
}

fn chain(terminal: usize) -> Chain {
    Chain::new(replica(terminal), Lane::Transactions)
}

#[test]
fn a_sale_waits_for_two_slices_and_the_batch_is_answered_behind_its_last() {
    let mut bench = slow();
    let (batch, _) = run(chain(1), 1, Hash::ZERO, &[b"sale".as_slice(); 1_000]);
    bench.receive(replica(1), 7, vec![batch]);
    let mut slices = 0;
    while bench.outbox.durable().get(chain(1)).0 < 1_000 {
        assert!(bench.take_acks().is_empty(), "answered before its last slice");
        bench.record(Lane::Transactions, b"a sale of our own");
        // What is on its way to the disk before the sale.
        let waiting: u64 = bench.held.iter().map(events).sum();
        assert!(waiting <= 2 * SLICE + 1, "{waiting} events up to a sale");
        assert!(bench.held.iter().all(|persist| events(persist) <= SLICE));
        slices += u32::from(sync_one(&mut bench) > 1);
        while bench.held.first().is_some_and(|persist| events(persist) == 1) {
            sync_one(&mut bench);
        }
    }
    assert_eq!((bench.accepted.len(), slices), (1_000, 16));
    let acks = bench.take_acks();
    let (_, ack) = acks.iter().find(|(_, ack)| ack.batch == Some(7)).expect("answered");
    assert_eq!(ack.vector.get(chain(1)).0, 1_000);
}

#[test]
fn a_repeat_of_the_batch_under_way_is_passed_over_and_the_next_one_taken() {
    let mut bench = slow();
    let (batch, head) = run(chain(1), 1, Hash::ZERO, &[b"sale".as_slice(); 200]);
    bench.receive(replica(1), 1, vec![batch.clone()]);
    bench.receive(replica(1), 2, vec![batch]);
    bench.sync_all();
    while !bench.held.is_empty() {
        bench.sync_all();
    }
    assert_eq!(bench.accepted.len(), 200);
    bench.receive(replica(1), 3, vec![run(chain(1), 201, head, &[b"sale".as_slice(); 10]).0]);
    bench.sync_all();
    assert_eq!(bench.accepted.len(), 210);
}

/// Meanwhile another peer brings the same chain, further or forked.
#[test]
fn what_another_brings_between_two_slices_is_passed_over_or_parted_from() {
    for forked in [false, true] {
        let mut bench = slow();
        bench.meet(replica(2), VersionVector::new());
        let long = [b"sale".as_slice(); 300];
        let (batch, _) = run(chain(3), 1, Hash::ZERO, &long);
        bench.receive(replica(1), 1, vec![batch]);
        let known = bench.accepted.len();
        let mut other = long[..250].to_vec();
        other[known] = if forked { b"another" } else { b"sale" };
        bench.receive(replica(2), 1, vec![run(chain(3), 1, Hash::ZERO, &other).0]);
        while !bench.held.is_empty() {
            bench.sync_all();
        }
        let positions: Vec<u64> = bench.accepted.iter().map(|record| record.id.seq.0).collect();
        let fork = bench.news.iter().any(|news| matches!(news, Notice::Fork { .. }));
        assert_eq!(fork, forked);
        let end = if forked { positions.len() as u64 } else { 300 };
        assert!(positions.iter().copied().eq(1..=end), "each once and in order: {positions:?}");
    }
}

#[test]
fn what_is_left_of_a_batch_goes_with_its_connection() {
    let mut bench = slow();
    let (batch, _) = run(chain(1), 1, Hash::ZERO, &[b"sale".as_slice(); 300]);
    bench.receive(replica(1), 1, vec![batch.clone()]);
    bench.tell(Input::PeerLost(replica(1), ConnectionId(1)));
    while !bench.held.is_empty() {
        bench.sync_all();
    }
    let taken = bench.accepted.len();
    assert!(taken < 300, "{taken}");
    bench.tell(Input::PeerUp(replica(1), ConnectionId(2)));
    bench.say(replica(1), 2, hello(vector(chain(1), 300)));
    let bytes = edgepos_sync::Batch { runs: vec![batch] }.encode(&world::LIMITS);
    bench.say(replica(1), 2, Message::Batch { number: 1, batch: bytes });
    while !bench.held.is_empty() {
        bench.sync_all();
    }
    assert_eq!(bench.accepted.len(), 300);
}

/// Small slices, bad weather and crashes between them: the rules of the world hold, and all ends up everywhere.
#[test]
fn stores_with_small_slices_converge() {
    for seed in 0..8 {
        let mut world = World::new(seed, 0);
        for till in 0..3 {
            world.add(Config { slice_events: 3, ..trusting(replica(till), seed) });
        }
        world.weather = world::STORM;
        world.connect_all();
        world.elect(Some(0), 1);
        for round in 0..20 {
            for sale in 0..30 {
                world.sell((round + sale) % 3, Lane::ALL[sale % 4], b"sale");
            }
            world.run(1_500);
            if round % 5 == 4 {
                let node = round % 3;
                world.crash(node);
                world.start(node);
                world.connect_all();
            }
        }
        world.weather = world::CALM;
        world.run(400_000);
        world.assert_converged();
    }
}
