//! What the fuzzers run, over their committed corpus and over seeded random input: without a nightly compiler, in every CI.

#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "../../fuzz/src/consensus/mod.rs"]
#[allow(unreachable_pub, reason = "the fuzzers reach them from another crate")]
mod targets;

use std::fs;
use std::path::Path;

use edgepos_core::Jitter;

fn corpus(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 5, "{target} has {} inputs", files.len());
    for file in files {
        println!("{}", file.display());
        run(&fs::read(&file).unwrap());
    }
}

fn random(seed: u64, rounds: u64, longest: u64, run: fn(&[u8])) {
    for round in 0..rounds {
        let mut jitter = Jitter::derive(seed, &[round]);
        let input: Vec<u8> = (0..jitter.range(1, longest)).map(|_| jitter.next_u64() as u8).collect();
        println!("seed {seed} round {round}");
        run(&input);
    }
}

#[test]
fn changed_messages_at_the_guard() {
    corpus("guard", targets::guard);
    random(1, 1000, 1200, targets::guard);
}

#[test]
fn operations_in_any_order() {
    corpus("operations", targets::operations);
    random(2, 300, 400, targets::operations);
}

#[test]
fn bytes_as_messages() {
    corpus("message_decode", targets::message_decode);
    random(3, 20_000, 100, targets::message_decode);
}

#[test]
fn rows_that_no_election_wrote() {
    corpus("restored_rows", targets::restored_rows);
    random(4, 2_000, 60, targets::restored_rows);
}
