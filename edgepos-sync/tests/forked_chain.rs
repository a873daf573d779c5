//! Two histories of one chain: the run is refused whole, the chain is set apart against that peer, and everything else goes on.

mod world;

use edgepos_core::{Chain, ConnectionId, Lane, Seq};
use edgepos_crdt::VersionVector;
use edgepos_sync::{Ack, Hash, Hello, Input, Message, Notice, Witness};
use world::bench::{Bench, hello, run, vector};
use world::replica;

const LANE: Lane = Lane::Transactions;

fn fork(seq: u64, peer: usize) -> Notice {
    Notice::Fork { chain: Chain::new(replica(3), LANE), seq: Seq(seq), witness: Witness::Peer(replica(peer)) }
}

#[test]
fn a_run_on_another_history_is_refused_and_nothing_of_it_is_taken() {
    let chain = Chain::new(replica(3), LANE);
    let other = Chain::new(replica(1), LANE);
    let mut bench = Bench::terminal(0);
    bench.meet(replica(1), VersionVector::new());
    bench.receive(replica(1), 1, vec![run(chain, 1, Hash::ZERO, &[b"a", b"b"]).0]);

    let (_, branch) = run(chain, 1, Hash::ZERO, &[b"a", b"not b"]);
    let (evil, _) = run(chain, 3, branch, &[b"c", b"d"]);
    let (good, _) = run(other, 1, Hash::ZERO, &[b"fine"]);
    bench.take_acks();
    bench.receive(replica(1), 2, vec![evil, good]);
    assert_eq!(bench.outbox.vector().get(chain), Seq(2));
    assert_eq!(bench.outbox.vector().get(other), Seq(1), "one bad run holds up no other");
    assert_eq!(bench.accepted.len(), 3);
    assert_eq!(bench.news, [fork(2, 1)]);
    let acks = bench.take_acks();
    assert!(acks[0].1.refused.contains(&chain), "the peer is told why");

    // From another peer the same chain is still welcome.
    bench.meet(replica(2), VersionVector::new());
    let (_, true_head) = run(chain, 1, Hash::ZERO, &[b"a", b"b"]);
    bench.receive(replica(2), 1, vec![run(chain, 3, true_head, &[b"c"]).0]);
    assert_eq!(bench.outbox.vector().get(chain), Seq(3));
}

#[test]
fn equal_length_and_other_content_shows_in_the_greeting() {
    let chain = Chain::new(replica(3), LANE);
    let mut bench = Bench::terminal(0);
    bench.meet(replica(1), VersionVector::new());
    bench.receive(replica(1), 1, vec![run(chain, 1, Hash::ZERO, &[b"a"]).0]);
    let Message::Hello(greeting) = hello(vector(chain, 1)) else { unreachable!() };
    let heads = [(chain, Hash([9; 32]))].into_iter().collect();
    bench.tell(Input::PeerUp(replica(2), ConnectionId(1)));
    bench.say(replica(2), 1, Message::Hello(Hello { heads, ..greeting }));
    assert_eq!(bench.news, [fork(1, 2)]);
}

#[test]
fn equal_length_and_other_content_is_no_duplicate() {
    let chain = Chain::new(replica(3), LANE);
    let mut bench = Bench::terminal(0);
    bench.meet(replica(1), VersionVector::new());
    bench.receive(replica(1), 1, vec![run(chain, 1, Hash::ZERO, &[b"a", b"b"]).0]);
    bench.receive(replica(1), 2, vec![run(chain, 1, Hash::ZERO, &[b"a", b"b"]).0]);
    assert_eq!(bench.news, [], "the same is a duplicate");
    bench.receive(replica(1), 3, vec![run(chain, 1, Hash::ZERO, &[b"a", b"not b"]).0]);
    assert_eq!(bench.news, [fork(2, 1)]);
    assert_eq!(bench.accepted.len(), 2);
}

#[test]
fn a_head_that_lies_about_a_whole_new_chain_is_refused() {
    let chain = Chain::new(replica(3), LANE);
    let mut bench = Bench::terminal(0);
    bench.meet(replica(1), VersionVector::new());
    let (mut lie, _) = run(chain, 1, Hash::ZERO, &[b"a", b"b"]);
    lie.payloads[0] = b"z".to_vec();
    bench.receive(replica(1), 1, vec![lie]);
    assert!(bench.accepted.is_empty() && bench.outbox.vector().is_empty());
    assert_eq!(bench.news, [fork(0, 1)]);
}

/// Small worlds found two terminals, each of which had refused what the other no longer held, and went on refusing.
#[test]
fn a_refusal_from_before_the_latest_greeting_is_none_and_is_answered_with_another_greeting() {
    let mut bench = Bench::terminal(0);
    bench.record(LANE, b"sale");
    bench.meet(replica(1), VersionVector::new());
    let greeted = |bench: &mut Bench| {
        let sent = std::mem::take(&mut bench.sent);
        let numbers = sent.into_iter().filter_map(|(_, _, message)| match message {
            Message::Hello(hello) => Some(hello.number),
            _ => None,
        });
        numbers.collect::<Vec<_>>()
    };
    let Message::Hello(unheard) = hello(VersionVector::new()) else { unreachable!() };
    bench.say(replica(1), 1, Message::Hello(edgepos_sync::Hello { heard: false, ..unheard }));
    assert_eq!(greeted(&mut bench), [1, 2]);

    let refused: std::collections::BTreeSet<_> = [Chain::new(replica(0), LANE)].into_iter().collect();
    let ack = Ack { batch: Some(1), refused, ..Ack::default() };
    bench.say(replica(1), 1, Message::Ack(Ack { greeting: 1, ..ack.clone() }));
    bench.wait(std::time::Duration::from_secs(1));
    assert_eq!(bench.news, []);
    assert_eq!(greeted(&mut bench), [3]);

    bench.say(replica(1), 1, Message::Ack(Ack { greeting: 3, ..ack }));
    assert!(bench.news.iter().any(|notice| matches!(notice, Notice::Fork { .. })), "{:?}", bench.news);
}

#[test]
fn a_chain_that_a_peer_refuses_is_not_sent_to_it_again_on_this_connection() {
    let mut bench = Bench::terminal(0);
    bench.record(LANE, b"sale");
    bench.meet(replica(1), VersionVector::new());
    assert_eq!(bench.take_batches().len(), 1);
    let mine = Chain::new(replica(0), LANE);
    let refused = [mine].into_iter().collect();
    bench.say(replica(1), 1, Message::Ack(Ack { batch: Some(1), refused, ..Ack::default() }));
    bench.wait(std::time::Duration::from_secs(300));
    assert!(bench.take_batches().is_empty());
    assert!(bench.news.iter().any(|notice| matches!(notice, Notice::Fork { chain, .. } if *chain == mine)));

    // A new connection is a new chance: the peer's disk may have been repaired.
    bench.tell(Input::PeerUp(replica(1), ConnectionId(2)));
    bench.say(replica(1), 2, hello(VersionVector::new()));
    assert_eq!(bench.take_batches().len(), 1);
}
