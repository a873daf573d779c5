//! What the fuzzer of batches runs, over its committed corpus and over seeded random input: without a nightly compiler, in every CI.

#[path = "../../fuzz/src/sync/mod.rs"]
#[allow(unreachable_pub, reason = "the fuzzers reach them from another crate")]
mod sync;

use std::path::Path;

use edgepos_core::Jitter;

#[test]
fn batches_and_payloads() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/batch_decode");
    let mut corpus = 0;
    for entry in std::fs::read_dir(folder).expect("the corpus") {
        let input = std::fs::read(entry.expect("an entry").path()).expect("an input");
        corpus += 1;
        sync::batch_decode(&input);
        let mut jitter = Jitter::new(input.len() as u64);
        for _ in 0..300 {
            let mut changed = input.clone();
            for _ in 0..jitter.range(1, 5) {
                let at = jitter.range(0, changed.len() as u64) as usize;
                changed[at] = jitter.next_u64() as u8;
            }
            sync::batch_decode(&changed);
        }
    }
    assert!(corpus > 0, "the corpus is there");
    let mut jitter = Jitter::new(77);
    for length in 0..400 {
        let input: Vec<u8> = (0..length).map(|_| jitter.next_u64() as u8).collect();
        sync::batch_decode(&input);
    }
}
