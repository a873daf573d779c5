//! Somebody kills terminal processes with SIGKILL all through a demo: it ends green all the same, with nothing lost.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{processes_with, program, wait_for};

#[test]
fn kills_at_any_time_lose_nothing() {
    let base = tempfile::tempdir().unwrap();
    let (dir, report) = (base.path().join("files"), base.path().join("report.json"));
    let mut demo = program(&[
        "demo",
        "--headless",
        "--terminals",
        "3",
        "--duration",
        "4s",
        "--dir",
        dir.to_str().unwrap(),
        "--report",
        report.to_str().unwrap(),
    ])
    .stdout(Stdio::piped())
    .stderr(Stdio::piped())
    .spawn()
    .unwrap();
    let mut kills = 0;
    let terminal = |number: u32| format!("{}/terminal-{number}.toml", dir.canonicalize().unwrap().display());
    wait_for("the first terminal", Duration::from_secs(60), || {
        (dir.exists() && !processes_with(&terminal(1)).is_empty()).then_some(())
    });
    let began = Instant::now();
    while demo.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < Duration::from_secs(280), "the demo does not end");
        for pid in processes_with(&terminal(kills % 3 + 1)) {
            kills +=
                u32::from(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
        }
        std::thread::sleep(Duration::from_millis(1_700));
        if kills == 8 {
            // Once is enough for the end of the run: convergence takes a moment without deaths.
            break;
        }
    }
    let output = demo.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "after {kills} kills: {said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(kills >= 3, "the demo was too quick to be disturbed: {kills} kills");
    let report: Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    for key in ["lost", "duplicated", "stock_mismatches"] {
        assert_eq!(report[key], 0, "{said}");
    }
    assert_eq!((&report["sales"], &report["converged"]), (&Value::from(110), &Value::from(true)));
    assert!(report["unplanned_restarts"].as_u64().unwrap() > 0);
}
