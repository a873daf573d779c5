//! Every byte that docs/formats-sync.md promises. These strings are never edited: what they say is on disks and on wires. A new key
//! or kind gets a new string.

mod world;

use std::collections::{BTreeMap, BTreeSet};

use edgepos_core::{
    Chain, EventId, Lane, LogPosition, LogState, ReplicaId, Seq, Space, StoreGeneration, StoreId, Term,
    UploadEpoch, WallMs,
};
use edgepos_crdt::VersionVector;
use edgepos_sync::{
    Ack, Batch, Claim, CloudInstance, CloudReply, CloudRequest, EventRecord, Gap, Hash, Hello, IngestState,
    Limits, Lost, Message, RefusedReason, Restored, Run,
};
use world::bench::{Bench, INSTANCE};

const LIMITS: Limits = Limits::DEFAULT;
const STORE: StoreId = StoreId([0x11; 16]);
const STORE_HEX: &str = "5011111111111111111111111111111111";
/// Terminal 1, nonce 0xA5: as CBOR, and as the first 8 bytes of a key.
const REPLICA_HEX: &str = "1b00010000000000a5";

fn chain() -> Chain {
    Chain::new(ReplicaId::new(1, 0xA5), Lane::Stock)
}

fn vector() -> VersionVector {
    [(chain(), Seq(500)), (Chain::new(chain().replica, Lane::Transactions), Seq(3))].into_iter().collect()
}

/// One replica: lanes 0 and 1 at 3 and 500.
fn vector_hex() -> String {
    format!("a1{REPLICA_HEX}82031901f4")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

/// Written as promised, and read back; also with a key from the future.
fn message(message: &Message, golden: &str) {
    assert_eq!(hex(&message.encode()), golden);
    assert_eq!(Message::decode(&bytes(golden), &LIMITS).as_ref(), Ok(message));
    let mut later = bytes(golden);
    later[0] += 1;
    later.extend(bytes("1863a20182f6f50263616263"));
    assert_eq!(Message::decode(&later, &LIMITS).as_ref(), Ok(message), "an unknown key is skipped");
}

#[test]
fn hash_and_event_row() {
    let id = EventId::new(chain(), Seq(1));
    let hash = Hash::ZERO.link(id, b"sale");
    assert_eq!(hex(&hash.0), "176a10f6b9e185f67175dd6d97a222e17f394a5451c0937faf9b8fb44718e7bb");
    let record = EventRecord { id, payload: b"sale".to_vec() };
    assert_eq!(hex(&id.to_key()), "00010000000000a5010000000000000001");
    assert_eq!(hex(&record.to_row(hash)), format!("{}73616c65", hex(&hash.0)));
}

#[test]
fn head_and_cloud_rows() {
    let mut bench = Bench::terminal(0);
    bench.record(Lane::Stock, b"sale");
    bench.meet(ReplicaId::new(2, 0xA5), VersionVector::new());
    let held = bench.held([(chain(), Seq(1))].into_iter().collect());
    bench.say(ReplicaId::new(2, 0xA5), 1, Message::CloudVector(held));
    let hash = Hash::ZERO.link(EventId::new(chain(), Seq(1)), b"sale");
    let head = bench.rows.get(&(Space::Head, chain().to_key().to_vec())).expect("head");
    assert_eq!(hex(head), format!("a20001015820{}", hex(&hash.0)));
    let cloud = bench.rows.get(&(Space::Cloud, b"vector".to_vec())).expect("cloud");
    assert_eq!(hex(cloud), format!("a1{REPLICA_HEX}820001"));
    let proof = bench.rows.get(&(Space::Cloud, b"proof".to_vec())).expect("proof");
    let instance = hex(&INSTANCE.0);
    let head = hex(&hash.0);
    assert_eq!(hex(proof), format!("a300a1{REPLICA_HEX}82000101a1{REPLICA_HEX}82405820{head}0248{instance}"));
    // What 0.1.0 wrote is read; nothing of it was proved.
    let mut restored = Restored::new();
    restored.insert(Space::Cloud, b"vector", &bytes(&vector_hex())).expect("sound");
    assert_eq!(restored, Restored::new());
    let store = Chain::new(ReplicaId::store(StoreGeneration(0)), Lane::Stock);
    bench.outbox.record_decided(bench.now, store, b"x".to_vec()).expect("recorded");
    bench.drain();
    let hash = hex(&Hash::ZERO.link(EventId::new(store, Seq(1)), b"x").0);
    let head = bench.rows.get(&(Space::Head, store.to_key().to_vec())).expect("head");
    assert_eq!(hex(head), format!("a40001015820{hash}0201035820{hash}"));
}

#[test]
fn hello() {
    let hello = Hello {
        versions: (1, 2),
        store: STORE,
        heard: true,
        vector: vector(),
        heads: [(chain(), Hash([0x22; 32]))].into_iter().collect(),
        relay: false,
        dictionaries: [1].into_iter().collect(),
        level: 0,
        wall: None,
        lost: None,
        number: 0,
        batch_format: 0,
        log: None,
    };
    let head = "22".repeat(32);
    let golden = format!(
        "a9000101010202 03{STORE_HEX} 04f5 05{} 06a1{REPLICA_HEX}82405820{head} 07f4 088101",
        vector_hex()
    );
    message(&Message::Hello(hello.clone()), &golden.replace(' ', ""));
    let announced = golden.replacen("a9", "aa", 1) + "0901";
    message(&Message::Hello(Hello { level: 1, ..hello.clone() }), &announced.replace(' ', ""));
    let timed = golden.replacen("a9", "aa", 1) + "0b07";
    let wall = Some(edgepos_core::WallMs(7));
    message(&Message::Hello(Hello { wall, ..hello.clone() }), &timed.replace(' ', ""));
    let counted = golden.replacen("a9", "aa", 1) + "0a03";
    message(&Message::Hello(Hello { number: 3, ..hello.clone() }), &counted.replace(' ', ""));
    let newer = golden.replacen("a9", "aa", 1) + "0d02";
    message(&Message::Hello(Hello { batch_format: 2, ..hello.clone() }), &newer.replace(' ', ""));
    let stated = golden.replacen("a9", "aa", 1) + "0e86 01 07 05 18c8 04 1864";
    let last = LogPosition { term: Term(5), index: 200 };
    let decided = LogPosition { term: Term(4), index: 100 };
    let log = Some(LogState { generation: StoreGeneration(1), term: Term(7), last, decided });
    message(&Message::Hello(Hello { log, ..hello }), &stated.replace(' ', ""));
    for impossible in [
        "0e86 01 07 05 18c8 06 1864",
        "0e86 01 04 05 18c8 04 1864",
        "0e86 01 07 05 00 00 00",
        "0e85 01 07 05 18c8 04",
    ] {
        let bytes = bytes(&(golden.replacen("a9", "aa", 1) + impossible).replace(' ', ""));
        assert!(Message::decode(&bytes, &LIMITS).is_err(), "{impossible}");
    }
}

#[test]
fn batch_message() {
    message(&Message::Batch { number: 7, batch: vec![0xAB, 0xCD] }, "a3000201070242abcd");
}

#[test]
fn ack() {
    let mut ack = Ack { vector: vector(), ..Ack::default() };
    message(&Message::Ack(ack.clone()), &format!("a3000301{}03f4", vector_hex()));
    ack.batch = Some(7);
    ack.relay = true;
    ack.refused.insert(chain());
    let golden = format!("a5000301{}020703f504814900010000000000a501", vector_hex());
    message(&Message::Ack(ack.clone()), &golden);
    ack.pause = std::time::Duration::from_millis(1_000);
    let golden = format!("a6000301{}020703f504814900010000000000a501051903e8", vector_hex());
    message(&Message::Ack(ack), &golden);
    let knowing = Ack { vector: vector(), greeting: 3, ..Ack::default() };
    message(&Message::Ack(knowing), &format!("a4000301{}03f40803", vector_hex()).replace(' ', ""));
    let asks = Ack { vector: vector(), asks_cloud: true, ..Ack::default() };
    message(&Message::Ack(asks), &format!("a4000301{}03f406f5", vector_hex()));
}

#[test]
fn cloud_vector_and_missing() {
    message(&Message::CloudVector(vector().into()), &format!("a2000401{}", vector_hex()));
    let floor: BTreeMap<Chain, Seq> = [(chain(), Seq(7))].into_iter().collect();
    message(&Message::Missing { floor }, &format!("a2000501a1{REPLICA_HEX}820007"));
}

#[test]
fn claims_with_their_proofs() {
    let claim = Claim {
        vector: vector(),
        heads: [(chain(), Hash([0x22; 32]))].into_iter().collect(),
        instance: Some(CloudInstance([0x33; 8])),
        lost: None,
        batch_format: 0,
    };
    let (head, instance) = ("22".repeat(32), "33".repeat(8));
    let heads = format!("a1{REPLICA_HEX}82405820{head}");
    let golden = format!("a4000401{}02{heads}0348{instance}", vector_hex());
    message(&Message::CloudVector(claim.clone()), &golden);
    let ack = Ack { vector: vector(), heads: claim.heads.clone(), ..Ack::default() };
    message(&Message::Ack(ack), &format!("a4000301{}03f407{heads}", vector_hex()));

    let forks: BTreeSet<Chain> = [chain()].into_iter().collect();
    let held = format!("02{} 0a{heads} 0b48{instance}", vector_hex());
    let replies = [
        (CloudReply::Ack { held: claim.clone(), forks }, format!("a50004 {held} 0c814900010000000000a501")),
        (CloudReply::Head { epoch: UploadEpoch(4), held: claim.clone() }, format!("a50003 0104 {held}")),
        (
            CloudReply::Lease { epoch: UploadEpoch(4), held: Claim { batch_format: 2, ..claim } },
            format!("a60001 0104 {held} 1302"),
        ),
    ];
    for (reply, golden) in replies {
        let golden = golden.replace(' ', "");
        assert_eq!(hex(&reply.encode()), golden);
        assert_eq!(CloudReply::decode(&bytes(&golden), &LIMITS), Ok(reply));
    }
    let lease = CloudRequest::Lease {
        store: STORE,
        replica: chain().replica,
        generation: StoreGeneration(2),
        term: Term(9),
        leader: true,
        restored: Some(CloudInstance([0x33; 8])),
    };
    request(&lease, &format!("a70001 01{STORE_HEX} 02{REPLICA_HEX} 0302 0409 05f5 0a48{instance}"));
}

#[test]
fn probes_and_their_answers() {
    let event = EventId::new(chain(), Seq(7));
    let id = "5100010000000000a5010000000000000007";
    let hash = Some(Hash([0x22; 32]));
    let bytes_of_hash = format!("5820{}", "22".repeat(32));
    message(&Message::Probe { event }, &format!("a2000601{id}"));
    message(&Message::Hash { event, hash: None }, &format!("a2000701{id}"));
    message(&Message::Hash { event, hash }, &format!("a3000701{id}02{bytes_of_hash}"));
    request(&CloudRequest::Probe { store: STORE, event }, &format!("a3000a01{STORE_HEX}0b{id}"));
    let replies = [
        (CloudReply::Hash { event, hash: None }, format!("a2000a0d{id}")),
        (CloudReply::Hash { event, hash }, format!("a3000a0d{id}0e{bytes_of_hash}")),
    ];
    for (reply, golden) in replies {
        assert_eq!(hex(&reply.encode()), golden);
        assert_eq!(CloudReply::decode(&bytes(&golden), &LIMITS), Ok(reply));
    }
}

#[test]
fn author_rows() {
    let mut bench = Bench::terminal(0);
    for sale in [b"one", b"two"] {
        bench.record(Lane::Stock, sale);
    }
    bench.meet(ReplicaId::new(2, 0xA5), VersionVector::new());
    let head = bench.held([(chain(), Seq(1))].into_iter().collect()).heads[&chain()];
    let (other, _) = world::bench::run(chain(), 2, head, &[b"not two", b"three"]);
    bench.receive(ReplicaId::new(2, 0xA5), 1, vec![other]);
    for seq in [1, 2] {
        let event = EventId::new(chain(), Seq(seq));
        let hash = Some(if seq == 1 { head } else { Hash([9; 32]) });
        bench.say(ReplicaId::new(2, 0xA5), 1, Message::Hash { event, hash });
    }
    assert!(bench.outbox.is_displaced());
    bench.outbox.reincarnate(bench.now, ReplicaId::new(1, 0x7F3A_09C1));
    assert!(bench.drain_once());
    let row = |key: &[u8]| hex(bench.rows.get(&(Space::Author, key.to_vec())).expect("row"));
    assert_eq!(row(b"name"), "1b000100007f3a09c1");
    assert_eq!(row(&[b"tail".as_slice(), &chain().to_key()].concat()), "a200020102");
}

#[test]
fn a_kind_from_the_future() {
    assert_eq!(Message::decode(&bytes("a200186301820102"), &LIMITS), Ok(Message::Unknown { kind: 99 }));
}

#[test]
fn a_batch_body() {
    let batch = Batch {
        runs: vec![Run {
            chain: chain(),
            first: Seq(3),
            head: Hash(std::array::from_fn(|at| at as u8)),
            payloads: vec![b"ab".to_vec(), vec![]],
            gaps: Vec::new(),
        }],
    };
    let body = format!(
        "81a500{REPLICA_HEX}01010203035820{}0482426162 40",
        (0..32).map(|at| format!("{at:02x}")).collect::<String>()
    )
    .replace(' ', "");
    let golden = format!("a5000101000200031839 045839{body}").replace(' ', "");
    assert_eq!(hex(&batch.encode(&LIMITS)), golden);
    assert_eq!(Batch::decode(&bytes(&golden), &LIMITS), Ok(batch));
}

/// Compressors may improve, so only what was once written is compared, never how.
#[test]
fn a_compressed_batch_that_was_once_written_is_read() {
    let payloads = vec![b"two coffees and a croissant".to_vec(); 8];
    let batch = Batch {
        runs: vec![Run {
            chain: chain(),
            first: Seq(1),
            head: Hash([0x44; 32]),
            payloads: payloads.clone(),
            gaps: Vec::new(),
        }],
    };
    let golden = "a50001010102000319011d04584528b52ffd601d00dd0100f40281a5001b000100a501010201035820440488581b74776f20636f666665657320616e6420612063726f697373616e7403002381a21ce8130023";
    assert_eq!(Batch::decode(&bytes(golden), &LIMITS), Ok(batch));
}

/// With dictionary 1.
#[test]
fn a_batch_compressed_with_the_dictionary_is_read() {
    let payload =
        b"\x0d\x86\xa7\x00\x00\x01\x4d4006381333931\x02\x00\x03\x00\x04\x20\x05\x00\x06\x00".repeat(3);
    let run = Run {
        chain: chain(),
        first: Seq(1),
        head: Hash([0x55; 32]),
        payloads: vec![payload; 2],
        gaps: Vec::new(),
    };
    let batch = Batch { runs: vec![run] };
    let golden = "a50001010102010318ed04583c28b52ffd00009d0100230207f999799e6ca6707cca6842d321634913ce8ad602c2666d906c80c04606fcf931ee2508827c73a23db2b8804af22fbf01";
    assert_eq!(Batch::decode(&bytes(golden), &LIMITS), Ok(batch));
}

fn request(request: &CloudRequest, golden: &str) {
    let golden = golden.replace(' ', "");
    assert_eq!(hex(&request.encode()), golden);
    assert_eq!(CloudRequest::decode(&bytes(&golden), &LIMITS).as_ref(), Ok(request));
}

#[test]
fn cloud_requests() {
    let lease = CloudRequest::Lease {
        store: STORE,
        replica: chain().replica,
        generation: StoreGeneration(2),
        term: Term(9),
        leader: true,
        restored: None,
    };
    request(&lease, &format!("a60001 01{STORE_HEX} 02{REPLICA_HEX} 0302 0409 05f5"));
    request(&CloudRequest::Head { store: STORE }, &format!("a20002 01{STORE_HEX}"));
    let append = CloudRequest::Append {
        store: STORE,
        replica: chain().replica,
        epoch: UploadEpoch(4),
        old: VersionVector::new(),
        new: vector(),
        batch: vec![0xAB],
    };
    let golden = format!("a70003 01{STORE_HEX} 02{REPLICA_HEX} 0604 07a0 08{} 0941ab", vector_hex());
    request(&append, &golden);
}

#[test]
fn cloud_replies() {
    let (epoch, held) = (UploadEpoch(4), Claim::from(vector()));
    let replies = [
        (CloudReply::Lease { epoch, held: held.clone() }, format!("a30001 0104 02{}", vector_hex())),
        (CloudReply::Busy { retry_after_ms: 1_000 }, "a20002 031903e8".into()),
        (CloudReply::Head { epoch, held: held.clone() }, format!("a30003 0104 02{}", vector_hex())),
        (
            CloudReply::Ack { held: held.clone(), forks: BTreeSet::new() },
            format!("a20004 02{}", vector_hex()),
        ),
        (CloudReply::Fenced { epoch }, "a20005 0104".into()),
        (CloudReply::Conflict { held }, format!("a20006 02{}", vector_hex())),
        (CloudReply::Fork { chain: chain() }, "a20007 044900010000000000a501".into()),
        (CloudReply::Refused { reason: RefusedReason::UnknownStore }, "a20008 0501".into()),
        (CloudReply::Refused { reason: RefusedReason::OldGeneration }, "a20008 0502".into()),
        (CloudReply::Refused { reason: RefusedReason::Malformed }, "a20008 0503".into()),
        (CloudReply::Refused { reason: RefusedReason::TooLarge }, "a20008 0504".into()),
        (CloudReply::Refused { reason: RefusedReason::TooManyChains }, "a20008 0505".into()),
        (CloudReply::Refused { reason: RefusedReason::UnknownCodec }, "a20008 0506".into()),
        (CloudReply::Refused { reason: RefusedReason::Other(99) }, "a20008 051863".into()),
    ];
    for (reply, golden) in replies {
        let golden = golden.replace(' ', "");
        assert_eq!(hex(&reply.encode()), golden);
        assert_eq!(CloudReply::decode(&bytes(&golden), &LIMITS), Ok(reply));
    }
}

#[test]
fn the_cloud_s_row() {
    let mut state = IngestState::new();
    state.lease(WallMs(1_000), chain().replica, StoreGeneration(2), Term(9), true);
    let golden = format!("a90001 01{REPLICA_HEX} 0202 0309 04f5 05193e80 06a0 07a0 0800").replace(' ', "");
    assert_eq!(hex(&state.encode()), golden);
    assert_eq!(IngestState::decode(&bytes(&golden), &LIMITS), Ok(state));
    let golden =
        format!("aa0001 01{REPLICA_HEX} 0202 0309 04f5 05193e80 06a0 07a0 0800 09483333333333333333");
    let golden = golden.replace(' ', "");
    let state = IngestState::decode(&bytes(&golden), &LIMITS).expect("own row");
    assert_eq!(state.instance(), Some(CloudInstance([0x33; 8])));
    assert_eq!(hex(&state.encode()), golden);
}

/// Lost positions, as everybody writes them: gaps in a run, the list in a greeting and in a reply of the cloud, questions and answers.
#[test]
fn what_is_lost() {
    let hash = Hash([0x66; 32]);
    let gap = |first, last, at| Gap { first: Seq(first), last: Seq(last), at: Seq(at), hash };
    let run = Run {
        chain: chain(),
        first: Seq(3),
        head: Hash([0x44; 32]),
        payloads: vec![b"ab".to_vec(), b"cd".to_vec()],
        gaps: vec![gap(3, 4, 4), gap(6, 9, 10)],
    };
    assert_eq!(run.last(), Seq(10));
    let batch = Batch { runs: vec![run] };
    let (head, hash_hex) = ("44".repeat(32), "66".repeat(32));
    let body = format!(
        "81a600{REPLICA_HEX}0101020303 5820{head} 0482426162426364 0582 840304005820{hash_hex} 840609015820{hash_hex}"
    );
    let read = Batch::decode(&batch.encode(&LIMITS), &LIMITS).expect("own bytes");
    assert_eq!(read, batch);
    let length = body.replace(' ', "").len() / 2;
    let golden = format!("a50001010002000318{length:02x}0458{length:02x}{body}").replace(' ', "");
    assert_eq!(Batch::decode(&bytes(&golden), &LIMITS), Ok(batch));

    let first = EventId::new(chain(), Seq(3));
    let event = first.to_key().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    message(&Message::Want { first, last: Seq(4) }, &format!("a3000c0151{event}0204"));
    let batch = Some(vec![0xAB]);
    message(
        &Message::Found { first, last: Seq(4), batch: batch.clone(), base: None },
        &format!("a4000d0151{event}02040341ab"),
    );
    let bytes_of_hash = format!("5820{}", "22".repeat(32));
    let base = Some(Hash([0x22; 32]));
    message(
        &Message::Found { first, last: Seq(4), batch, base },
        &format!("a5000d0151{event}02040341ab04{bytes_of_hash}"),
    );
    message(
        &Message::Found { first, last: Seq(4), batch: None, base: None },
        &format!("a3000d0151{event}0204"),
    );
    message(&Message::Rival { replica: ReplicaId::new(3, 0xAB) }, "a2000e011b00030000000000ab");
    let fetch = CloudRequest::Fetch { store: STORE, first, last: Seq(4) };
    assert_eq!(hex(&fetch.encode()), format!("a4000c01{STORE_HEX}0b51{event}0c04"));
    assert_eq!(CloudRequest::decode(&fetch.encode(), &LIMITS), Ok(fetch));
    let events = CloudReply::Events { first, last: Seq(4), batch: Some(vec![0xAB]), base: None };
    assert_eq!(hex(&events.encode()), format!("a4000c0d51{event}11041241ab"));
    assert_eq!(CloudReply::decode(&events.encode(), &LIMITS), Ok(events));
    let events = CloudReply::Events { first, last: Seq(4), batch: Some(vec![0xAB]), base };
    assert_eq!(hex(&events.encode()), format!("a5000c0d51{event}0e{bytes_of_hash}11041241ab"));
    assert_eq!(CloudReply::decode(&events.encode(), &LIMITS), Ok(events));
    let head = bytes(&format!("a400030100 02a0 108251{event}04").replace(' ', ""));
    let Ok(CloudReply::Head { held, .. }) = CloudReply::decode(&head, &LIMITS) else { panic!("a head") };
    let lost: Vec<_> = held.lost.iter().flat_map(Lost::iter).collect();
    assert_eq!(lost, [(chain(), Seq(3), Seq(4))]);
    assert_eq!(hex(&CloudReply::Head { epoch: UploadEpoch(0), held }.encode()), hex(&head));
}

/// Every byte of a batch, flipped bit by bit: it does not decode, or not as what was sent, or its hashes do not fit; never a run that
/// links and is another one.
#[test]
fn every_flipped_bit_of_a_batch_is_refused_or_does_not_link() {
    let payloads: Vec<Vec<u8>> = (0..6u8).map(|at| vec![at; 30]).collect();
    let head = (1..)
        .zip(&payloads)
        .fold(Hash::ZERO, |hash, (seq, payload)| hash.link(EventId::new(chain(), Seq(seq)), payload));
    let batch = Batch { runs: vec![Run { chain: chain(), first: Seq(1), head, payloads, gaps: Vec::new() }] };
    let good = batch.encode(&LIMITS);
    let message = Message::Batch { number: 1, batch: good.clone() };
    let mut taken = 0;
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            let Ok(read) = Batch::decode(&bad, &LIMITS) else { continue };
            for run in read.runs.iter().filter(|run| run.gaps.is_empty()) {
                let linked = (run.first.0..).zip(&run.payloads).fold(Hash::ZERO, |hash, (seq, payload)| {
                    hash.link(EventId::new(run.chain, Seq(seq)), payload)
                });
                let is_what_was_sent = batch.runs.contains(run);
                assert!(
                    is_what_was_sent || run.first != Seq(1) || linked != run.head,
                    "byte {at}, bit {bit}"
                );
                taken += u32::from(is_what_was_sent);
            }
        }
    }
    assert!(taken < 200, "some bits say nothing: {taken}");
    let good = message.encode();
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            drop(Message::decode(&bad, &LIMITS));
        }
    }
}
