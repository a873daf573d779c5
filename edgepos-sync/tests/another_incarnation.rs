//! A chain of ours is written on elsewhere: the terminal goes on under another name, and writes again what only it had written.

mod world;

use std::time::Duration;

use edgepos_core::{Chain, ConnectionId, EventId, Lane, ReplicaId, Seq, Term, UploadEpoch};
use edgepos_crdt::VersionVector;
use edgepos_sync::{CloudReply, Config, Hash, Input, Message, Notice, Witness};
use world::bench::{Bench, hello, run, vector};
use world::{STORE, replica};

const LANE: Lane = Lane::Transactions;

fn mine() -> Chain {
    Chain::new(replica(0), LANE)
}

fn other() -> ReplicaId {
    ReplicaId::new(1, 0x7F3A_09C1)
}

/// A leader that has sold `sales` and asks for the lease; the cloud holds the chain up to 4, the first `same` alike.
fn leased(sales: u64, same: u64) -> Bench {
    let mut bench = Bench::terminal(0);
    for sale in 0..sales {
        bench.record(LANE, format!("sale {sale}").as_bytes());
    }
    bench.said_of(mine(), &(1..=same).collect::<Vec<_>>());
    for seq in same + 1..=4 {
        bench.cloud_hashes.insert(EventId::new(mine(), Seq(seq)), Hash([seq as u8; 32]));
    }
    bench.tell(Input::Leader { leader: Some((replica(0), Term(1))), entitled: true });
    let (id, _) = bench.asked.pop().expect("asks for the lease");
    let mut held = bench.held(vector(mine(), 4));
    held.heads = [(mine(), bench.cloud_hashes[&EventId::new(mine(), Seq(4))])].into();
    bench.reply(id, CloudReply::Lease { epoch: UploadEpoch(1), held });
    // What was on its way before the hashes were compared does not follow on what the cloud holds.
    if let Some((id, _)) = bench.asked.pop() {
        bench.reply(id, CloudReply::Fork { chain: mine() });
    }
    bench
}

fn go_on(bench: &mut Bench) {
    assert!(bench.outbox.is_displaced(), "{:?}", bench.news);
    bench.outbox.reincarnate(bench.now, other());
    bench.drain();
}

#[test]
fn nothing_is_written_again_where_nothing_was_sold_since() {
    let mut bench = leased(2, 4);
    assert!(bench.news.contains(&Notice::RollbackSuspected {
        chain: mine(),
        known: Seq(3),
        own: Seq(2),
        witness: Witness::Cloud
    }));
    go_on(&mut bench);
    assert!(bench.reissued.is_empty());
    assert_eq!(bench.outbox.author(), other());
    let id = bench.record(LANE, b"sale");
    assert_eq!(id, EventId::new(Chain::new(other(), LANE), Seq(1)));
    // What was lost comes back from whoever holds it, like any chain of others.
    let head = bench.held(vector(mine(), 2)).heads[&mine()];
    bench.meet(replica(1), VersionVector::new());
    bench.receive(replica(1), 1, vec![run(mine(), 3, head, &[b"lost", b"lost too"]).0]);
    assert_eq!(bench.outbox.vector().get(mine()), Seq(4));
    assert_eq!(bench.accepted.len(), 2);
}

#[test]
fn what_was_written_behind_the_parting_is_written_again_and_leaves_its_place() {
    for (sales, same) in [(3, 1), (6, 2), (4, 0), (300, 3)] {
        let mut bench = leased(sales, same.min(sales));
        go_on(&mut bench);
        let expected: Vec<_> = (same + 1..=sales)
            .zip(1..)
            .map(|(old, new)| {
                (EventId::new(mine(), Seq(old)), EventId::new(Chain::new(other(), LANE), Seq(new)))
            })
            .collect();
        assert_eq!(bench.reissued, expected, "{sales} sales, {same} of them elsewhere as well");
        assert_eq!(bench.outbox.vector().get(mine()), Seq(same));
        assert_eq!(bench.outbox.durable().get(mine()), Seq(same));
        assert_eq!(bench.outbox.to_reissue(), 0);
        let old = |id: EventId| bench.rows.contains_key(&(edgepos_core::Space::Event, id.to_key().to_vec()));
        assert!(expected.iter().all(|(was, is)| !old(*was) && old(*is)));
    }
}

#[test]
fn a_crash_in_the_middle_goes_on_where_it_was() {
    let mut bench = leased(40, 1);
    bench.outbox.reincarnate(bench.now, other());
    // Each step is a load, and a write that is durable before the next one is asked for.
    for _ in 0..7 {
        bench.drain_once();
    }
    let before = bench.reissued.len();
    assert!((1..39).contains(&before), "{before}");
    bench.restart();
    assert_eq!(bench.outbox.author(), other());
    bench.wait(Duration::from_secs(1));
    bench.tell(Input::Timeout);
    let old: Vec<u64> = bench.reissued.iter().map(|(was, _)| was.seq.0).collect();
    assert_eq!(old, (2..=40).collect::<Vec<_>>(), "each once and in order");
    assert_eq!(bench.outbox.vector().get(Chain::new(other(), LANE)), Seq(39));
}

#[test]
fn a_claim_that_nobody_can_support_changes_nothing() {
    let mut bench = leased(4, 4);
    bench.tell(Input::PeerUp(replica(2), ConnectionId(1)));
    bench.say(replica(2), 1, hello(vector(mine(), 1_000)));
    bench.wait(Duration::from_secs(120));
    assert!(!bench.outbox.is_displaced());
    bench.answer(replica(2), mine(), 4);
    bench.tell_hash(replica(2), EventId::new(mine(), Seq(5)), None);
    bench.say(replica(2), 1, hello(vector(mine(), 1_000)));
    bench.answer(replica(2), mine(), 4);
    bench.tell_hash(replica(2), EventId::new(mine(), Seq(5)), None);
    assert!(!bench.outbox.is_displaced());
    bench.record(LANE, b"sale");
    bench.outbox.flush(bench.now);
    bench.drain();
    assert!(!bench.asked.is_empty(), "uploads");
}

#[test]
fn a_run_of_our_own_chain_is_proof() {
    let mut bench = Bench::terminal(0);
    bench.record(LANE, b"one");
    let head = bench.held(vector(mine(), 1)).heads[&mine()];
    bench.meet(replica(1), VersionVector::new());
    bench.receive(replica(1), 1, vec![run(mine(), 2, head, &[b"made by a clone"]).0]);
    go_on(&mut bench);
    assert!(bench.reissued.is_empty());
    bench.receive(replica(1), 2, vec![run(mine(), 2, head, &[b"made by a clone"]).0]);
    assert_eq!(bench.outbox.vector().get(mine()), Seq(2));
}

#[test]
fn own_events_wait_for_a_statement_of_another() {
    let mut bench = Bench::new(Config::standard(STORE, replica(0), 1));
    bench.mute_cloud = true;
    bench.record(LANE, b"one");
    bench.wait(Duration::from_secs(2));
    bench.meet(replica(1), VersionVector::new());
    bench.outbox.flush(bench.now);
    bench.drain();
    assert!(bench.take_batches().is_empty(), "a peer alone has said so");
    bench.wait(Duration::from_secs(30));
    assert!(!bench.take_batches().is_empty(), "after half a minute that is enough for this peer");
    assert!(!bench.outbox.is_confirmed());
    bench.meet(replica(2), VersionVector::new());
    bench.tell(Input::Leader { leader: Some((replica(2), Term(1))), entitled: false });
    assert!(bench.outbox.is_confirmed(), "the leader has said so");
}

#[test]
fn a_probe_is_answered_from_memory_and_from_disk() {
    let mut bench = Bench::terminal(0);
    for _ in 0..200 {
        bench.record(LANE, b"sale");
    }
    bench.meet(replica(1), VersionVector::new());
    for seq in [1, 199, 200, 201] {
        let event = EventId::new(mine(), Seq(seq));
        bench.sent.clear();
        bench.say(replica(1), 1, Message::Probe { event });
        let hash = bench.held(vector(mine(), seq)).heads.get(&mine()).copied();
        assert_eq!(hash.is_some(), seq <= 200);
        let answer = Message::Hash { event, hash };
        assert!(bench.sent.iter().any(|(_, _, message)| *message == answer), "{seq}: {:?}", bench.sent);
    }
}
