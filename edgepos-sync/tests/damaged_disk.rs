//! Bit rot and pruned events: noticed when they are read, never sent as if nothing were wrong, and no obstacle for other chains.

#![allow(clippy::unwrap_used, reason = "a test")]

mod world;

use std::time::Duration;

use edgepos_core::{Chain, ConnectionId, EventId, Lane, Seq, Space};
use edgepos_crdt::VersionVector;
use edgepos_sync::{Ack, Batch, CloudRequest, EventRecord, Gap, Hash, Hello, Input, Lost, Message, Notice};
use world::bench::{Bench, hello};
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

/// The cloud has all ten, and the first six of them are pruned here.
fn pruned() -> (Bench, Chain) {
    let (mut bench, chain) = ten();
    // What is not in the cloud is never pruned: without it these rows would be damage.
    bench.lead(1);
    bench.outbox.flush(bench.now);
    bench.drain();
    while let Some((at, request)) = bench.asked.pop() {
        let CloudRequest::Append { new, .. } = request else { panic!("{request:?}") };
        bench.ack(at, new);
    }
    assert_eq!(bench.outbox.cloud().get(chain), Seq(10));
    bench.news.clear();
    for seq in 1..=6 {
        bench.rows.remove(&row(chain, seq));
    }
    (bench, chain)
}

#[test]
fn a_peer_that_needs_what_is_pruned_is_told_where_the_tail_begins() {
    let (mut bench, chain) = pruned();
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
fn a_peer_that_has_got_from_the_cloud_what_is_pruned_gets_the_rest_through_the_same_connection() {
    let hashes = {
        let (bench, chain) = ten();
        [5, 8].map(|seq| (seq, hash(&bench, chain, seq)))
    };
    let (mut bench, chain) = pruned();
    bench.meet(replica(1), world::bench::vector(chain, 3));
    assert_eq!(sent(&mut bench).get(chain), Seq::ZERO);
    let says = |bench: &mut Bench, (held, hash): (u64, Hash)| {
        // It has taken the batch that came with its greeting.
        let mut vector = world::bench::vector(Chain::new(replica(0), Lane::Stock), 1);
        vector.set_max(chain, Seq(held));
        let heads = [(chain, hash)].into();
        bench.say(replica(1), 1, Message::Ack(Ack { vector, heads, ..Ack::default() }));
        bench.outbox.flush(bench.now);
        bench.drain();
        sent(bench).get(chain)
    };
    bench.record(Lane::Transactions, b"sale");
    assert_eq!(says(&mut bench, hashes[0]), Seq::ZERO, "6 is not here");
    assert_eq!(says(&mut bench, hashes[1]), Seq(11));
    let told = bench.news.iter().filter(|notice| matches!(notice, Notice::Pruned { .. }));
    assert_eq!(told.count(), 1, "once: {:?}", bench.news);
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

/// A greeting of a peer that takes gaps, and lacks nothing.
fn greet(bench: &mut Bench, peer: usize, vector: VersionVector) {
    let Message::Hello(greeting) = hello(vector) else { unreachable!() };
    bench.tell(Input::PeerUp(replica(peer), ConnectionId(1)));
    bench.say(replica(peer), 1, Message::Hello(Hello { lost: Some(Lost::default()), ..greeting }));
}

fn flip(bench: &mut Bench, chain: Chain, seq: u64, byte: usize) {
    bench.rows.get_mut(&row(chain, seq)).expect("stored")[byte] ^= 1;
}

fn hash(bench: &Bench, chain: Chain, seq: u64) -> Hash {
    let (space, key) = row(chain, seq);
    EventRecord::from_row(&key, &bench.rows[&(space, key.clone())]).unwrap().1
}

fn id(chain: Chain, seq: u64) -> EventId {
    EventId::new(chain, Seq(seq))
}

/// What the bench has asked its peers for.
fn wanted(bench: &Bench) -> Vec<(usize, EventId, Seq)> {
    let wants = bench.sent.iter().filter_map(|(to, _, message)| match message {
        Message::Want { first, last } => Some((usize::from(to.terminal()) - 1, *first, *last)),
        _ => None,
    });
    wants.collect()
}

/// The answer of a peer that holds the same as `other` did.
fn give(bench: &mut Bench, other: &Bench, peer: usize, chain: Chain, first: u64, last: u64) {
    let payload = |seq: u64| other.rows[&row(chain, seq)][32..].to_vec();
    let head = hash(other, chain, last);
    let payloads = (first..=last).map(payload).collect();
    let run = edgepos_sync::Run { chain, first: Seq(first), head, payloads, gaps: Vec::new() };
    let batch = Some(Batch { runs: vec![run] }.encode(&world::LIMITS));
    let base = (first > 1).then(|| hash(other, chain, first - 1));
    bench.say(replica(peer), 1, Message::Found { first: id(chain, first), last: Seq(last), batch, base });
}

#[test]
fn what_a_peer_has_is_asked_for_and_written_again() {
    let (whole, _) = ten();
    for (first, last) in [(4, 4), (1, 1), (10, 10), (3, 5)] {
        let (mut bench, chain) = ten();
        (first..=last).for_each(|seq| flip(&mut bench, chain, seq, 33));
        greet(&mut bench, 1, VersionVector::new());
        let damaged = Notice::Damaged { id: id(chain, first) };
        assert!(bench.news.contains(&damaged), "{:?}", bench.news);
        assert_eq!(wanted(&bench), [], "it has nothing");
        greet(&mut bench, 2, world::bench::vector(chain, 10));
        assert_eq!(wanted(&bench), [(2, id(chain, first), Seq(last))]);
        assert_eq!(bench.outbox.damaged(), last - first + 1);
        give(&mut bench, &whole, 2, chain, first, last);
        assert_eq!(bench.rows[&row(chain, first)], whole.rows[&row(chain, first)]);
        assert_eq!(bench.healed.iter().filter(|(_, is_new)| *is_new).count(), 0);
        let mended = Notice::Mended { first: id(chain, first), last: Seq(last) };
        assert!(bench.news.contains(&mended), "{:?}", bench.news);
        bench.outbox.flush(bench.now);
        bench.drain();
        bench.wait(Duration::from_secs(40));
        assert!(bench.take_batches().iter().any(|(_, _, batch)| batch.last().get(chain) == Seq(10)));
        assert_eq!(bench.outbox.damaged(), 0);
    }
}

/// More than one answer may have: it comes from its end backwards, each piece proved by the hash before the next.
#[test]
fn what_is_too_much_for_one_answer_comes_in_pieces() {
    let long = || {
        let (mut bench, chain) = ten();
        for _ in 10..700 {
            bench.record(Lane::Transactions, b"sale");
        }
        (bench, chain)
    };
    let (whole, chain) = long();
    for is_gone in [true, false] {
        let (mut bench, _) = long();
        for seq in 2..=690 {
            if is_gone { drop(bench.rows.remove(&row(chain, seq))) } else { flip(&mut bench, chain, seq, 33) }
        }
        greet(&mut bench, 1, VersionVector::new());
        greet(&mut bench, 2, world::bench::vector(chain, 700));
        bench.wait(Duration::from_secs(2));
        assert_eq!(wanted(&bench), [(2, id(chain, 435), Seq(690))]);
        // It is too large: fewer are asked for.
        let none = Message::Found { first: id(chain, 435), last: Seq(690), batch: None, base: None };
        bench.say(replica(2), 1, none);
        assert_eq!(wanted(&bench).last(), Some(&(2, id(chain, 563), Seq(690))));
        let mut other = Bench::terminal(0);
        other.rows = whole.rows.clone();
        flip(&mut other, chain, 562, 0);
        give(&mut bench, &other, 2, chain, 563, 690);
        assert!(bench.outbox.damaged() + bench.outbox.lost().iter().count() as u64 > 0);
        assert_ne!(bench.rows.get(&row(chain, 690)), whole.rows.get(&row(chain, 690)), "another base");
        let mut pieces = 0;
        while let Some((peer, first, last)) = wanted(&bench).pop().filter(|_| bench.rows != whole.rows) {
            give(&mut bench, &whole, peer, chain, first.seq.0, last.0);
            pieces += 1;
            assert!(pieces < 10, "{first} to {last}");
        }
        assert!(pieces > 2 && bench.rows == whole.rows, "{pieces} pieces");
        assert_eq!((bench.outbox.damaged(), bench.outbox.lost().iter().count()), (0, 0));
    }
}

/// Positions behind a gap have numbers on a disk, whoever says that it is there.
#[test]
fn a_gap_from_outside_has_a_limit() {
    let (mut bench, chain) = ten();
    greet(&mut bench, 1, VersionVector::new());
    let batch = |last: u64| {
        let gap = Gap { first: Seq(1), last: Seq(last), at: Seq(last), hash: Hash([7; 32]) };
        let run = edgepos_sync::Run {
            chain: Chain::new(replica(1), Lane::Transactions),
            first: Seq(1),
            head: gap.hash,
            payloads: Vec::new(),
            gaps: vec![gap],
        };
        Batch { runs: vec![run] }.encode(&world::LIMITS)
    };
    assert!(Batch::decode(&batch(1 << 24), &world::LIMITS).is_ok());
    for last in [(1 << 24) + 1, 1 << 41, u64::MAX - 1] {
        assert!(Batch::decode(&batch(last), &world::LIMITS).is_err(), "{last}");
    }
    assert_eq!(bench.outbox.vector().get(chain), Seq(10));
}

#[test]
fn bytes_that_do_not_fit_are_not_taken() {
    let (whole, _) = ten();
    let (mut bench, chain) = ten();
    flip(&mut bench, chain, 4, 33);
    let damaged = bench.rows.clone();
    greet(&mut bench, 1, world::bench::vector(chain, 10));
    greet(&mut bench, 2, VersionVector::new());
    give(&mut bench, &whole, 1, chain, 5, 5);
    let mut other = Bench::terminal(0);
    other.rows = whole.rows.clone();
    flip(&mut other, chain, 4, 34);
    give(&mut bench, &other, 1, chain, 4, 4);
    assert_eq!(bench.rows[&row(chain, 4)], damaged[&row(chain, 4)]);
    give(&mut bench, &whole, 1, chain, 4, 4);
    assert_eq!(bench.rows[&row(chain, 4)], whole.rows[&row(chain, 4)]);
}

#[test]
fn a_damaged_hash_is_mended_from_its_neighbours() {
    let (whole, _) = ten();
    for seq in 1..=10 {
        for byte in [0, 31] {
            let (mut bench, chain) = ten();
            flip(&mut bench, chain, seq, byte);
            greet(&mut bench, 1, VersionVector::new());
            bench.wait(Duration::from_secs(1));
            assert_eq!(bench.rows[&row(chain, seq)], whole.rows[&row(chain, seq)], "{seq} {byte}");
        }
    }
}

#[test]
fn what_nobody_has_is_declared_lost_and_passed_by() {
    for (first, last, at) in [(4, 4, 4), (10, 10, 10), (3, 5, 6), (1, 2, 3)] {
        let (mut bench, chain) = ten();
        let gone = at != last;
        let stated = hash(&bench, chain, at);
        for seq in first..=last {
            if gone { drop(bench.rows.remove(&row(chain, seq))) } else { flip(&mut bench, chain, seq, 33) }
        }
        greet(&mut bench, 1, VersionVector::new());
        assert_eq!(bench.outbox.lost().iter().count(), 0, "first it is looked for");
        bench.wait(Duration::from_secs(6));
        let lost = Notice::Lost { first: id(chain, first), last: Seq(last) };
        assert!(bench.news.contains(&lost), "{:?}", bench.news);
        bench.wait(Duration::from_secs(40));
        let gap = Gap { first: Seq(first), last: Seq(last), at: Seq(at), hash: stated };
        let runs: Vec<_> = bench.take_batches().into_iter().flat_map(|(_, _, batch)| batch.runs).collect();
        let run = runs.iter().find(|run| run.chain == chain && !run.gaps.is_empty()).expect("passed by");
        assert_eq!((run.gaps.as_slice(), run.last()), ([gap].as_slice(), Seq(10)));

        // The receiver takes it, remembers it, and gets the bytes when they turn up.
        let mut other = Bench::terminal(1);
        greet(&mut other, 0, VersionVector::new());
        for run in runs {
            let batch = Batch { runs: vec![run] }.encode(&world::LIMITS);
            other.say(replica(0), 1, Message::Batch { number: 1, batch });
        }
        assert_eq!(other.outbox.durable().get(chain), Seq(10));
        assert_eq!(other.outbox.lost().first(chain), Some(Seq(first)));
        other.restart();
        assert_eq!(other.outbox.lost().first(chain), Some(Seq(first)), "also behind a power cut");
        assert_eq!(other.outbox.head(chain), bench.outbox.head(chain));
        other.sent.clear();
        greet(&mut other, 2, world::bench::vector(chain, 10));
        assert_eq!(wanted(&other), [(2, id(chain, first), Seq(last))]);
        let (whole, _) = ten();
        give(&mut other, &whole, 2, chain, first, last);
        assert_eq!(other.outbox.lost().first(chain), None);
        let healed: Vec<_> = other.healed.iter().map(|(record, is_new)| (record.id.seq.0, *is_new)).collect();
        assert_eq!(
            healed,
            (first..=last).map(|seq| (seq, true)).collect::<Vec<_>>(),
            "never handed out before"
        );
        assert_eq!(other.rows[&row(chain, last)], whole.rows[&row(chain, last)]);
    }
}

/// Whoever states that it holds any of them keeps them from being declared, however it answers: the cloud passes by for good what was.
#[test]
fn what_anybody_states_to_hold_is_not_declared() {
    for held in [4, 5, 7] {
        let (mut bench, chain) = ten();
        (4..=6).for_each(|seq| drop(bench.rows.remove(&row(chain, seq))));
        greet(&mut bench, 1, VersionVector::new());
        greet(&mut bench, 2, world::bench::vector(chain, held));
        bench.wait(Duration::from_secs(90));
        let none = Message::Found { first: id(chain, 4), last: Seq(6), batch: None, base: None };
        bench.say(replica(2), 1, none);
        bench.wait(Duration::from_secs(90));
        assert_eq!(bench.outbox.lost().iter().count(), 0, "up to {held}");
        assert!(bench.outbox.damaged() > 0, "and it is told");
    }
    let (mut bench, chain) = ten();
    (4..=6).for_each(|seq| drop(bench.rows.remove(&row(chain, seq))));
    greet(&mut bench, 1, world::bench::vector(chain, 3));
    bench.wait(Duration::from_secs(90));
    assert_eq!(bench.outbox.lost().first(chain), Some(Seq(4)), "nobody does");
}

/// Two damaged rows with one between them: the second is looked at again and again, and neither is forgotten nor asked for without end.
#[test]
fn damage_beside_damage_is_looked_at_now_and_then() {
    let (mut bench, chain) = ten();
    flip(&mut bench, chain, 6, 33);
    flip(&mut bench, chain, 8, 33);
    greet(&mut bench, 1, VersionVector::new());
    greet(&mut bench, 2, world::bench::vector(chain, 10));
    bench.news.clear();
    bench.wait(Duration::from_secs(50));
    let told = bench.news.iter().filter(|news| matches!(news, Notice::Damaged { .. })).count();
    assert!(told <= 4, "{told} times");
    assert!(wanted(&bench).len() <= 4, "{:?}", wanted(&bench));
    let (whole, _) = ten();
    give(&mut bench, &whole, 2, chain, 6, 6);
    bench.wait(Duration::from_secs(120));
    give(&mut bench, &whole, 2, chain, 8, 8);
    bench.wait(Duration::from_secs(5));
    assert_eq!((bench.outbox.damaged(), bench.rows == whole.rows), (0, true));
}

#[test]
fn only_the_owner_declares() {
    let (mut bench, chain) = ten();
    greet(&mut bench, 1, VersionVector::new());
    bench.wait(Duration::from_secs(1));
    let batches = bench.take_batches();
    let mut other = Bench::terminal(1);
    greet(&mut other, 0, world::bench::vector(chain, 10));
    for (_, _, batch) in batches {
        let batch = batch.encode(&world::LIMITS);
        other.say(replica(0), 1, Message::Batch { number: 1, batch });
    }
    flip(&mut other, chain, 4, 33);
    greet(&mut other, 2, VersionVector::new());
    other.wait(Duration::from_secs(600));
    assert_eq!(other.outbox.lost().iter().count(), 0);
    assert!(wanted(&other).len() > 2, "asked again and again: {:?}", wanted(&other));
}

#[test]
fn who_has_what_another_lost_gives_it_unasked() {
    let (mut bench, chain) = ten();
    let Message::Hello(greeting) = hello(world::bench::vector(chain, 10)) else { unreachable!() };
    let lost = hello_with_gap(chain, 4, 5);
    bench.tell(Input::PeerUp(replica(1), ConnectionId(1)));
    bench.say(replica(1), 1, Message::Hello(Hello { lost: Some(lost), ..greeting }));
    let given = |(_, _, message): &(_, _, Message)| matches!(message, Message::Found { first, last, batch: Some(_), .. } if *first == id(chain, 4) && *last == Seq(5));
    assert!(bench.sent.iter().any(given), "{:?}", bench.sent);
}

/// What one lacks that says so on the wire.
fn hello_with_gap(chain: Chain, first: u64, last: u64) -> Lost {
    let (mut bench, _) = ten();
    (first..=last).for_each(|seq| flip(&mut bench, chain, seq, 33));
    greet(&mut bench, 1, VersionVector::new());
    bench.wait(Duration::from_secs(6));
    bench.outbox.lost()
}

#[test]
fn the_scrub_finds_what_nobody_reads() {
    let (mut bench, chain) = ten();
    flip(&mut bench, chain, 4, 33);
    flip(&mut bench, chain, 8, 0);
    for _ in 0..40 {
        bench.wait(Duration::from_secs(1));
        bench.tell(Input::Timeout);
    }
    assert!(bench.news.contains(&Notice::Damaged { id: id(chain, 4) }), "{:?}", bench.news);
    assert!(bench.news.contains(&Notice::Mended { first: id(chain, 8), last: Seq(8) }), "{:?}", bench.news);
}
