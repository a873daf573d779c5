//! Bad usage and bad input: a clear error that names the place, exit status 2, nothing half-written, no process left behind.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::net::TcpListener;

use support::{processes_with, refused, week};

#[test]
fn a_sixteenth_terminal() {
    let said = refused(&["demo", "--headless", "--terminals", "16"]);
    assert!(said.contains("--terminals") && said.contains("at most 15 terminals"), "{said}");
    assert!(refused(&["demo", "--terminals", "0"]).contains("at least 1 terminal"));
}

#[test]
fn a_bad_duration() {
    for bad in ["30", "0s", "-5s", "soon", "25h", "99999999999999999999s"] {
        let said = refused(&["demo", "--headless", &format!("--duration={bad}")]);
        assert!(said.contains("--duration"), "{bad}: {said}");
    }
}

#[test]
fn a_missing_file() {
    let said = refused(&["demo", "--headless", "--data", "/nonexistent/week.csv"]);
    assert!(said.contains("/nonexistent/week.csv"), "{said}");
}

#[test]
fn a_malformed_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bad.csv");
    let report = dir.path().join("report.json");
    let text = std::fs::read_to_string(week()).unwrap().replacen(",1,500,", ",one,500,", 1);
    std::fs::write(&path, text).unwrap();
    let kept = dir.path().join("kept");
    let said = refused(&[
        "demo",
        "--headless",
        "--data",
        path.to_str().unwrap(),
        "--report",
        report.to_str().unwrap(),
        "--dir",
        kept.to_str().unwrap(),
    ]);
    for part in [path.to_str().unwrap(), "line 2", "column quantity", "\"one\""] {
        assert!(said.contains(part), "{said}");
    }
    assert!(!report.exists() && !kept.exists(), "something was written");
}

#[test]
fn a_report_that_can_not_be_written() {
    let dir = tempfile::tempdir().unwrap();
    for path in ["/nonexistent/report.json", dir.path().to_str().unwrap(), "/proc/report.json"] {
        let said = refused(&["demo", "--headless", "--report", path]);
        assert!(said.contains(path) && said.contains("report"), "{said}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_directory_with_something_in_it() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("mine.txt"), "keep me").unwrap();
    let said = refused(&["demo", "--headless", "--dir", dir.path().to_str().unwrap()]);
    assert!(said.contains("not empty"), "{said}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_port_in_use() {
    // A port with a free one on either side of it is all but certain to exist above the ephemeral range's start.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let dir = tempfile::tempdir().unwrap();
    let report = dir.path().join("report.json");
    let said = refused(&[
        "demo",
        "--headless",
        "--terminals",
        "2",
        "--base-port",
        &port.to_string(),
        "--report",
        report.to_str().unwrap(),
    ]);
    assert!(said.contains(&format!("127.0.0.1:{port}")), "{said}");
    assert!(!report.exists());
    assert!(processes_with(&format!("127.0.0.1:{port}")).is_empty());

    let said = refused(&["cloud", "--listen", &format!("127.0.0.1:{port}"), "--db", "/nonexistent/cloud.db"]);
    assert!(said.contains(&format!("127.0.0.1:{port}")), "{said}");
    let said = refused(&["demo", "--headless", "--base-port", "65530"]);
    assert!(said.contains("65535"), "{said}");
}

#[test]
fn a_terminal_whose_file_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("terminal.toml");
    let said = refused(&["run", "--config", path.to_str().unwrap()]);
    assert!(said.contains("terminal.toml"), "{said}");
    std::fs::write(&path, "store = 7\n").unwrap();
    let said = refused(&["run", "--config", path.to_str().unwrap()]);
    assert!(said.contains("terminal.toml") && said.contains("store"), "{said}");
}

#[test]
fn a_directory_that_no_demo_left() {
    let dir = tempfile::tempdir().unwrap();
    let said = refused(&["verify", "--dir", dir.path().to_str().unwrap()]);
    assert!(said.contains("store.json"), "{said}");
}
