//! Faults that are planted on purpose still apply to the tree: a promise that is kept elsewhere by now is to be broken there.

#![allow(clippy::unwrap_used, reason = "a test")]

use xtask::mutants;

#[test]
fn every_planted_fault_still_applies() {
    let root = xtask::root();
    let all = mutants::read(&root).unwrap();
    assert!(!all.is_empty());
    mutants::check(&root, &all).unwrap();
}
