//! What an operator asks a running terminal and its file: `status`, `events`, `export`, and what is said where that cannot be.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;
use support::{Terminal, ask, program, refused, run};

const DAY: &str = r#"{"type": "day_opened", "day": 20300101}"#;
const PRICE: &str = r#"{"type": "price_set", "product": "A1", "amount": 129, "currency": "EUR"}"#;

fn record(terminal: &Terminal, body: &str) -> String {
    let (status, said) = ask(&terminal.address, "POST", "/record", body);
    assert_eq!(status, 200, "{said}");
    serde_json::from_str::<Value>(&said).unwrap()["event"].as_str().unwrap().to_owned()
}

#[test]
fn events_are_followed_and_exported_beside_the_running_till() {
    let terminal = Terminal::start("", &[]);
    let db = terminal.dir().join("till.db");
    let db = db.to_str().unwrap();
    let day = record(&terminal, DAY);
    let mut follower =
        program(&["events", "--follow", "--json", "--db", db]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    // It begins at the end of the file, whenever that is: prices are set until one is seen.
    let (sender, seen) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(lines.next().unwrap().unwrap()));
    let mut prices = Vec::new();
    let line = loop {
        prices.push(record(&terminal, PRICE));
        if let Ok(line) = seen.recv_timeout(std::time::Duration::from_millis(500)) {
            break line;
        }
        assert!(prices.len() < 200, "nothing is followed");
    };
    follower.kill().unwrap();
    follower.wait().unwrap();
    let followed: Value = serde_json::from_str(&line).unwrap();
    assert!(prices.iter().any(|price| followed["id"] == **price), "{line}");
    assert_eq!(followed["price_set"]["amount"], 129);

    let shown = String::from_utf8(run(&["events", "--db", db]).stdout).unwrap();
    assert_eq!(shown.lines().count(), 1 + prices.len(), "{shown}");
    assert!(shown.contains(&format!("  {day}  day_opened")), "{shown}");
    let out = terminal.dir().join("out.csv");
    let args = ["export", "--db", db, "--format", "csv", "--out", out.to_str().unwrap()];
    assert!(run(&args).status.success());
    let exported = std::fs::read_to_string(&out).unwrap();
    assert!(
        exported.starts_with("event,utc_ms,business_day,kind,series,number,total,currency\n"),
        "{exported}"
    );
    assert_eq!(exported.lines().count(), 2 + prices.len());
    let again = run(&args);
    assert_eq!(again.status.code(), Some(1), "a file that is there stays as it is");
    assert_eq!(std::fs::read_to_string(&out).unwrap(), exported);
}

#[test]
fn a_status_says_what_must_be_acted_on_and_who_does_not_answer() {
    let terminal = Terminal::start("", &[]);
    let told = run(&["status", "--till", &terminal.address, "--json"]);
    let status: Value = serde_json::from_slice(&told.stdout).unwrap();
    let well = status["conditions"].as_array().unwrap().is_empty();
    assert_eq!(told.status.code(), Some(i32::from(!well)));
    let table = run(&["status", "--till", &terminal.address]);
    assert!(String::from_utf8(table.stdout).unwrap().contains(status["me"].as_str().unwrap()));
    drop(terminal);
    let silent = run(&["status", "--till", "127.0.0.1:9"]);
    assert_eq!(silent.status.code(), Some(1));
    assert!(String::from_utf8(silent.stderr).unwrap().contains("no answer from 127.0.0.1:9"));
}

#[test]
fn a_file_that_is_no_till_s_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    for command in ["events", "export"] {
        assert!(refused(&[command, "--db", path.to_str().unwrap()]).contains("other.db"));
        assert!(refused(&[command, "--db", "/nonexistent/till.db"]).contains("/nonexistent/till.db"));
    }
    assert!(refused(&["run"]).contains("--config"), "without a file there is nothing to run");
}

#[test]
fn shells_and_man_know_every_command() {
    let commands = [
        "demo", "run", "status", "events", "export", "backup", "restore", "compact", "inspect", "doctor",
        "audit", "verify",
    ];
    for (shell, sign) in [("bash", "complete -F"), ("zsh", "#compdef"), ("fish", "complete -c")] {
        let printed = String::from_utf8(run(&["completions", shell]).stdout).unwrap();
        assert!(
            printed.contains(sign) && commands.iter().all(|command| printed.contains(command)),
            "{shell}"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(run(&["man", "--out", folder.path().to_str().unwrap()]).status.success());
    for command in commands {
        let page = folder.path().join(format!("reference-terminal-{command}.1"));
        assert!(std::fs::read_to_string(&page).is_ok_and(|text| text.contains(".TH")), "{}", page.display());
    }
    assert!(refused(&["man", "--out", "/nonexistent"]).contains("/nonexistent"));
    assert!(refused(&["completions", "csh"]).contains("csh"));
}
