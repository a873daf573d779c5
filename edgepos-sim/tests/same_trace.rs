//! The same seed gives the same trace, byte by byte, whatever else runs beside it.

#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_sim::{Keep, Plan, run, run_twice};

fn plan(seed: u64) -> Plan {
    Plan { terminals: 3, faults_us: 8_000_000, ..Plan::from_seed(seed) }
}

#[test]
fn a_second_run_is_the_first_again() {
    let outcome = run_twice(plan(3));
    assert!(outcome.is_good(), "{:?}", outcome.violations);
}

#[test]
fn another_seed_is_another_run() {
    let beside = std::thread::spawn(|| run(plan(4), Keep::Hash).trace.hash);
    let here = run(plan(3), Keep::Hash).trace.hash;
    assert_ne!(here, beside.join().unwrap());
    assert_eq!(here, run(plan(3), Keep::Hash).trace.hash);
}
