//! Anything may come from a socket: no panic, no memory beyond what the bytes are worth.

#![allow(clippy::unwrap_used, reason = "a test")]

mod world;

use edgepos_core::{Chain, Jitter, Lane, WallMs};
use edgepos_crdt::VersionVector;
use edgepos_sync::{
    Ack, Batch, CloudReply, CloudRequest, DecodeError, DecodeFault, Hash, IngestState, Limits, Message,
};
use proptest::prelude::*;
use world::bench::{Bench, hello, run, vector};
use world::{LIMITS, STORE, replica};

fn samples() -> Vec<Vec<u8>> {
    let chain = Chain::new(replica(1), Lane::Stock);
    let batch = Batch { runs: vec![run(chain, 1, Hash::ZERO, &[b"two coffees", b"two coffees", b""]).0] };
    let batch = batch.encode(&LIMITS);
    let mut jitter = Jitter::new(3);
    let mut receipt = || {
        let names = (0..16).map(|_| jitter.next_u64() as u8);
        [0xA3, 0, 1, 1, 0x50].into_iter().chain(names).chain([2, 0x63]).chain(*b"tea").collect::<Vec<u8>>()
    };
    let receipts: Vec<Vec<u8>> = (0..40).map(|_| receipt()).collect();
    let receipts: Vec<&[u8]> = receipts.iter().map(Vec::as_slice).collect();
    let columns = Batch { runs: vec![run(chain, 1, Hash::ZERO, &receipts).0] }.encode_for(2, 0, &LIMITS);
    assert_eq!(columns[2], 2, "in columns");
    let ack = Ack {
        vector: vector(chain, 9),
        batch: Some(1),
        relay: true,
        refused: [chain].into_iter().collect(),
        ..Ack::default()
    };
    vec![
        hello(vector(chain, 300)).encode(),
        Message::Batch { number: 1, batch: batch.clone() }.encode(),
        Message::Ack(ack).encode(),
        Message::CloudVector(vector(chain, 9).into()).encode(),
        CloudRequest::Append {
            store: STORE,
            replica: replica(1),
            epoch: edgepos_core::UploadEpoch(1),
            old: VersionVector::new(),
            new: vector(chain, 3),
            batch: batch.clone(),
        }
        .encode(),
        CloudReply::Fork { chain }.encode(),
        IngestState::new().encode(),
        batch,
        columns,
    ]
}

/// Every decoder on the same bytes; what decodes is also fed to the engines.
fn swallow(bytes: &[u8]) {
    if let Ok(message) = Message::decode(bytes, &LIMITS) {
        assert_eq!(Message::decode(&message.encode(), &LIMITS), Ok(message.clone()));
        let mut bench = Bench::terminal(0);
        bench.meet(replica(1), VersionVector::new());
        bench.say(replica(1), 1, message);
        bench.wait(std::time::Duration::from_secs(40));
    }
    if let Ok(batch) = Batch::decode(bytes, &LIMITS) {
        assert_eq!(Batch::decode(&batch.encode(&LIMITS), &LIMITS), Ok(batch));
    }
    if let Ok(reply) = CloudReply::decode(bytes, &LIMITS) {
        let mut bench = Bench::terminal(0);
        bench.record(Lane::Stock, b"x");
        bench.wait(std::time::Duration::from_secs(40));
        let (id, _) = bench.asked.pop().expect("asks for the lease");
        bench.reply(id, reply);
    }
    let mut state = IngestState::decode(bytes, &LIMITS).unwrap_or_default();
    if let Ok(request) = CloudRequest::decode(bytes, &LIMITS) {
        state.handle(WallMs(u64::MAX), &request, &LIMITS);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_swallowed(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        swallow(&bytes);
    }
}

#[test]
fn every_truncation_and_many_mutations_are_swallowed() {
    let mut jitter = Jitter::new(11);
    for sample in samples() {
        for end in 0..sample.len() {
            swallow(&sample[..end]);
        }
        for _ in 0..1_500 {
            let mut bytes = sample.clone();
            for _ in 0..jitter.range(1, 4) {
                let at = jitter.range(0, bytes.len() as u64) as usize;
                bytes[at] = jitter.next_u64() as u8;
            }
            swallow(&bytes);
        }
        let mut longer = sample.clone();
        longer.push(0);
        assert!(Message::decode(&longer, &LIMITS).is_err() && Batch::decode(&longer, &LIMITS).is_err());
    }
}

#[test]
fn lengths_that_lie_cost_nothing() {
    // Arrays, maps and strings that announce 2^63 items; deep nesting under an unknown key.
    for lie in [0x9B, 0xBB, 0x5B, 0x7B] {
        for key in 0..10 {
            let mut bytes = vec![0xA2, 0x00, 0x03, key, lie];
            bytes.extend([0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]);
            assert!(Message::decode(&bytes, &LIMITS).is_err());
            assert!(CloudRequest::decode(&bytes, &LIMITS).is_err());
        }
    }
    let mut deep = vec![0xA2, 0x00, 0x04, 0x18, 0x63];
    deep.extend([0x81; 100_000]);
    deep.push(0);
    assert!(Message::decode(&deep, &LIMITS).is_err());
}

#[test]
fn a_zip_bomb_is_refused() {
    // A body of 4 MiB of zeros in a few hundred bytes, and one that unpacks to more than it says.
    let bomb = zstd::bulk::compress(&vec![0; 4 << 20], 19).expect("compresses");
    let wrap = |length: u32, body: &[u8]| {
        let mut bytes = vec![0xA5, 0, 1, 1, 1, 2, 0, 3, 0x1A];
        bytes.extend(length.to_be_bytes());
        bytes.extend([4, 0x59]);
        bytes.extend((body.len() as u16).to_be_bytes());
        bytes.extend(body);
        Batch::decode(&bytes, &LIMITS)
    };
    assert!(bomb.len() < 1_000);
    let ratio = DecodeError::new("compression ratio", 0, DecodeFault::TooLarge { limit: 256 });
    assert_eq!(wrap(4 << 20, &bomb), Err(ratio));
    assert_eq!(
        wrap(u32::MAX, &bomb),
        Err(DecodeError::new("batch body", 0, DecodeFault::TooLarge { limit: 4 << 20 }))
    );
    assert_eq!(wrap(1_000, &bomb), Err(DecodeError::new("batch body", 0, DecodeFault::Damaged)));
}

#[test]
fn each_limit_is_enforced() {
    let chain = Chain::new(replica(1), Lane::Stock);
    let batch = Batch { runs: vec![run(chain, 1, Hash::ZERO, &[&[1; 100], &[2; 100]]).0] }.encode(&LIMITS);
    let small = [
        Limits { max_message_bytes: 50, ..LIMITS },
        Limits { max_body_bytes: 100, ..LIMITS },
        Limits { max_event_bytes: 99, ..LIMITS },
        Limits { max_events: 1, ..LIMITS },
        Limits { max_chains: 0, ..LIMITS },
    ];
    assert!(Batch::decode(&batch, &LIMITS).is_ok());
    for limits in small {
        let error = Batch::decode(&batch, &limits);
        assert!(
            matches!(error, Err(DecodeError { fault: DecodeFault::TooLarge { .. }, .. })),
            "{limits:?} {error:?}"
        );
    }
}

#[test]
fn a_peer_that_names_ever_new_chains_does_not_fill_the_memory() {
    let mut bench = Bench::terminal(0);
    bench.meet(replica(1), VersionVector::new());
    for round in 0..20 {
        let made_up = (0..4_000_u64).map(|n| {
            let replica = edgepos_core::ReplicaId((9 << 48) + round * 10_000 + n);
            (Chain::new(replica, Lane::Stock), edgepos_core::Seq(1))
        });
        let made_up: VersionVector = made_up.collect();
        bench.say(replica(1), 1, Message::Ack(Ack { vector: made_up.clone(), ..Ack::default() }));
        bench.say(replica(1), 1, Message::CloudVector(made_up.into()));
    }
    assert!(bench.outbox.peer_vector(replica(1)).is_some_and(|vector| vector.len() <= 4_096));
    assert!(bench.outbox.cloud().len() <= 4_096);
}
