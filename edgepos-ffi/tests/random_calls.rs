//! What the fuzzer of the C API runs, over its committed corpus and over seeded random input: without a nightly compiler, in every CI. A seed
//! repeats its run.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "../../fuzz/src/ffi/mod.rs"]
#[allow(unreachable_pub, reason = "the fuzzer reaches them from another crate")]
mod ffi;

use std::fs;
use std::path::Path;

use edgepos::core::Jitter;

/// How many there are where `EDGEPOS_SEEDS` does not say: a longer run looks at other ones as well.
const SEEDS: u64 = 24;
/// Some thousand calls.
const LENGTH: u64 = 20_000;

#[test]
fn no_call_of_a_loop_of_ones_own_is_left_out() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let calls = fs::read_to_string(root.join("../fuzz/src/ffi/calls.rs")).unwrap();
    let header = fs::read_to_string(root.join("include/edgepos.h")).unwrap();
    let declared = header.lines().filter(|line| !line.starts_with(' '));
    let names = declared.filter_map(|line| line.split_once('(')?.0.split(['*', ' ']).next_back());
    let levels = ["terminal", "output", "rows", "text"].map(|level| format!("edgepos_{level}_"));
    let names = names.filter(|name| levels.iter().any(|level| name.starts_with(level)));
    let missing: Vec<&str> = names.filter(|name| !calls.contains(&format!("{name}("))).collect();
    assert!(missing.is_empty(), "the fuzzer never makes these calls: {missing:?}");
}

#[test]
fn the_corpus_is_answered() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/c_calls");
    let inputs: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!inputs.is_empty());
    for path in inputs {
        ffi::c_calls(&fs::read(&path).unwrap());
    }
}

#[test]
fn random_calls_are_answered() {
    let seeds = std::env::var("EDGEPOS_SEEDS").map_or(SEEDS, |count| count.parse().unwrap());
    let mut calls = 0;
    for seed in 0..seeds {
        println!("seed {seed}");
        let mut draw = Jitter::derive(seed, &[]);
        let input: Vec<u8> = (0..LENGTH).map(|_| draw.next_u64() as u8).collect();
        calls += ffi::c_calls(&input);
    }
    println!("{calls} calls");
    assert!(calls > 20_000, "{calls}");
}
