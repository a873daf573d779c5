//! A leader whose queue to the cloud grows asks its followers to pause; they slow down, and recover. No till ever waits.

mod world;

use std::time::Duration;

use edgepos_core::{Chain, Lane, Term};
use edgepos_crdt::VersionVector;
use edgepos_sync::{Ack, Hash, Input, Message, Notice};
use world::bench::{Bench, run, vector};
use world::{World, replica};

#[test]
fn the_leader_s_pause_grows_from_high_water_to_the_critical_mark() {
    let chain = Chain::new(replica(1), Lane::Transactions);
    let mut bench = Bench::terminal(0);
    bench.tell(Input::Leader { leader: Some((replica(0), Term(1))), entitled: false });
    bench.meet(replica(1), VersionVector::new());
    let mut hash = Hash::ZERO;
    let mut pauses = Vec::new();
    for number in 0..12 {
        let payloads: Vec<&[u8]> = vec![b"sale"; 1_000];
        let (batch, head) = run(chain, number * 1_000 + 1, hash, &payloads);
        hash = head;
        bench.take_acks();
        bench.receive(replica(1), number, vec![batch]);
        pauses.push(bench.take_acks()[0].1.pause.as_millis());
    }
    assert_eq!(pauses, [0, 0, 0, 0, 0, 200, 400, 600, 800, 1_000, 1_000, 1_000]);
    assert_eq!(bench.accepted.len(), 12_000, "asked to pause, never turned away");

    // The cloud catches up, and the pause is over.
    let held = bench.held(vector(chain, 12_000));
    bench.say(replica(1), 1, Message::CloudVector(held));
    bench.take_acks();
    bench.receive(replica(1), 99, vec![run(chain, 12_001, hash, &[b"sale"]).0]);
    assert_eq!(bench.take_acks()[0].1.pause, Duration::ZERO);
}

#[test]
fn a_follower_pauses_sends_less_and_recovers() {
    let mut bench = Bench::terminal(0);
    bench.tell(Input::Leader { leader: Some((replica(1), Term(1))), entitled: false });
    for _ in 0..4_000 {
        bench.record(Lane::Transactions, &[1; 500]);
    }
    bench.meet(replica(1), VersionVector::new());
    let mut sizes = Vec::new();
    for answer in 0..40 {
        let Some((_, number, batch)) = bench.take_batches().pop() else { break };
        sizes.push(batch.events());
        let pause = Duration::from_millis(if answer < 4 { 1_000 } else { 0 });
        bench.say(
            replica(1),
            1,
            Message::Ack(Ack { vector: batch.last(), batch: Some(number), pause, ..Ack::default() }),
        );
        if !pause.is_zero() {
            bench.wait(Duration::from_millis(999));
            bench.record(Lane::Transactions, b"the till does not notice");
            assert!(bench.take_batches().is_empty(), "pauses");
            bench.wait(Duration::from_millis(1));
        }
    }
    assert_eq!(sizes[..6], [524, 262, 131, 65, 32, 65], "halved by each pause, then step by step: {sizes:?}");
    assert!(sizes.iter().max() == Some(&524) && sizes.iter().sum::<usize>() > 3_900, "{sizes:?}");
    let told: Vec<_> =
        bench.news.iter().filter(|notice| matches!(notice, Notice::Backpressure { .. })).collect();
    let expected = Notice::Backpressure { peer: replica(1), retry_after: Duration::from_secs(1) };
    assert_eq!(told, [&expected], "told once");
}

/// The mark that a time of the longest pauses was told of was never taken back, so that the second one went untold.
#[test]
fn a_second_time_of_the_longest_pauses_is_told_as_the_first() {
    let mut bench = Bench::terminal(0);
    bench.tell(Input::Leader { leader: Some((replica(1), Term(1))), entitled: false });
    bench.meet(replica(1), VersionVector::new());
    let mut told = Vec::new();
    for ms in [1_000, 1_000, 500, 1_000, 0, 500, 1_000] {
        bench.news.clear();
        let pause = Duration::from_millis(ms);
        bench.say(replica(1), 1, Message::Ack(Ack { pause, ..Ack::default() }));
        told.push(bench.news.iter().any(|notice| matches!(notice, Notice::Backpressure { .. })));
    }
    assert_eq!(told, [true, false, false, false, false, false, true], "over only when no pause is asked for");
}

#[test]
fn a_long_outage_of_the_cloud_drains_without_loss() {
    let mut world = World::new(8, 3);
    world.connect_all();
    world.elect(Some(0), 1);
    world.run(1_000);
    for node in 0..3 {
        world.nodes[node].uplink = false;
    }
    for _ in 0..40 {
        for node in 0..3 {
            for _ in 0..100 {
                world.sell(node, Lane::Transactions, &[7; 60]);
            }
        }
        world.run(2_000);
    }
    assert!(world.outbox(0).queue_len() > 10_000, "{}", world.outbox(0).queue_len());
    world.nodes[0].uplink = true;
    world.run(400_000);
    world.assert_converged();
    assert_eq!(world.cloud.events.len(), 12_000);
}
