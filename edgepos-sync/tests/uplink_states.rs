//! Every answer of the cloud, and what the uploader makes of it. It never uploads without a right to, never gives up, never hurries.

mod world;

use std::time::Duration;

use edgepos_core::{Chain, Lane, ReplicaId, Seq, Term, UploadEpoch};
use edgepos_crdt::VersionVector;
use edgepos_sync::{
    Claim, CloudInstance, CloudRefusal, CloudReply, CloudRequest, Input, Notice, RefusedReason, UplinkError,
    UplinkId, Witness,
};
use world::bench::{Bench, INSTANCE, vector};
use world::replica;

const CHAIN: Chain = Chain { replica: ReplicaId((1 << 48) | 0xA5), lane: Lane::Transactions };
const EPOCH: UploadEpoch = UploadEpoch(1);

/// Leads, holds the lease, and has one sale under way.
fn uploading() -> (Bench, UplinkId) {
    let mut bench = Bench::terminal(0);
    assert_eq!(bench.me, CHAIN.replica);
    bench.lead(1);
    bench.record(Lane::Transactions, b"sale");
    bench.outbox.flush(bench.now);
    bench.drain();
    let (id, request) = bench.asked.pop().expect("uploads");
    assert!(matches!(request, CloudRequest::Append { epoch: EPOCH, .. }));
    (bench, id)
}

/// How long until the next request, and which it is.
fn next_request(bench: &mut Bench) -> (Duration, UplinkId, CloudRequest) {
    let begun = bench.now.mono;
    for _ in 0..4_000 {
        if let Some((id, request)) = bench.asked.pop() {
            return (bench.now.mono - begun, id, request);
        }
        bench.wait(Duration::from_millis(50));
    }
    panic!("never asks again");
}

#[test]
fn without_a_mandate_nothing_is_uploaded() {
    let mut bench = Bench::terminal(0);
    bench.record(Lane::Transactions, b"sale");
    let views = [
        (Some((replica(1), Term(1))), false),
        (Some((replica(0), Term(2))), false),
        (Some((replica(1), Term(3))), true),
    ];
    for (leader, entitled) in views {
        bench.tell(Input::Leader { leader, entitled });
        bench.outbox.flush(bench.now);
        bench.drain();
        bench.wait(Duration::from_secs(600));
        assert!(bench.asked.is_empty(), "{leader:?} {entitled}");
    }
}

#[test]
fn a_mandate_lost_under_way_leaves_only_what_is_true() {
    let (mut bench, id) = uploading();
    bench.record(Lane::Transactions, b"more");
    bench.tell(Input::Leader { leader: Some((replica(0), Term(1))), entitled: false });
    bench.ack(id, vector(CHAIN, 1));
    assert_eq!(bench.outbox.cloud().get(CHAIN), Seq(1), "the cloud has it, whoever asks now");
    bench.outbox.flush(bench.now);
    bench.drain();
    bench.wait(Duration::from_secs(600));
    assert!(bench.asked.is_empty());
    bench.tell(Input::Leader { leader: Some((replica(0), Term(2))), entitled: true });
    assert!(matches!(bench.asked[0].1, CloudRequest::Lease { term: Term(2), leader: true, .. }));
}

#[test]
fn an_answer_that_comes_too_late_is_heard_for_its_vector_alone() {
    let (mut bench, id) = uploading();
    bench.wait(Duration::from_secs(31));
    let (_, second, _) = next_request(&mut bench);
    assert!(second > id);
    bench.ack(id, vector(CHAIN, 1));
    assert_eq!(bench.outbox.queue_len(), 0);
    let held = bench.held(vector(CHAIN, 1));
    bench.reply(second, CloudReply::Conflict { held });
    bench.wait(Duration::from_secs(100));
    assert!(bench.asked.is_empty(), "all is there");
    bench.ack(UplinkId(77), vector(CHAIN, 9));
    assert_eq!(bench.outbox.cloud().get(CHAIN), Seq(1), "never asked");
}

#[test]
fn a_conflict_is_adopted_and_uploading_goes_on() {
    let (mut bench, id) = uploading();
    bench.record(Lane::Transactions, b"two");
    bench.outbox.flush(bench.now);
    bench.drain();
    assert!(bench.asked.is_empty(), "one request at a time");
    let held = bench.held(vector(CHAIN, 1));
    bench.reply(id, CloudReply::Conflict { held });
    let (_, request) = bench.asked.pop().expect("goes on at once");
    let CloudRequest::Append { old, new, .. } = request else { panic!("{request:?}") };
    assert_eq!((old, new), (vector(CHAIN, 1), vector(CHAIN, 2)));
}

#[test]
fn a_conflict_that_says_nothing_new_does_not_go_round_for_ever() {
    let (mut bench, mut id) = uploading();
    for _ in 0..5 {
        let held = bench.held(VersionVector::new());
        bench.reply(id, CloudReply::Conflict { held });
        assert!(bench.asked.is_empty(), "rests first");
        id = next_request(&mut bench).1;
    }
}

#[test]
fn the_fenced_drop_their_epoch_and_ask_again_only_while_entitled() {
    let (mut bench, id) = uploading();
    bench.reply(id, CloudReply::Fenced { epoch: UploadEpoch(8) });
    assert!(bench.news.contains(&Notice::Fenced { epoch: UploadEpoch(8) }));
    let (wait, _, request) = next_request(&mut bench);
    assert!(wait > Duration::ZERO && matches!(request, CloudRequest::Lease { .. }));

    let (mut bench, id) = uploading();
    bench.reply(id, CloudReply::Fenced { epoch: UploadEpoch(8) });
    bench.tell(Input::Leader { leader: Some((replica(1), Term(9))), entitled: false });
    bench.wait(Duration::from_secs(600));
    assert!(bench.asked.is_empty());
}

/// The highest epoch there is: it is believed as any other, kept in memory alone, and over with the cloud's next word.
#[test]
fn an_epoch_too_high_keeps_nobody_from_the_next_lease() {
    let highest = UploadEpoch(u64::MAX);
    let (mut bench, id) = uploading();
    bench.reply(id, CloudReply::Fenced { epoch: highest });
    let (_, id, request) = next_request(&mut bench);
    assert!(matches!(request, CloudRequest::Lease { .. }), "{request:?}");
    let held = bench.held(VersionVector::new());
    bench.reply(id, CloudReply::Lease { epoch: highest, held });
    let (_, id, request) = next_request(&mut bench);
    assert!(matches!(request, CloudRequest::Append { epoch, .. } if epoch == highest), "{request:?}");
    // The cloud's own count goes on where it was.
    bench.reply(id, CloudReply::Fenced { epoch: EPOCH });
    let (_, id, request) = next_request(&mut bench);
    assert!(matches!(request, CloudRequest::Lease { .. }), "{request:?}");
    let held = bench.held(VersionVector::new());
    bench.reply(id, CloudReply::Lease { epoch: EPOCH, held });
    let (_, id, request) = next_request(&mut bench);
    assert!(matches!(request, CloudRequest::Append { epoch: EPOCH, .. }), "{request:?}");
    bench.ack(id, vector(CHAIN, 1));
    assert_eq!(bench.outbox.queue_len(), 0);
}

#[test]
fn busy_is_waited_out() {
    let mut bench = Bench::terminal(0);
    bench.tell(Input::Leader { leader: Some((replica(0), Term(1))), entitled: true });
    let (id, _) = bench.asked.pop().expect("asks");
    bench.reply(id, CloudReply::Busy { retry_after_ms: 7_000 });
    let (wait, ..) = next_request(&mut bench);
    assert!((7_000..=8_100).contains(&(wait.as_millis() as u64)), "{wait:?}");
}

#[test]
fn failures_are_retried_with_full_jitter_and_a_bound() {
    let (mut bench, mut id) = uploading();
    let mut waits = Vec::new();
    for attempt in 1..40 {
        bench.tell(Input::Uplink(id, Err(UplinkError::Unreachable)));
        assert!(
            bench.news.contains(&Notice::UplinkFailed { error: UplinkError::Unreachable, attempts: attempt })
        );
        let (wait, next, request) = next_request(&mut bench);
        assert!(matches!(request, CloudRequest::Append { epoch: EPOCH, .. }), "the lease may still be good");
        id = next;
        waits.push(wait.as_millis() as u64);
    }
    assert!(waits[0] <= 1_050 && waits.iter().all(|wait| *wait <= 60_050), "{waits:?}");
    assert!(waits[10..].iter().any(|wait| *wait < 15_000) && waits[10..].iter().any(|wait| *wait > 45_000));

    bench.tell(Input::Uplink(id, Err(UplinkError::Overloaded { retry_after: Duration::from_secs(45) })));
    assert!(next_request(&mut bench).0 >= Duration::from_secs(45));
}

#[test]
fn a_refusal_stands_until_the_cloud_is_of_use_and_that_is_told() {
    let (mut bench, mut id) = uploading();
    assert_eq!(bench.outbox.refused_by_cloud(), None);
    bench.tell(Input::Uplink(id, Err(UplinkError::Unreachable)));
    assert_eq!(bench.outbox.refused_by_cloud(), None, "who is away refuses nothing");
    for (error, refusal) in [
        (UplinkError::Rejected { status: 403 }, CloudRefusal::Status(403)),
        (UplinkError::Unreachable, CloudRefusal::Status(403)),
        (UplinkError::Rejected { status: 502 }, CloudRefusal::Status(403)),
        (UplinkError::Rejected { status: 404 }, CloudRefusal::Status(404)),
    ] {
        id = next_request(&mut bench).1;
        bench.tell(Input::Uplink(id, Err(error)));
        assert_eq!(bench.outbox.refused_by_cloud(), Some(refusal));
    }
    let (_, id, _) = next_request(&mut bench);
    bench.reply(id, CloudReply::Refused { reason: RefusedReason::Malformed });
    assert_eq!(bench.outbox.refused_by_cloud(), Some(CloudRefusal::Reason(RefusedReason::Malformed)));
    let (_, id, _) = next_request(&mut bench);
    bench.ack(id, vector(CHAIN, 1));
    assert_eq!(bench.outbox.refused_by_cloud(), None);
    assert!(bench.news.contains(&Notice::UplinkFound { attempts: 5 }), "{:?}", bench.news);
}

#[test]
fn a_fork_stops_that_chain_and_no_other() {
    let (mut bench, id) = uploading();
    bench.record(Lane::Stock, b"count");
    bench.outbox.flush(bench.now);
    bench.drain();
    bench.reply(id, CloudReply::Fork { chain: CHAIN });
    assert!(bench.news.contains(&Notice::Fork { chain: CHAIN, seq: Seq(1), witness: Witness::Cloud }));
    let (_, request) = bench.asked.pop().expect("goes on");
    let CloudRequest::Append { new, .. } = request else { panic!("{request:?}") };
    assert_eq!(new, vector(Chain::new(replica(0), Lane::Stock), 1));
}

#[test]
fn too_large_is_halved_and_the_one_event_that_never_fits_is_left_behind() {
    let mut bench = Bench::terminal(0);
    bench.lead(1);
    for lane in [Lane::Transactions, Lane::Stock] {
        for _ in 0..3 {
            bench.record(lane, &[lane.code() + 1; 900]);
        }
    }
    bench.record(Lane::Stock, &vec![3; 60_000]);
    bench.record(Lane::Transactions, b"last");
    bench.outbox.flush(bench.now);
    bench.drain();
    let mut held = VersionVector::new();
    for _ in 0..100 {
        let Some((id, CloudRequest::Append { new, batch, .. })) = bench.asked.pop() else { break };
        let size: usize = edgepos_sync::Batch::decode(&batch, &world::LIMITS)
            .expect("own batch")
            .runs
            .iter()
            .flat_map(|run| &run.payloads)
            .map(Vec::len)
            .sum();
        if size > 4_000 {
            bench.reply(id, CloudReply::Refused { reason: RefusedReason::TooLarge });
        } else {
            held.join(&new);
            bench.ack(id, held.clone());
        }
    }
    assert_eq!(held.get(CHAIN), Seq(4), "the sales are there");
    assert_eq!(held.get(Chain::new(replica(0), Lane::Stock)), Seq(3));
    assert!(bench.news.contains(&Notice::UploadRefused { reason: RefusedReason::TooLarge }));
}

#[test]
fn an_older_cloud_that_does_not_have_the_dictionary_is_served_without_it() {
    let mut bench = Bench::terminal(0);
    bench.lead(1);
    for _ in 0..20 {
        bench.record(Lane::Transactions, b"two coffees and a croissant");
    }
    bench.outbox.flush(bench.now);
    bench.drain();
    // Key 2 of the batch's map.
    let dictionary = |request: &CloudRequest| match request {
        CloudRequest::Append { batch, .. } => batch[6],
        other => panic!("{other:?}"),
    };
    let (id, request) = bench.asked.pop().expect("uploads");
    assert_eq!(dictionary(&request), 1);
    bench.reply(id, CloudReply::Refused { reason: RefusedReason::UnknownCodec });
    let (id, request) = bench.asked.pop().expect("again at once");
    assert_eq!(dictionary(&request), 0);
    bench.reply(id, CloudReply::Refused { reason: RefusedReason::UnknownCodec });
    assert!(bench.asked.is_empty(), "it is not that; rests");
}

#[test]
fn a_cloud_that_lost_its_memory_is_given_everything_again() {
    let (mut bench, id) = uploading();
    bench.ack(id, vector(CHAIN, 1));
    bench.tell(Input::Leader { leader: Some((replica(0), Term(2))), entitled: true });
    let (id, _) = bench.asked.pop().expect("asks for the lease");
    let held = bench.held(VersionVector::new());
    bench.reply(id, CloudReply::Lease { epoch: UploadEpoch(2), held });
    assert_eq!(bench.outbox.cloud().get(CHAIN), Seq(0), "what it held counts for nothing");
    assert!(bench.news.contains(&Notice::CloudRestored { witness: Witness::Cloud }));
    let (id, request) = bench.asked.pop().expect("tells it so");
    assert!(matches!(request, CloudRequest::Lease { restored: Some(INSTANCE), .. }), "{request:?}");
    let instance = Some(CloudInstance([8; 8]));
    let held = Claim { instance, ..Claim::default() };
    bench.reply(id, CloudReply::Lease { epoch: UploadEpoch(3), held });
    let (id, request) = bench.asked.pop().expect("uploads again");
    assert!(matches!(request, CloudRequest::Append { new, .. } if new == vector(CHAIN, 1)));
    let held = Claim { instance, ..bench.held(vector(CHAIN, 1)) };
    bench.reply(id, CloudReply::Ack { held, forks: Default::default() });
    assert_eq!(bench.outbox.cloud().get(CHAIN), Seq(1));
}

/// A leader of an earlier version passes on what the cloud holds without hashes, which proves nothing: a follower hears it from the cloud.
#[test]
fn who_follows_asks_the_cloud_itself_while_nothing_is_proved() {
    let mut bench = Bench::terminal(0);
    bench.tell(Input::Leader { leader: Some((replica(1), Term(9))), entitled: false });
    let looks = bench.looks;
    bench.wait(Duration::from_secs(600));
    assert_eq!(bench.looks, looks, "nothing is held that could be asked about");
    bench.record(Lane::Transactions, b"sale");
    bench.drain();
    bench.wait(Duration::from_secs(59));
    assert_eq!(bench.looks, looks, "the leader's word is waited for");
    bench.wait(Duration::from_secs(2));
    assert_eq!(bench.looks, looks + 1, "a minute later the cloud is asked");
    bench.wait(Duration::from_secs(60));
    assert_eq!(bench.looks, looks + 2, "and again, since it does not hold the sale");
    assert!(bench.asked.is_empty(), "it looks and uploads nothing");
}
