//! Trap: a number from outside is taken for what it says. A claim above what is held, or of another history, is told, written nowhere and
//! passed on to nobody; sending goes on with what is provable, and no other chain waits.

mod world;

use std::time::Duration;

use edgepos_core::{Chain, ConnectionId, Lane, Seq, Space, Term};
use edgepos_crdt::VersionVector;
use edgepos_sync::{
    Ack, Claim, CloudInstance, CloudReply, CloudRequest, Hash, Input, Message, Notice, Witness,
};
use world::bench::{Bench, INSTANCE, hello, run, vector};
use world::replica;

const LANE: Lane = Lane::Transactions;

fn mine() -> Chain {
    Chain::new(replica(0), LANE)
}

fn theirs() -> Chain {
    Chain::new(replica(1), LANE)
}

/// What the cloud says of these chains: the right hashes of what is held, and a made-up one of what is not.
fn claim(bench: &Bench, positions: &[(Chain, u64)]) -> Claim {
    let vector: VersionVector = positions.iter().map(|(chain, seq)| (*chain, Seq(*seq))).collect();
    let mut claim = bench.held(vector);
    for (chain, _) in positions {
        claim.heads.entry(*chain).or_insert(Hash([0xEE; 32]));
    }
    claim
}

fn appended(bench: &mut Bench) -> Vec<VersionVector> {
    let asked = std::mem::take(&mut bench.asked);
    let new = |request| if let CloudRequest::Append { new, .. } = request { Some(new) } else { None };
    asked.into_iter().filter_map(|(_, request)| new(request)).collect()
}

/// A leader that uploads, with three events of its own and three of a peer in the cloud.
fn settled() -> Bench {
    let mut bench = Bench::terminal(0);
    bench.lead(1);
    bench.meet(replica(1), VersionVector::new());
    bench.receive(replica(1), 1, vec![run(theirs(), 1, Hash::ZERO, &[b"a", b"b", b"c"]).0]);
    for _ in 0..3 {
        bench.record(LANE, b"sale");
    }
    bench.outbox.flush(bench.now);
    bench.drain();
    while let Some((id, request)) = bench.asked.pop() {
        let CloudRequest::Append { new, .. } = request else { panic!("{request:?}") };
        let mut held = bench.outbox.cloud().clone();
        held.join(&new);
        bench.ack(id, held);
    }
    assert_eq!(bench.outbox.cloud(), &[(mine(), Seq(3)), (theirs(), Seq(3))].into_iter().collect());
    bench.sent.clear();
    bench.news.clear();
    bench
}

#[test]
fn a_cloud_that_claims_too_much_is_asked_again_and_given_the_rest_once_it_is_repaired() {
    let mut bench = settled();
    let rows = bench.rows.clone();
    // Whoever reads the cloud's vector next hears that it holds 100,000 more of the peer's chain.
    bench.said = claim(&bench, &[(mine(), 3), (theirs(), 100_003)]);
    bench.wait(Duration::from_secs(61));
    assert_eq!(bench.outbox.cloud().get(theirs()), Seq(3), "adopted nowhere");
    assert_eq!(rows, bench.rows, "written nowhere");
    assert!(
        !bench.sent.iter().any(|(_, _, message)| matches!(message, Message::CloudVector(_))),
        "passed on to nobody"
    );
    bench.wait(Duration::from_secs(5));
    let mistake =
        Notice::Mistaken { chain: theirs(), claimed: Seq(100_003), own: Seq(3), witness: Witness::Cloud };
    assert!(bench.news.contains(&mistake), "{:?}", bench.news);

    // More is sold: the other chain goes up at once, and this one is shown as waiting.
    let (_, head) = run(theirs(), 1, Hash::ZERO, &[b"a", b"b", b"c"]);
    bench.receive(replica(1), 2, vec![run(theirs(), 4, head, &[b"d"]).0]);
    bench.record(LANE, b"sale");
    bench.outbox.flush(bench.now);
    bench.drain();
    let (id, request) = bench.asked.pop().expect("uploads");
    assert!(matches!(request, CloudRequest::Append { new, .. } if new == vector(mine(), 4)));
    let said = claim(&bench, &[(mine(), 4), (theirs(), 100_003)]);
    bench.reply(id, CloudReply::Ack { held: said, forks: Default::default() });
    assert_eq!(bench.outbox.queue_len(), 1);

    // Repaired: the next look, a few seconds later, brings the chain on its way.
    bench.said = claim(&bench, &[(mine(), 4), (theirs(), 3)]);
    bench.wait(Duration::from_secs(60));
    assert_eq!(appended(&mut bench).first(), Some(&vector(theirs(), 4)));
    let told = bench.news.iter().filter(|notice| matches!(notice, Notice::Mistaken { .. })).count();
    assert_eq!(told, 1, "once");
}

/// An acknowledgement proves the chains of its batch, and says positions of all: a wrong one of another chain keeps that from the cloud, so
/// it is asked about and shown as soon as one with a hash.
#[test]
fn an_acknowledgement_that_claims_too_much_of_another_chain_is_asked_about_and_shown() {
    let mut bench = settled();
    bench.record(LANE, b"sale");
    bench.outbox.flush(bench.now);
    bench.drain();
    let (id, request) = bench.asked.pop().expect("uploads");
    assert!(matches!(request, CloudRequest::Append { new, .. } if new == vector(mine(), 4)));
    let mut said = claim(&bench, &[(mine(), 4), (theirs(), 100_003)]);
    said.heads.remove(&theirs());
    bench.reply(id, CloudReply::Ack { held: said, forks: Default::default() });
    bench.said = claim(&bench, &[(mine(), 4), (theirs(), 100_003)]);
    bench.wait(Duration::from_secs(6));
    let mistake =
        Notice::Mistaken { chain: theirs(), claimed: Seq(100_003), own: Seq(3), witness: Witness::Cloud };
    assert!(bench.news.contains(&mistake), "{:?}", bench.news);
    assert_eq!(bench.outbox.mistakes().count(), 1);
    // It is right again, which is heard within seconds.
    bench.said = claim(&bench, &[(mine(), 4), (theirs(), 3)]);
    bench.wait(Duration::from_secs(20));
    assert_eq!(bench.outbox.mistakes().count(), 0);
}

/// What the cloud holds of a chain and is still on its way here is no mistake once it has come.
#[test]
fn a_position_without_a_proof_is_nothing_against_the_events_when_they_come() {
    let mut bench = settled();
    bench.record(LANE, b"sale");
    bench.outbox.flush(bench.now);
    bench.drain();
    let (id, _) = bench.asked.pop().expect("uploads");
    let (_, head) = run(theirs(), 1, Hash::ZERO, &[b"a", b"b", b"c"]);
    let mut said = claim(&bench, &[(mine(), 4), (theirs(), 4)]);
    said.heads.remove(&theirs());
    bench.reply(id, CloudReply::Ack { held: said, forks: Default::default() });
    bench.receive(replica(1), 2, vec![run(theirs(), 4, head, &[b"d"]).0]);
    bench.wait(Duration::from_secs(2));
    assert!(!bench.news.iter().any(|notice| matches!(notice, Notice::Fork { .. } | Notice::Mistaken { .. })));
    assert_eq!(bench.outbox.mistakes().count(), 0);
}

/// Of a chain of which nothing is held here the cloud claims something, and then names it no more.
#[test]
fn a_claim_that_is_made_no_more_is_no_mistake_any_more() {
    let mut bench = settled();
    let unknown = Chain::new(replica(2), LANE);
    bench.said = claim(&bench, &[(mine(), 3), (theirs(), 3), (unknown, 40)]);
    bench.wait(Duration::from_secs(66));
    let mistakes = |bench: &Bench| bench.outbox.mistakes().count();
    assert_eq!(mistakes(&bench), 1);
    bench.said = claim(&bench, &[(mine(), 3), (theirs(), 3)]);
    bench.wait(Duration::from_secs(60));
    assert_eq!(mistakes(&bench), 0, "the cloud says all that it holds");
}

/// A till whose disk went back leaves the cloud as the only holder of its last events. What is here is in the cloud all the same: it is
/// asked for the hash at our end, again and again until it has answered.
#[test]
fn a_cloud_that_holds_more_is_proved_to_hold_all_that_is_here() {
    let mut bench = settled();
    let (_, head) = run(theirs(), 1, Hash::ZERO, &[b"a", b"b", b"c"]);
    bench.receive(replica(1), 2, vec![run(theirs(), 4, head, &[b"d", b"e"]).0]);
    bench.outbox.flush(bench.now);
    bench.drain();
    let (id, _) = bench.asked.pop().expect("uploads");
    let held = claim(&bench, &[(mine(), 3), (theirs(), 7)]);
    bench.reply(id, CloudReply::Conflict { held });
    bench.wait(Duration::from_secs(70));
    assert_eq!((bench.outbox.cloud().get(theirs()), bench.outbox.queue_len()), (Seq(3), 2), "no answer yet");
    assert_eq!(bench.outbox.mistakes().count(), 1);
    bench.said_of(theirs(), &[4, 5, 6, 7]);
    bench.wait(Duration::from_secs(70));
    assert_eq!((bench.outbox.cloud().get(theirs()), bench.outbox.queue_len()), (Seq(5), 0));
    assert_eq!(bench.outbox.mistakes().count(), 1, "what it has beyond that nobody can prove");
}

#[test]
fn a_cloud_that_claims_too_little_is_in_dispute_about_that_chain_alone() {
    let mut bench = settled();
    bench.record(LANE, b"sale");
    bench.outbox.flush(bench.now);
    bench.drain();
    let (id, _) = bench.asked.pop().expect("uploads");
    // It has forgotten one event and kept the hash behind it: it refuses what would follow.
    bench.said = Claim { vector: vector(mine(), 2), ..claim(&bench, &[(mine(), 3), (theirs(), 3)]) };
    bench.reply(id, CloudReply::Fork { chain: mine() });
    assert!(bench.news.contains(&Notice::Fork { chain: mine(), seq: Seq(4), witness: Witness::Cloud }));
    assert!(appended(&mut bench).is_empty());
    bench.said = claim(&bench, &[(mine(), 3), (theirs(), 3)]);
    bench.wait(Duration::from_secs(60));
    assert_eq!(
        appended(&mut bench).first(),
        Some(&vector(mine(), 4)),
        "the dispute ends with the cloud's word"
    );
}

#[test]
fn one_frame_of_a_stranger_moves_nothing() {
    let mut bench = settled();
    let rows = bench.rows.clone();
    bench.tell(Input::PeerUp(replica(2), ConnectionId(1)));
    bench.say(replica(2), 1, hello(VersionVector::new()));
    bench.sent.clear();
    let lies = [
        Claim::from(vector(theirs(), 1_000_000)),
        claim(&bench, &[(mine(), u64::MAX), (theirs(), u64::MAX)]),
        Claim { heads: [(mine(), Hash([1; 32]))].into(), ..claim(&bench, &[(mine(), 3)]) },
        Claim { instance: Some(CloudInstance([9; 8])), ..claim(&bench, &[(mine(), 3)]) },
        Claim { instance: Some(INSTANCE), ..Claim::default() },
    ];
    for lie in lies {
        bench.say(replica(2), 1, Message::CloudVector(lie));
        let lie = [(mine(), Seq(u64::MAX)), (theirs(), Seq(1_000_000))].into_iter().collect();
        bench.say(replica(2), 1, Message::Ack(Ack { vector: lie, ..Ack::default() }));
    }
    bench.wait(Duration::from_secs(60));
    assert_eq!(bench.outbox.cloud(), &[(mine(), Seq(3)), (theirs(), Seq(3))].into_iter().collect());
    assert_eq!(bench.rows, rows, "written nowhere");
    assert!(
        !bench.sent.iter().any(|(_, _, message)| matches!(message, Message::CloudVector(_))),
        "passed on to nobody"
    );
    assert!(
        bench.news.iter().any(|notice| matches!(notice, Notice::Mistaken { witness: Witness::Peer(_), .. }))
    );
    assert!(bench.outbox.floor(&[replica(2)]).is_empty(), "and nothing is forgotten by its word");

    bench.record(LANE, b"sale");
    bench.outbox.flush(bench.now);
    bench.drain();
    assert_eq!(appended(&mut bench), [vector(mine(), 4)]);
}

#[test]
fn another_history_at_the_right_position_is_no_proof() {
    let mut bench = settled();
    let held =
        Claim { heads: [(mine(), Hash([1; 32]))].into(), ..claim(&bench, &[(mine(), 3), (theirs(), 3)]) };
    bench.said = held;
    bench.wait(Duration::from_secs(61));
    assert!(bench.news.contains(&Notice::Fork { chain: mine(), seq: Seq(3), witness: Witness::Cloud }));
    bench.record(LANE, b"sale");
    bench.receive(replica(1), 2, {
        let (_, head) = run(theirs(), 1, Hash::ZERO, &[b"a", b"b", b"c"]);
        vec![run(theirs(), 4, head, &[b"d"]).0]
    });
    bench.outbox.flush(bench.now);
    bench.drain();
    assert_eq!(appended(&mut bench), [vector(theirs(), 4)], "the chain in dispute is set apart alone");
}

#[test]
fn a_claim_below_the_head_is_compared_with_the_row_on_disk() {
    let mut bench = Bench::terminal(0);
    for _ in 0..300 {
        bench.record(LANE, b"sale");
    }
    bench.tell(Input::Leader { leader: Some((replica(1), Term(1))), entitled: false });
    bench.meet(replica(1), VersionVector::new());
    let good = claim(&bench, &[(mine(), 7)]);
    let bad = Claim { heads: [(mine(), Hash([1; 32]))].into(), ..good.clone() };
    bench.say(replica(1), 1, Message::CloudVector(bad));
    assert!(bench.outbox.cloud().is_empty());
    let mistake = Notice::Mistaken {
        chain: mine(),
        claimed: Seq(7),
        own: Seq(300),
        witness: Witness::Peer(replica(1)),
    };
    assert!(bench.news.contains(&mistake), "{:?}", bench.news);
    bench.say(replica(1), 1, Message::CloudVector(good));
    assert_eq!(bench.outbox.cloud().get(mine()), Seq(7));
}

#[test]
fn a_claim_that_is_ahead_of_the_events_is_proved_when_they_come() {
    let mut bench = Bench::terminal(0);
    bench.tell(Input::Leader { leader: Some((replica(1), Term(1))), entitled: false });
    bench.meet(replica(1), VersionVector::new());
    let (three, head) = run(theirs(), 1, Hash::ZERO, &[b"a", b"b", b"c"]);
    let told = Claim { heads: [(theirs(), head)].into(), ..claim(&bench, &[(theirs(), 3)]) };
    bench.say(replica(1), 1, Message::CloudVector(told));
    assert!(bench.outbox.cloud().is_empty());
    bench.receive(replica(1), 1, vec![three]);
    assert_eq!(bench.outbox.cloud().get(theirs()), Seq(3));
    bench.wait(Duration::from_secs(10));
    assert!(
        !bench.news.iter().any(|notice| matches!(notice, Notice::Mistaken { .. })),
        "the usual order is no mistake"
    );
}

#[test]
fn a_cloud_that_speaks_no_hashes_frees_sending_and_nothing_more() {
    let mut bench = Bench::terminal(0);
    bench.tell(Input::Leader { leader: Some((replica(0), Term(1))), entitled: true });
    let (id, _) = bench.asked.pop().expect("asks for the lease");
    let epoch = edgepos_core::UploadEpoch(1);
    bench.reply(id, CloudReply::Lease { epoch, held: VersionVector::new().into() });
    bench.record(LANE, b"sale");
    bench.outbox.flush(bench.now);
    bench.drain();
    let (id, _) = bench.asked.pop().expect("uploads");
    bench.reply(id, CloudReply::Ack { held: vector(mine(), 1).into(), forks: Default::default() });
    assert_eq!(bench.outbox.queue_len(), 0, "nothing is sent again");
    assert!(bench.outbox.cloud().is_empty(), "and nothing is called safe");
    assert!(bench.outbox.floor(&[]).is_empty());
    assert!(!bench.rows.keys().any(|(space, _)| *space == Space::Cloud));

    // It loses its memory: the next look shows it, and all is sent again.
    bench.said = Claim::default();
    bench.wait(Duration::from_secs(61));
    assert_eq!(appended(&mut bench), [vector(mine(), 1)]);
}

/// A cloud restored to 1; a terminal that was away passes on what it knew: "3, hash right".
#[test]
fn what_an_earlier_instance_held_counts_for_nothing() {
    let mut bench = settled();
    let before = claim(&bench, &[(mine(), 3), (theirs(), 3)]);
    let instance = Some(CloudInstance([9; 8]));
    bench.said = Claim { instance, ..claim(&bench, &[(mine(), 1)]) };
    bench.wait(Duration::from_secs(61));
    assert_eq!(bench.outbox.cloud(), &vector(mine(), 1));
    assert!(bench.news.contains(&Notice::CloudRestored { witness: Witness::Cloud }));
    for leader in [replica(0), replica(1)] {
        bench.tell(Input::Leader { leader: Some((leader, Term(2))), entitled: false });
        bench.say(replica(1), 1, Message::CloudVector(before.clone()));
        assert_eq!(bench.outbox.cloud(), &vector(mine(), 1), "also where the leader says so");
    }
}

#[test]
fn a_new_instance_is_learned_from_the_leader() {
    let mut bench = settled();
    let instance = Some(CloudInstance([9; 8]));
    let after = Claim { instance, ..claim(&bench, &[(mine(), 1)]) };
    bench.tell(Input::Leader { leader: Some((replica(2), Term(2))), entitled: false });
    bench.say(replica(1), 1, Message::CloudVector(after.clone()));
    assert_eq!(bench.outbox.cloud().get(mine()), Seq(3), "not from anybody");
    bench.tell(Input::Leader { leader: Some((replica(1), Term(3))), entitled: false });
    bench.say(replica(1), 1, Message::CloudVector(after));
    assert_eq!(bench.outbox.cloud(), &vector(mine(), 1));
}

#[test]
fn a_mistake_that_an_older_version_wrote_down_heals_with_the_start() {
    let mut bench = settled();
    bench.rows.retain(|(space, _), _| *space != Space::Cloud);
    // {2-…: [100003]}, as 0.1.0 believed it.
    let row = [&[0xa1, 0x1b][..], &replica(1).0.to_be_bytes(), &[0x81, 0x1a, 0, 1, 0x86, 0xa3]].concat();
    bench.rows.insert((Space::Cloud, b"vector".to_vec()), row);
    bench.restart();
    assert!(bench.outbox.cloud().is_empty());
    bench.tell(Input::Leader { leader: Some((replica(0), Term(2))), entitled: true });
    let (id, _) = bench.asked.pop().expect("asks for the lease");
    let held = claim(&bench, &[(mine(), 3), (theirs(), 3)]);
    bench.reply(id, CloudReply::Lease { epoch: edgepos_core::UploadEpoch(2), held });
    assert_eq!(bench.outbox.cloud(), &[(mine(), Seq(3)), (theirs(), Seq(3))].into_iter().collect());
}
