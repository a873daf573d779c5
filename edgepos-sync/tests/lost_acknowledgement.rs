//! Trap: the reply gets lost. The batch is sent again, with growing waits, and is taken once.

mod world;

use std::time::Duration;

use edgepos_core::{Chain, Lane, Seq, Term};
use edgepos_crdt::VersionVector;
use edgepos_sync::{Ack, Hash, Input, Message};
use world::bench::{Bench, run, vector};
use world::replica;

#[test]
fn a_batch_is_repeated_with_growing_waits_until_it_is_acknowledged() {
    let mut bench = Bench::terminal(0);
    bench.record(Lane::Transactions, b"sale");
    bench.meet(replica(1), VersionVector::new());
    bench.tell(Input::Leader { leader: Some((replica(1), Term(1))), entitled: false });
    let mut sent = Vec::new();
    for second in 0..200 {
        sent.extend(bench.take_batches().into_iter().map(|(_, number, batch)| {
            assert_eq!(batch.events(), 1);
            (second, number)
        }));
        bench.wait(Duration::from_secs(1));
    }
    let waits: Vec<u64> = sent.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    assert!(waits[0] <= 1 && *waits.last().expect("repeats") >= 15, "{waits:?}");
    assert!(waits.iter().all(|wait| *wait <= 31), "{waits:?}");
    assert!((9..20).contains(&sent.len()), "{}", sent.len());

    // Any acknowledgement that covers it ends the matter, whichever attempt it answers.
    let held = vector(Chain::new(replica(0), Lane::Transactions), 1);
    bench.say(replica(1), 1, Message::Ack(Ack { vector: held.clone(), batch: Some(1), ..Ack::default() }));
    let held = bench.held(held);
    bench.say(replica(1), 1, Message::CloudVector(held));
    bench.take_batches();
    bench.wait(Duration::from_secs(100));
    assert!(bench.take_batches().is_empty());
    assert_eq!(bench.outbox.poll_timeout(), None, "an idle terminal sleeps");
}

#[test]
fn a_peer_that_answers_and_takes_nothing_is_asked_less_and_less() {
    let mut bench = Bench::terminal(0);
    bench.record(Lane::Transactions, b"sale");
    bench.tell(Input::Leader { leader: Some((replica(1), Term(1))), entitled: false });
    bench.meet(replica(1), VersionVector::new());
    let mut asked = 0;
    for _ in 0..3_000 {
        if let Some((_, number, _)) = bench.take_batches().pop() {
            asked += 1;
            bench.say(replica(1), 1, Message::Ack(Ack { batch: Some(number), ..Ack::default() }));
        }
        bench.wait(Duration::from_millis(100));
    }
    assert!((12..30).contains(&asked), "{asked} times in 300 s");
}

#[test]
fn a_number_that_no_batch_has_answers_none() {
    let chain = Chain::new(replica(0), Lane::Transactions);
    for number in [0, 2, u64::MAX] {
        let mut bench = Bench::terminal(0);
        bench.record(Lane::Transactions, b"sale");
        bench.tell(Input::Leader { leader: Some((replica(1), Term(1))), entitled: false });
        bench.meet(replica(1), VersionVector::new());
        let sent = bench.take_batches();
        assert_eq!(sent.iter().map(|(_, number, _)| *number).collect::<Vec<_>>(), [1]);
        let ack = |number, vector| Message::Ack(Ack { vector, batch: Some(number), ..Ack::default() });
        bench.say(replica(1), 1, ack(number, VersionVector::new()));
        assert!(bench.take_batches().is_empty(), "{number}: the first is still under way");
        bench.wait(Duration::from_secs(5));
        let again = bench.take_batches();
        let (_, repeated, batch) = again.first().expect("it is sent again");
        assert_eq!((*repeated, batch.last().get(chain)), (2, Seq(1)), "{number}");
        bench.say(replica(1), 1, ack(*repeated, vector(chain, 1)));
        bench.wait(Duration::from_secs(100));
        assert!(bench.take_batches().is_empty(), "{number}: it has it");
    }
}

#[test]
fn a_repeat_is_acknowledged_again_and_taken_once() {
    let chain = Chain::new(replica(1), Lane::Transactions);
    let mut bench = Bench::terminal(0);
    bench.meet(replica(1), VersionVector::new());
    bench.take_acks();
    let (batch, _) = run(chain, 1, Hash::ZERO, &[b"a", b"b"]);
    for number in 1..4 {
        bench.receive(replica(1), number, vec![batch.clone()]);
        let acks = bench.take_acks();
        assert_eq!(acks.len(), 1);
        assert_eq!(acks[0].1.batch, Some(number));
        assert_eq!(acks[0].1.vector.get(chain), Seq(2));
    }
    assert_eq!(bench.accepted.len(), 2);
}

#[test]
fn an_acknowledgement_waits_for_the_disk() {
    let chain = Chain::new(replica(1), Lane::Transactions);
    let mut bench = Bench::terminal(0);
    bench.slow_disk = true;
    bench.meet(replica(1), VersionVector::new());
    bench.take_acks();
    bench.receive(replica(1), 1, vec![run(chain, 1, Hash::ZERO, &[b"a"]).0]);
    bench.receive(replica(1), 2, vec![run(chain, 1, Hash::ZERO, &[b"a"]).0]);
    assert_eq!(bench.take_acks(), [], "a power cut could still take the event back");
    assert_eq!((bench.outbox.vector().get(chain), bench.outbox.durable().get(chain)), (Seq(1), Seq::ZERO));
    bench.sync_all();
    let acks = bench.take_acks();
    assert_eq!(acks.len(), 1);
    assert_eq!(acks[0].1.vector.get(chain), Seq(1));
}

#[test]
fn a_gap_is_answered_with_what_is_held() {
    let chain = Chain::new(replica(1), Lane::Transactions);
    let mut bench = Bench::terminal(0);
    bench.meet(replica(1), VersionVector::new());
    let (first, hash) = run(chain, 1, Hash::ZERO, &[b"a"]);
    let (second, _) = run(chain, 2, hash, &[b"b"]);
    bench.take_acks();
    bench.receive(replica(1), 2, vec![second.clone()]);
    assert!(bench.accepted.is_empty());
    assert_eq!(bench.take_acks()[0].1.vector.get(chain), Seq::ZERO);
    bench.receive(replica(1), 1, vec![first]);
    bench.receive(replica(1), 3, vec![second]);
    assert_eq!(bench.accepted.len(), 2);
}
