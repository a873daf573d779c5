//! Batches in columns: to the byte, within their limits, and to those alone who say that they read them.

#![allow(clippy::unwrap_used, reason = "a test")]

mod world;

use std::time::Duration;

use edgepos_core::{Chain, EventId, Jitter, Lane, Seq, Term, UploadEpoch};
use edgepos_crdt::VersionVector;
use edgepos_sync::{
    BATCH_FORMAT, Batch, Claim, CloudReply, CloudRequest, DecodeFault, Gap, Hash, Hello, Input, Limits,
    Message,
};
use world::bench::{Bench, hello, run};
use world::{LIMITS, replica};

/// Something like receipts: names that say nothing, times, products of a hundred.
fn payloads(count: u64) -> Vec<Vec<u8>> {
    let mut jitter = Jitter::new(4);
    let mut payload = |at: u64| {
        let mut out = vec![0xA4, 0, 1, 1, 0x1B];
        out.extend((1_700_000_000_000 + at * 9_000 + jitter.range(0, 9_000)).to_be_bytes());
        out.extend([2, 0x50]);
        out.extend((0..16).map(|_| jitter.next_u64() as u8));
        out.extend([3, 0x86]);
        for _ in 0..6 {
            out.extend([0x82, 0x72]);
            out.extend(format!("product-{:010}", 7 * jitter.range(0, 100)).into_bytes());
            out.push(1);
        }
        out
    };
    (0..count).map(&mut payload).collect()
}

fn batch(count: u64) -> Batch {
    let payloads = payloads(count);
    let payloads: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
    let (left, right) = payloads.split_at(payloads.len() / 3);
    let of = |terminal, payloads: &[&[u8]]| {
        run(Chain::new(replica(terminal), Lane::Transactions), 1, Hash::ZERO, payloads).0
    };
    Batch { runs: vec![of(1, left), of(2, right)] }
}

fn format(batch: &[u8]) -> u8 {
    batch[2]
}

#[test]
fn a_batch_is_smaller_in_columns_and_comes_back_to_the_byte() {
    for count in [30, 200, 2_000] {
        let batch = batch(count);
        let (rows, columns) = (batch.encode_with(1, &LIMITS), batch.encode_for(2, 1, &LIMITS));
        assert_eq!((format(&rows), format(&columns)), (1, 2));
        assert!(columns.len() * 10 < rows.len() * 9, "{count}: {} of {}", columns.len(), rows.len());
        assert_eq!(Batch::decode(&columns, &LIMITS), Ok(batch));
    }
}

/// Forms may be chosen otherwise one day; what was once written is read for ever.
#[test]
fn a_batch_in_columns_that_was_once_written_is_read() {
    let golden = include_bytes!("golden/batch_in_columns");
    assert_eq!((format(golden), Batch::decode(golden, &LIMITS)), (2, Ok(batch(30))));
}

#[test]
fn gaps_and_events_of_any_bytes_travel_in_columns_too() {
    let mut batch = batch(300);
    let gap = Gap { first: Seq(40), last: Seq(45), at: Seq(45), hash: Hash([9; 32]) };
    batch.runs[0].gaps.push(gap);
    batch.runs[1].payloads[7] = vec![];
    batch.runs[1].payloads[8] = b"what no version writes".to_vec();
    let mut lost = batch.runs[0].clone();
    (lost.chain, lost.payloads) = (Chain::new(replica(3), Lane::Stock), vec![]);
    lost.gaps = vec![Gap { first: Seq(1), last: Seq(3), at: Seq(3), hash: Hash([8; 32]) }];
    batch.runs.push(lost);
    let bytes = batch.encode_for(2, 0, &LIMITS);
    assert_eq!(format(&bytes), 2);
    assert_eq!(Batch::decode(&bytes, &LIMITS), Ok(batch));
}

#[test]
fn rows_go_where_columns_would_be_larger_or_taken_for_a_bomb() {
    let few = batch(3);
    assert_eq!(few.encode_for(BATCH_FORMAT, 1, &LIMITS), few.encode_with(1, &LIMITS));
    let chain = Chain::new(replica(1), Lane::Stock);
    let same = vec![payloads(1).remove(0); 8_000];
    let same: Vec<&[u8]> = same.iter().map(Vec::as_slice).collect();
    let bomb = Batch { runs: vec![run(chain, 1, Hash::ZERO, &same).0] };
    let bytes = bomb.encode_for(BATCH_FORMAT, 1, &LIMITS);
    assert_eq!(Batch::decode(&bytes, &LIMITS), Ok(bomb), "whatever the form, a careful receiver takes it");
}

/// Cut at any byte, or with any bit flipped: refused, or hashes do not fit.
#[test]
fn every_cut_is_refused_and_every_flipped_bit_is_or_does_not_link() {
    let batch = batch(40);
    let good = batch.encode_for(2, 1, &LIMITS);
    assert_eq!(format(&good), 2);
    (0..good.len()).for_each(|end| assert!(Batch::decode(&good[..end], &LIMITS).is_err(), "cut at {end}"));
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        let Ok(read) = Batch::decode(&bad, &LIMITS) else { continue };
        for run in read.runs.iter().filter(|run| run.gaps.is_empty()) {
            let link = |hash: Hash, (seq, payload): (u64, &Vec<u8>)| {
                hash.link(EventId::new(run.chain, Seq(seq)), payload)
            };
            let linked = (run.first.0..).zip(&run.payloads).fold(Hash::ZERO, link);
            assert!(batch.runs.contains(run) || run.first != Seq(1) || linked != run.head, "byte {at}");
        }
    }
}

#[test]
fn what_is_stated_is_checked_before_memory_is_taken() {
    let batch = batch(60);
    let good = batch.encode_for(2, 0, &LIMITS);
    let total: usize = batch.runs.iter().flat_map(|run| &run.payloads).map(Vec::len).sum();
    let fault = |bytes: &[u8], limits: &Limits| Batch::decode(bytes, limits).unwrap_err().fault;
    for (limits, limit) in [
        (Limits { max_body_bytes: total as u32 - 1, ..LIMITS }, total as u64 - 1),
        (Limits { max_ratio: 2, ..LIMITS }, 2),
        (Limits { max_events: 59, ..LIMITS }, 59 - 20),
        (Limits { max_chains: 1, ..LIMITS }, 1),
    ] {
        assert_eq!(fault(&good, &limits), DecodeFault::TooLarge { limit }, "{limits:?}");
    }
    assert_eq!(fault(&good, &Limits { max_event_bytes: 100, ..LIMITS }), DecodeFault::Damaged);
    // The last key states how many bytes there are: two bytes behind a head of one.
    let end = good.len();
    for lie in [0, total as u16 - 1, total as u16 + 1, u16::MAX] {
        let mut bad = good.clone();
        bad[end - 2..].copy_from_slice(&lie.to_be_bytes());
        assert!(Batch::decode(&bad, &LIMITS).is_err(), "{lie}");
    }
    let mut later = good;
    later[2] = 3;
    assert_eq!(fault(&later, &LIMITS), DecodeFault::Unknown { code: 3 });
}

fn filled() -> Bench {
    let mut bench = Bench::terminal(0);
    for payload in payloads(120) {
        bench.record(Lane::Transactions, &payload);
    }
    bench
}

/// 0.1.0 says nothing of formats, and reads the first alone.
#[test]
fn a_peer_gets_the_newest_format_that_it_says_it_reads() {
    let Message::Hello(greeting) = hello(VersionVector::new()) else { unreachable!() };
    for (says, gets) in [(0, 1), (1, 1), (2, 2), (9, 2)] {
        let mut bench = filled();
        bench.tell(Input::PeerUp(replica(1), edgepos_core::ConnectionId(1)));
        let greets = bench.sent.iter().any(|(_, _, message)| {
            matches!(message, Message::Hello(Hello { batch_format: BATCH_FORMAT, .. }))
        });
        assert!(greets, "it says itself what it reads");
        bench.say(replica(1), 1, Message::Hello(Hello { batch_format: says, ..greeting.clone() }));
        bench.wait(Duration::from_secs(40));
        let sent = bench.sent.iter().find_map(|(_, _, message)| match message {
            Message::Batch { batch, .. } => Some(batch),
            _ => None,
        });
        assert_eq!(format(sent.expect("a batch")), gets, "who says {says}");
    }
}

#[test]
fn the_cloud_gets_columns_once_it_says_that_it_reads_them() {
    for (says, gets) in [(0, 1), (2, 2)] {
        let mut bench = filled();
        bench.tell(Input::Leader { leader: Some((replica(0), Term(1))), entitled: true });
        bench.wait(Duration::from_secs(10));
        let (id, _) = bench.asked.pop().expect("asks for the lease");
        let held = Claim { batch_format: says, ..bench.held(VersionVector::new()) };
        bench.reply(id, CloudReply::Lease { epoch: UploadEpoch(1), held });
        bench.wait(Duration::from_secs(10));
        let appended = bench.asked.iter().find_map(|(_, request)| match request {
            CloudRequest::Append { batch, .. } => Some(batch),
            _ => None,
        });
        assert_eq!(format(appended.expect("an upload")), gets, "a cloud that says {says}");
    }
}
