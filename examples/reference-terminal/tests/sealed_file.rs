//! A till's file whose old events lie in segments is shown, exported and compared like any other, and the till sells on with it.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use edgepos::core::{EventId, Space};
use edgepos::{Sealing, SqliteStore, Store};
use serde_json::{Value, json};
use support::{Terminal, ask, run};

/// More than a segment has, in one lane.
const SALES: u64 = 300;

/// Puts together whatever may be, as if all of it were old and in the cloud. How many events that are.
fn seal(path: &Path) -> i64 {
    let mut store = SqliteStore::open(path).unwrap();
    let rows = store.scan(Space::Event, &[0], &[255; 17], u32::MAX).unwrap();
    let ids = rows.iter().map(|(key, _)| EventId::from_key(key).unwrap());
    let floor: BTreeMap<_, _> = ids.map(|id| (id.chain, id.seq)).collect();
    let sealing = Sealing {
        floor: floor.into_iter().collect(),
        before_utc_ms: u64::MAX,
        archive_before_utc_ms: Some(u64::MAX),
    };
    while store.seal(&sealing).unwrap() {}
    Box::new(store).close().unwrap();
    let db = rusqlite::Connection::open(path).unwrap();
    db.query_row("SELECT sum(last - first + 1) FROM segments", [], |row| row.get(0)).unwrap()
}

fn said(args: &[&str]) -> String {
    let output = run(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn sell(till: &Terminal, number: u64) -> Value {
    let basket = format!("{number:032x}");
    let line = json!({ "no": 1, "product": "A1", "quantity": 2, "amount": 258 });
    let begin = json!({ "basket": basket, "currency": "EUR", "lines": [line] });
    let begun = ask(&till.address, "POST", "/begin", &begin.to_string());
    assert_eq!(begun.0, 200, "{}", begun.1);
    commit(till, number)
}

fn commit(till: &Terminal, number: u64) -> Value {
    let basket = format!("{number:032x}");
    let tenders = json!([{ "kind": "cash", "amount": 258 }]);
    let key = format!("{:032x}", u128::from(number) << 64);
    let commit = json!({ "basket": basket, "key": key, "tenders": tenders });
    let (status, receipt) = ask(&till.address, "POST", "/commit", &commit.to_string());
    assert_eq!(status, 200, "{receipt}");
    serde_json::from_str(&receipt).unwrap()
}

/// What the commands say of a file, but for its name.
fn shown(db: &Path) -> Vec<String> {
    let path = db.to_str().unwrap();
    let mut all = vec![said(&["events", "--db", path]), said(&["events", "--db", path, "--json"])];
    for format in ["jsonl", "csv"] {
        let out = db.with_extension(format);
        drop(std::fs::remove_file(&out));
        said(&["export", "--db", path, "--format", format, "--out", out.to_str().unwrap()]);
        all.push(std::fs::read_to_string(&out).unwrap());
    }
    all
}

#[test]
fn a_file_with_segments_is_shown_exported_and_sold_on() {
    let mut till = Terminal::start("", &[]);
    for number in 1..=SALES {
        sell(&till, number);
    }
    till.kill();
    let db = till.dir().join("till.db");
    let whole = till.dir().join("whole.db");
    drop(SqliteStore::open(&db).unwrap());
    SqliteStore::back_up(&db, &whole, |_| {}).unwrap();
    let before = shown(&db);
    assert!(before[0].lines().count() as u64 >= SALES, "{}", before[0]);
    let sealed = seal(&db);
    assert!(sealed >= 256, "{sealed}");
    assert!(shown(&db) == before, "the commands say the same of it");

    let inspected: Value =
        serde_json::from_str(&said(&["inspect", "--db", db.to_str().unwrap(), "--json"])).unwrap();
    assert_eq!(inspected["segments"][0]["events"], sealed, "{inspected}");
    assert_eq!(inspected["format"], 5);
    let table = said(&["inspect", "--db", db.to_str().unwrap(), "--check"]);
    assert!(table.contains("\nsealed "), "{table}");

    // One that ends in the middle of a segment, and one that is another there.
    let cut = |name: &str, change: &str| {
        let path = till.dir().join(name);
        std::fs::copy(&whole, &path).unwrap();
        rusqlite::Connection::open(&path).unwrap().execute_batch(change).unwrap();
        path
    };
    let short = cut("short.db", "DELETE FROM events WHERE seq > 100");
    let other = cut(
        "other.db",
        "DELETE FROM events WHERE seq > 100; UPDATE events SET hash = zeroblob(32) WHERE seq = 100",
    );
    let compared = |with: &Path| {
        let output = run(&["audit", "--till", db.to_str().unwrap(), "--till", with.to_str().unwrap()]);
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(compared(&whole).contains(" 0 behind, 0 unknown, 0 forked"), "{}", compared(&whole));
    assert!(compared(&short).contains(" 0 unknown, 0 forked"), "{}", compared(&short));
    assert!(!compared(&short).contains(" 0 behind,"), "{}", compared(&short));
    assert!(!compared(&other).contains(" 0 forked"), "{}", compared(&other));

    till.start_again();
    assert_eq!(commit(&till, 7)["repeated"], true, "the old receipt is known");
    assert_eq!(sell(&till, SALES + 1)["number"], SALES + 1);
    let found = support::get(&till.address, "/transactions?number=7&limit=5");
    assert!(found.contains("\"number\":7"), "{found}");
}
