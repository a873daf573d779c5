//! Makes the shipped compression dictionary, and measures what it is worth.
//!
//! ```text
//! cargo run --release -p edgepos-sync --example dictionary -- train   transactions.csv edgepos-sync/dictionaries/1.zdict
//! cargo run --release -p edgepos-sync --example dictionary -- measure transactions.csv
//! ```
//!
//! `transactions.csv` has a header and the columns timestamp, basket, household, product, quantity, sales in cents, loyalty
//! discount, coupon discount; `examples/reference-terminal/data/week.csv` is such a file. Training sees the baskets as those of
//! several made-up stores, each with its own product codes and customers, so that the dictionary learns how events look and not
//! what one store sells; measuring takes later baskets, of a store that training has not seen.

mod sample;

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;

use edgepos_core::{Chain, Lane, ReplicaId, Seq};
use edgepos_sync::{Batch, Hash, Limits, Run};
use flate2::Compression;
use flate2::write::GzEncoder;
use sample::{Sample, Store};

/// 16 KiB: 64 KiB save 2 bytes more of each event, and cost every terminal's cache.
const DICTIONARY_BYTES: usize = 16 << 10;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["train", csv, out] => train(csv, out),
        ["measure", csv] => measure(csv),
        _ => Err("usage: dictionary train <csv> <out> | measure <csv>".into()),
    }
}

/// The first three quarters of the baskets are for training, the rest for measuring.
fn split(csv: &str) -> Result<(Vec<sample::Basket>, Vec<sample::Basket>), Box<dyn Error>> {
    let mut baskets = sample::baskets(&std::fs::read_to_string(csv)?)?;
    let later = baskets.split_off(baskets.len() * 3 / 4);
    Ok((baskets, later))
}

fn train(csv: &str, out: &str) -> Result<(), Box<dyn Error>> {
    let (baskets, _) = split(csv)?;
    // Sixteen stores take turns: what repeats is what all events have in common.
    let mut stores: Vec<Store> = (1..=16).map(Store::new).collect();
    let count = stores.len();
    let mut samples = Vec::new();
    for (turn, chunk) in baskets.chunks(8).enumerate() {
        for basket in chunk {
            samples
                .extend(stores[turn % count].events(basket).into_iter().map(|sample| run_bytes(&[sample])));
        }
    }
    let dictionary = zstd::dict::from_samples(&samples, DICTIONARY_BYTES)?;
    std::fs::write(out, &dictionary)?;
    println!("{} bytes from {} samples", dictionary.len(), samples.len());
    Ok(())
}

/// A batch of one chain and lane, uncompressed: what the dictionary will see.
fn run_bytes(events: &[Sample]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut out = minicbor::Encoder::new(&mut bytes);
    for event in events {
        out.bytes(&event.payload).expect("to memory");
    }
    bytes
}

fn measure(csv: &str) -> Result<(), Box<dyn Error>> {
    let (_, baskets) = split(csv)?;
    let mut store = Store::new(4_711);
    let events: Vec<Sample> = baskets.iter().flat_map(|basket| store.events(basket)).collect();
    println!(
        "{} events, mean {} B of JSON, {} B of CBOR",
        events.len(),
        mean(&events, |e| e.json.len()),
        mean(&events, |e| e.payload.len())
    );
    println!("| events in a batch | JSON | JSON + gzip | CBOR + zstd | with dictionary | saved |");
    println!("|---|---|---|---|---|---|");
    for size in [1, 8, 42, 100, 250, 1_000] {
        let (mut json, mut gzip, mut plain, mut with, mut count) = (0, 0, 0, 0, 0);
        for batch in events.chunks_exact(size).take(2_000 / size.min(500)) {
            let text: String = batch.iter().map(|event| event.json.clone() + "\n").collect();
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(text.as_bytes())?;
            json += text.len();
            gzip += encoder.finish()?.len();
            plain += pack(batch).encode(&Limits::DEFAULT).len();
            with += pack(batch).encode_with(1, &Limits::DEFAULT).len();
            count += size;
        }
        let each = |total: usize| total as f64 / count as f64;
        let saved = 100.0 * (1.0 - with as f64 / json as f64);
        println!(
            "| {size} | {:.0} | {:.0} | {:.0} | {:.0} | {saved:.1} % |",
            each(json),
            each(gzip),
            each(plain),
            each(with)
        );
    }
    Ok(())
}

fn mean(events: &[Sample], size: impl Fn(&Sample) -> usize) -> usize {
    events.iter().map(size).sum::<usize>() / events.len().max(1)
}

/// As an outbox would send them: one run for each chain, with a real hash.
fn pack(events: &[Sample]) -> Batch {
    let mut runs: BTreeMap<(Lane, u16), Run> = BTreeMap::new();
    for event in events {
        let chain = Chain::new(
            ReplicaId::new(event.terminal, 0x5EED_0000_0000 + u64::from(event.terminal)),
            event.lane,
        );
        let run = runs.entry((event.lane, event.terminal)).or_insert_with(|| Run {
            chain,
            first: Seq(1_000),
            head: Hash::ZERO,
            payloads: Vec::new(),
            gaps: Vec::new(),
        });
        run.head = run.head.link(edgepos_core::EventId::new(chain, run.last()), &event.payload);
        run.payloads.push(event.payload.clone());
    }
    Batch { runs: runs.into_values().collect() }
}
