//! Batches of 42 events are at least 85 % smaller than the JSON of the same events, in a store that the dictionary has never seen.

#[path = "../examples/dictionary/sample.rs"]
mod sample;
mod world;

use std::fmt::Write;

use edgepos_core::{Chain, Jitter, ReplicaId, Seq};
use edgepos_sync::{BATCH_FORMAT, Batch, Hash, Limits, Run};
use world::LIMITS;

/// Baskets of 1 to 12 lines from 500 products, popular ones more often.
fn csv() -> String {
    let mut jitter = Jitter::new(5);
    let mut csv = "header\n".to_owned();
    for basket in 0..600 {
        let household = jitter.range(0, 300);
        for _ in 0..jitter.range(1, 13) {
            let product = jitter.range(0, 500) * jitter.range(0, 500) / 500;
            let (quantity, cents) = (jitter.range(1, 4), jitter.range(49, 2_000));
            let discount = if jitter.range(0, 4) == 0 { 50 } else { 0 };
            let minute = basket % 60;
            writeln!(
                csv,
                "2024-03-05T10:{minute:02}:00,{basket},{household},{product},{quantity},{cents},{discount},0"
            )
            .expect("to memory");
        }
    }
    csv
}

#[test]
fn batches_of_42_are_85_percent_smaller_than_json() {
    let mut store = sample::Store::new(99);
    let baskets = sample::baskets(&csv()).expect("own csv");
    let events: Vec<sample::Sample> = baskets.iter().flat_map(|basket| store.events(basket)).collect();
    for (size, least, in_columns) in [(1, 80.0, 80.0), (42, 85.0, 93.0), (250, 85.0, 94.0)] {
        let (mut json, mut wire, mut columns) = (0, 0, 0);
        for chunk in events.chunks_exact(size) {
            let mut batch = Batch::default();
            for event in chunk {
                json += event.json.len();
                let chain = Chain::new(ReplicaId::new(event.terminal, 0x1234_5678_9ABC), event.lane);
                if batch.runs.iter().all(|run| run.chain != chain) {
                    batch.runs.push(Run {
                        chain,
                        first: Seq(700),
                        head: Hash::ZERO,
                        payloads: Vec::new(),
                        gaps: Vec::new(),
                    });
                }
                let run = batch.runs.iter_mut().find(|run| run.chain == chain).expect("just added");
                run.payloads.push(event.payload.clone());
                run.head = run.head.link(edgepos_core::EventId::new(chain, run.last()), &event.payload);
            }
            let bytes = batch.encode_with(1, &LIMITS);
            wire += bytes.len();
            let bytes = batch.encode_for(BATCH_FORMAT, 1, &LIMITS);
            assert_eq!(Batch::decode(&bytes, &LIMITS), Ok(batch));
            columns += bytes.len();
        }
        for (form, bytes, least) in [("rows", wire, least), ("columns", columns, in_columns)] {
            let saved = 100.0 * (1.0 - bytes as f64 / json as f64);
            println!("{size} in {form}: {saved:.1} %");
            assert!(saved >= least, "{size} in {form}: {saved:.1} %");
        }
    }
}

/// A dictionary that changes under its number makes every batch in the cloud unreadable. A new one gets a new number.
#[test]
fn the_shipped_dictionary_never_changes() {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(include_bytes!("../dictionaries/1.zdict"));
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "3d9af6e1cefee3c1d1f7b1279e0376d4ab7126de534d70b5fbb63a4ad86255bf");
}

#[test]
fn gzip_is_understood() {
    use std::io::Write;
    let payloads = vec![b"two coffees and a croissant".to_vec(); 8];
    let chain = Chain::new(ReplicaId::new(1, 1), edgepos_core::Lane::Stock);
    let batch =
        Batch { runs: vec![Run { chain, first: Seq(1), head: Hash::ZERO, payloads, gaps: Vec::new() }] };
    // No ratio is allowed, so this is the body as it is, in the last of five keys.
    let raw = batch.encode(&Limits { max_ratio: 0, ..LIMITS });
    let body = raw.iter().position(|byte| *byte == 4).map(|at| &raw[at + 4..]).expect("key 4");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(body).expect("to memory");
    let gzip = gzip.finish().expect("to memory");
    let mut bytes = vec![0xA5, 0, 1, 1, 2, 2, 0, 3, 0x19];
    bytes.extend((body.len() as u16).to_be_bytes());
    bytes.extend([4, 0x58, gzip.len() as u8]);
    bytes.extend(gzip);
    assert_eq!(Batch::decode(&bytes, &LIMITS), Ok(batch));
}
