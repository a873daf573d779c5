//! Trap: no quorum, no upload. At night, or with one terminal of two left, the last sales must not sit on a disk until morning.

mod world;

use std::time::Duration;

use edgepos_core::{Lane, StoreGeneration, Term, UploadEpoch};
use edgepos_crdt::VersionVector;
use edgepos_sync::{CloudReply, CloudRequest, Input};
use world::bench::Bench;
use world::{STORE, World, replica};

#[test]
fn after_half_a_minute_without_a_leader_a_terminal_asks_for_the_lease_itself() {
    let mut bench = Bench::terminal(0);
    bench.record(Lane::Transactions, b"sale");
    bench.wait(Duration::from_millis(29_999));
    assert!(bench.asked.is_empty());
    bench.wait(Duration::from_millis(1));
    let request = CloudRequest::Lease {
        store: STORE,
        replica: replica(0),
        generation: StoreGeneration(0),
        term: Term(0),
        leader: false,
        restored: None,
    };
    assert_eq!(bench.asked.iter().map(|(_, request)| request).collect::<Vec<_>>(), [&request]);
    let (id, _) = bench.asked.pop().expect("asked");
    bench.reply(id, CloudReply::Lease { epoch: UploadEpoch(4), held: VersionVector::new().into() });
    assert!(matches!(bench.asked[0].1, CloudRequest::Append { epoch: UploadEpoch(4), .. }));
}

#[test]
fn who_has_nothing_to_give_asks_for_nothing() {
    let mut bench = Bench::terminal(0);
    bench.wait(Duration::from_secs(3_600));
    assert!(bench.asked.is_empty());
    bench.record(Lane::Transactions, b"sale");
    assert_eq!(bench.asked.len(), 1);
}

#[test]
fn a_leader_that_appears_ends_it_and_the_half_minute_starts_anew() {
    let mut bench = Bench::terminal(0);
    bench.record(Lane::Transactions, b"sale");
    bench.wait(Duration::from_secs(30));
    bench.tell(Input::Leader { leader: Some((replica(1), Term(3))), entitled: false });
    let (id, _) = bench.asked.pop().expect("asked before");
    bench.reply(id, CloudReply::Lease { epoch: UploadEpoch(1), held: VersionVector::new().into() });
    bench.wait(Duration::from_secs(300));
    assert!(bench.asked.is_empty(), "the lease came too late to be used");
    bench.tell(Input::Leader { leader: None, entitled: false });
    bench.wait(Duration::from_secs(29));
    assert!(bench.asked.is_empty());
    bench.wait(Duration::from_secs(1));
    assert!(matches!(bench.asked[0].1, CloudRequest::Lease { term: Term(3), leader: false, .. }));
}

#[test]
fn two_leaderless_terminals_that_do_not_see_each_other_both_get_everything_up() {
    let mut world = World::new(6, 2);
    for round in 0..40 {
        world.sell(0, Lane::Transactions, b"left");
        world.sell(1, Lane::Transactions, b"right");
        world.run(5_000);
        assert!(world.cloud.replies.len() < 10 + 8 * round, "they do not fence each other for ever");
    }
    world.run(60_000);
    let fenced = |reply: &&CloudReply| matches!(reply, CloudReply::Fenced { .. });
    assert!(world.cloud.replies.iter().filter(fenced).count() <= 15);
    assert_eq!(world.cloud.events.len(), 80);
}

#[test]
fn a_single_terminal_needs_nobody() {
    let mut world = World::new(6, 1);
    world.sell(0, Lane::Transactions, b"sale");
    world.run(45_000);
    world.assert_converged();
}
