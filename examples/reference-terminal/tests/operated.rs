//! What an operator asks a running terminal and its file: `status`, `events`, `export`, and what is said where that cannot be.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::io::{BufRead, BufReader, Write};
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
    let none = |key: &str| status[key].as_array().unwrap().is_empty();
    let well = none("conditions") && none("alerts");
    assert_eq!(told.status.code(), Some(i32::from(!well)));
    let table = run(&["status", "--till", &terminal.address]);
    assert!(String::from_utf8(table.stdout).unwrap().contains(status["me"].as_str().unwrap()));
    drop(terminal);
    // An alert alone is reason enough: a lag of a minute takes a minute to come about.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let answers = std::thread::spawn(move || {
        for alerts in
            [r#"[{"name":"sync_lag","value":75.0,"threshold":60.0,"says":"Old.","remedy":"Look."}]"#, "[]"]
        {
            let (mut call, _) = listener.accept().unwrap();
            let mut head = String::new();
            let mut reader = BufReader::new(call.try_clone().unwrap());
            while reader.read_line(&mut head).unwrap() > 2 {}
            let body = format!(r#"{{"me":"1-0123456789ab","conditions":[],"alerts":{alerts}}}"#);
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            call.write_all(format!("{head}{body}").as_bytes()).unwrap();
        }
    });
    let told = run(&["status", "--till", &address]);
    let said = String::from_utf8(told.stdout).unwrap();
    assert_eq!(told.status.code(), Some(1), "{said}");
    assert!(said.ends_with("! sync_lag: Old. Look. (75.0, with a threshold of 60.0)\n"), "{said}");
    assert_eq!(run(&["status", "--till", &address, "--json"]).status.code(), Some(0));
    answers.join().unwrap();
    let silent = run(&["status", "--till", "127.0.0.1:9"]);
    assert_eq!(silent.status.code(), Some(3), "nobody knows how it is");
    assert!(String::from_utf8(silent.stderr).unwrap().contains("no answer from 127.0.0.1:9"));
}

#[test]
fn a_file_that_is_no_till_s_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    for command in ["events", "export", "inspect"] {
        assert!(refused(&[command, "--db", "/nonexistent/till.db"]).contains("/nonexistent/till.db"));
    }
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let empty = file("empty.db", b"");
    let text = file("text.db", &b"no database at all. ".repeat(100));
    let cloud = folder.path().join("cloud.db");
    drop(edgepos_cloud::SqliteIngest::open(&cloud).unwrap());
    let later = folder.path().join("later.db");
    drop(edgepos::SqliteStore::open(&later).unwrap());
    rusqlite::Connection::open(&later).unwrap().pragma_update(None, "user_version", 200).unwrap();
    for (path, says) in [
        (&path, "is the database of another program"),
        (&empty, "is an empty file, and no till's"),
        (&text, "is no SQLite file"),
        (&cloud, "is the file of a cloud; expected that of a till"),
        (&later, "has format 200, of a later version; this one reads up to"),
    ] {
        for command in ["events", "export", "inspect"] {
            let said = refused(&[command, "--db", path.to_str().unwrap()]);
            assert!(said.contains(says) && said.contains(path.to_str().unwrap()), "{command}: {said}");
        }
    }
    let before: Vec<_> = names(folder.path());
    for path in [&path, &empty, &text, &cloud, &later] {
        let said = refused(&["compact", "--db", path.to_str().unwrap()]);
        assert!(said.contains(path.to_str().unwrap()), "{said}");
    }
    assert_eq!(names(folder.path()), before, "nothing is made beside what is nobody's");
    assert_eq!(std::fs::metadata(&empty).unwrap().len(), 0, "it stays empty");
    assert!(refused(&["run"]).contains("--config"), "without a file there is nothing to run");
}

fn names(folder: &std::path::Path) -> Vec<std::ffi::OsString> {
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}

/// Neither takes the other's file, and it stays as it is.
#[test]
fn a_cloud_and_a_till_refuse_each_other_s_files() {
    let folder = tempfile::tempdir().unwrap();
    let (till, cloud) = (folder.path().join("till.db"), folder.path().join("cloud.db"));
    drop(edgepos::SqliteStore::open(&till).unwrap());
    drop(edgepos_cloud::SqliteIngest::open(&cloud).unwrap());
    let other = folder.path().join("other.db");
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let tables = |path: &std::path::Path| -> Vec<String> {
        let db = rusqlite::Connection::open(path).unwrap();
        let mut statement = db.prepare("SELECT name FROM sqlite_schema ORDER BY name").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let before = [&till, &cloud, &other].map(|path| tables(path));
    for (path, says) in
        [(&till, "it is the file of a till"), (&other, "it is the database of another program")]
    {
        let said = refused(&["cloud", "--listen", "127.0.0.1:0", "--db", path.to_str().unwrap()]);
        assert!(said.contains(says) && said.contains(path.to_str().unwrap()), "{said}");
    }
    for path in [&cloud, &other] {
        let config = folder.path().join("terminal.toml");
        let text = format!(
            "terminal = 1\nstore = \"00000000000000000000000000000001\"\ndatabase = {path:?}\n\
             listen = \"127.0.0.1:0\"\ntill = \"127.0.0.1:0\"\ncloud = \"http://127.0.0.1:9\"\n"
        );
        std::fs::write(&config, text).unwrap();
        let said = refused(&["run", "--config", config.to_str().unwrap()]);
        assert!(said.contains("is a database of another program"), "{said}");
    }
    assert_eq!([&till, &cloud, &other].map(|path| tables(path)), before);
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
