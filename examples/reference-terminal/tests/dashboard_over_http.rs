//! The demo's page without a browser: who may ask, what a browser may do with the answer, a button, and how the demo ends. What every
//! button does is pressed in a browser by `.ci/dashboard`.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};
use support::{ask, ask_with, get, processes_with, program, refused, wait_for};

/// A demo with a page, and where that is.
fn demo(dir: &Path) -> (Child, String) {
    let kept = dir.to_str().unwrap();
    let args = ["demo", "--terminals", "1", "--duration", "1s", "--dashboard", "127.0.0.1:0", "--dir", kept];
    let mut child = program(&args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = loop {
        let line = lines.next().expect("it says where the page is").unwrap();
        if let Some((_, url)) = line.split_once("break it: http://") {
            break url.trim_end_matches('/').to_owned();
        }
    };
    // The story is read on, so that the pipe is never full.
    std::thread::spawn(move || lines.for_each(drop));
    (child, address)
}

fn press(address: &str, act: &Value) -> (u16, Value) {
    let (status, body) = ask(address, "POST", "/act", &act.to_string());
    (status, serde_json::from_str(&body).unwrap_or_else(|_| panic!("{body}")))
}

fn terminate(child: &mut Child) -> Option<i32> {
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    child.wait().unwrap().code()
}

#[test]
fn a_button_sells_and_the_end_is_proved() {
    let base = tempfile::tempdir().unwrap();
    let dir = base.path().join("store");
    let (mut child, address) = demo(&dir);
    who_may_ask(&address);
    let stage = || serde_json::from_str::<Value>(&get(&address, "/state")).unwrap()["stage"].clone();
    wait_for("the end of the week", Duration::from_secs(120), || (stage() == "open").then_some(()));
    let (status, said) =
        press(&address, &json!({ "act": "sell", "terminal": 1, "product": "4006381333931", "quantity": 3 }));
    assert_eq!((status, &said["done"]), (200, &json!(true)), "{said}");
    let event = said["events"][0].as_str().unwrap();
    let seq: i64 = event.rsplit(':').next().unwrap().parse().unwrap();
    let till = Connection::open(dir.join("terminal-1.db")).unwrap();
    let sql = "SELECT total FROM events WHERE lane = 0 AND seq = ?1 AND kind_name = 'transaction'";
    assert_eq!(till.query_row(sql, [seq], |row| row.get::<_, i64>(0)), Ok(387));
    drop(till);
    for (act, expected) in [
        (json!({ "act": "sell", "terminal": 2, "product": "4006381333931", "quantity": 1 }), 400),
        (json!({ "act": "sell", "terminal": 1, "product": "4006381333931", "quantity": 0 }), 400),
        (json!({ "act": "park", "terminal": 1, "other": 1 }), 400),
        (json!({ "act": "explode" }), 400),
        (json!({ "act": "sell", "terminal": 1, "product": "no such code", "quantity": 1 }), 409),
        (json!({ "act": "start", "terminal": 1 }), 409),
        (json!({ "act": "replace", "terminal": 1 }), 409),
    ] {
        let (status, said) = press(&address, &act);
        assert_eq!((status, &said["done"]), (expected, &json!(false)), "{act}: {said}");
        assert!(said["said"][0].as_str().is_some_and(|said| !said.is_empty()));
    }
    // A terminal that is dead when the demo is closed is started first.
    assert_eq!(press(&address, &json!({ "act": "kill", "terminal": 1 })).0, 200);
    assert_eq!(terminate(&mut child), Some(0), "everything is mended and compared");
    assert_eq!(processes_with(dir.to_str().unwrap()), Vec::<u32>::new());
    let again = program(&["verify", "--json", "--dir", dir.to_str().unwrap()]).output().unwrap();
    let verdict: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert!(again.status.success() && verdict["lost"] == 0 && verdict["converged"] == true, "{verdict}");
}

fn who_may_ask(address: &str) {
    let headers =
        [("host", address), ("content-type", "application/json"), ("origin", "http://shop.example")];
    assert_eq!(ask_with(address, "POST", "/act", &headers, "{}").0, 403, "a page of another origin");
    assert_eq!(ask_with(address, "GET", "/", &[("host", "shop.example")], "").0, 403, "another name");
    assert_eq!(ask_with(address, "POST", "/finish", &[("host", address)], "").0, 403, "what a form can send");
    let (status, said) = press(address, &json!({ "act": "kill", "terminal": 1 }));
    assert_eq!(status, 409, "the week is replayed: {said}");
    assert_eq!(
        ask(address, "POST", "/bulletin/00112233445566778899aabbccddeeff", "{}").0,
        404,
        "who does not know the path"
    );
    assert!(
        get(address, "/").contains("<h1>edgepos</h1>") && get(address, "/app.js").contains("EventSource")
    );
}

#[test]
fn an_interrupted_week_leaves_no_report_and_no_process() {
    let base = tempfile::tempdir().unwrap();
    let dir = base.path().join("store");
    let (mut child, _) = demo(&dir);
    assert_eq!(terminate(&mut child), Some(130));
    assert_eq!(processes_with(dir.to_str().unwrap()), Vec::<u32>::new());
}

#[test]
fn a_port_that_is_taken_is_said_before_anything_is_made() {
    let base = tempfile::tempdir().unwrap();
    let dir = base.path().join("store");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = refused(&["demo", "--dashboard", &address, "--dir", dir.to_str().unwrap()]);
    assert!(said.contains(&address) && !dir.exists(), "{said}");
    let said = refused(&["demo", "--dashboard", "127.0.0.1:0", "--headless"]);
    assert!(said.contains("--headless"), "{said}");
}
