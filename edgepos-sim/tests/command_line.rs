//! The command line: the seed first, mistakes with status 2.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::process::{Command, Output};

fn sim(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_edgepos-sim"))
        .args(args)
        .output()
        .expect("the binary is built with its tests")
}

#[test]
fn mistakes_end_with_status_2_and_a_reason() {
    for (args, reason) in [
        (&["--seeds", "0"][..], "--seeds"),
        (&["--seeds", "many"], "--seeds"),
        (&["--start", "-1"], "-1"),
        (&["--seed", "1", "--seeds", "2"], "cannot be used with"),
        (&["--fresh", "--start", "3"], "cannot be used with"),
        (&["--trace", "file.txt"], "--seed"),
        (&["--seed", "1", "--expect", "file.txt"], "cannot be used with"),
        (&["--seeds", "1", "--expect", "/nowhere/digests.txt"], "/nowhere/digests.txt holds no digests"),
        (&["--seeds", "1", "--digests", "/nowhere/digests.txt"], "/nowhere/digests.txt cannot be written"),
        (&["--what"], "--what"),
        (&["--seeds", "1", "--json", "/nowhere/rows.json"], "/nowhere/rows.json cannot be written"),
        (&["--seed", "1", "--trace", "/nowhere/trace.txt"], "/nowhere/trace.txt cannot be written"),
    ] {
        let output = sim(args);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {told}");
        assert!(told.contains(reason), "{args:?}: {told}");
    }
}

#[test]
fn the_seed_comes_first_and_the_rows_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.json");
    let output = sim(&["--start", "7", "--seeds", "1", "--json", file.to_str().unwrap()]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.starts_with("seeds 7 to 7\n"), "{told}");
    assert_eq!(output.status.code(), Some(0), "{told}");
    let rows: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(rows[0]["seed"], 7);
    assert_eq!(rows[0]["trace_hash"].as_str().unwrap().len(), 64);
    assert_eq!(rows[0]["violations"].as_array().unwrap().len(), 0);
    for key in ["terminals", "events", "sales", "failovers", "faults", "virtual_ms"] {
        assert!(rows[0][key].is_u64(), "{key}");
    }
}

#[test]
fn a_trace_that_is_not_the_expected_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("digests.txt");
    let path = file.to_str().unwrap();
    assert_eq!(sim(&["--start", "7", "--seeds", "1", "--digests", path]).status.code(), Some(0));
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(written.starts_with("7 ") && written.len() == 67, "{written}");
    let same = sim(&["--start", "7", "--seeds", "1", "--expect", path]);
    assert_eq!(same.status.code(), Some(0), "{same:?}");
    std::fs::write(&file, written.replacen("7 ", "8 ", 1)).unwrap();
    let other = sim(&["--start", "7", "--seeds", "1", "--expect", path]);
    let told = String::from_utf8(other.stdout).unwrap();
    assert!(other.status.code() == Some(1) && told.contains("seeds 7\n"), "{told}");
}
