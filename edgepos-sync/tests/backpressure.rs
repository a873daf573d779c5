//! Who is sent more than its disk takes asks to pause; the others slow down, and recover. No till ever waits, and what only the cloud
//! lacks pauses nobody.

mod world;

use std::time::Duration;

use edgepos_core::{Chain, Lane, Term};
use edgepos_crdt::VersionVector;
use edgepos_sync::{Ack, Config, Hash, Input, Message, Notice};
use world::bench::{Bench, run, trusting};
use world::{World, replica};

/// The pauses that the answers to batches ask for, while the disk catches up write by write.
fn pauses(bench: &mut Bench) -> Vec<u128> {
    let mut pauses = Vec::new();
    while !bench.held.is_empty() {
        let persist = bench.held.remove(0);
        bench.take_acks();
        bench.tell(Input::Persisted(persist.id));
        // The others are told what is durable, too.
        let answers = bench.take_acks().into_iter().filter(|(_, ack)| ack.batch.is_some());
        pauses.extend(answers.map(|(_, ack)| ack.pause.as_millis()));
    }
    pauses
}

#[test]
fn the_pause_grows_with_what_waits_for_the_disk() {
    let mut bench = Bench::terminal(0);
    bench.tell(Input::Leader { leader: Some((replica(0), Term(1))), entitled: false });
    bench.slow_disk = true;
    for peer in 1..=12 {
        bench.meet(replica(peer), VersionVector::new());
        let payloads: Vec<&[u8]> = vec![b"sale"; 1_000];
        let chain = Chain::new(replica(peer), Lane::Transactions);
        bench.receive(replica(peer), 1, vec![run(chain, 1, Hash::ZERO, &payloads).0]);
    }
    assert_eq!(pauses(&mut bench), [1_000, 1_000, 800, 600, 400, 200, 0, 0, 0, 0, 0, 0]);
    assert_eq!(bench.accepted.len(), 12_000, "asked to pause, never turned away");
}

#[test]
fn the_pause_grows_with_the_bytes_too() {
    let marks = (1 << 20, 2 << 20);
    let config = Config { high_water_bytes: marks.0, critical_bytes: marks.1, ..trusting(replica(0), 1) };
    let mut bench = Bench::new(config);
    bench.tell(Input::Leader { leader: Some((replica(0), Term(1))), entitled: false });
    bench.slow_disk = true;
    let payload = vec![7; 64 << 10];
    for peer in 1..=9 {
        bench.meet(replica(peer), VersionVector::new());
        let chain = Chain::new(replica(peer), Lane::Transactions);
        bench.receive(replica(peer), 1, vec![run(chain, 1, Hash::ZERO, &[payload.as_slice(); 4]).0]);
    }
    // 256 KiB each: from 1 to 2 MiB it grows.
    assert_eq!(pauses(&mut bench), [1_000, 750, 500, 250, 0, 0, 0, 0, 0]);
}

/// A till that was away brings what it sold meanwhile at the speed of the network and the disks: that the cloud is away pauses nobody.
#[test]
fn a_returning_till_s_backlog_is_exchanged_while_the_cloud_is_away() {
    const BEHIND: usize = 20_000;
    let mut world = World::new(21, 2);
    world.nodes.iter_mut().for_each(|node| node.uplink = false);
    world.elect(Some(0), 1);
    for sale in 0..BEHIND {
        world.sell(1, Lane::Transactions, &[7; 500]);
        if sale % 1_000 == 0 {
            world.run(100);
        }
    }
    world.run(100);
    world.connect(0, 1);
    // 10 MB in batches of 256 KiB, each of which takes at most 8 ms there, on the disk and back.
    let mut took = 0;
    while world.stored(0).len() < BEHIND {
        assert!(took < 500, "{} of {BEHIND} after {took} ms", world.stored(0).len());
        world.run(50);
        took += 50;
        for node in 0..2 {
            world.sell(node, Lane::Transactions, b"the till does not notice");
        }
    }
    let told = |node: &world::Node| node.news.iter().any(|news| matches!(news, Notice::Backpressure { .. }));
    assert!(!world.nodes.iter().any(told), "nobody is asked to pause");
    assert!(world.outbox(0).queue_len() > 20_000, "the cloud has nothing of it");
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
