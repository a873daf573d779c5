//! A till's file is copied while it sells, put back, written anew and looked at.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use rusqlite::Connection;
use serde_json::{Value, json};
use support::{Terminal, ask, refused, run};

fn post(till: &Terminal, path: &str, body: &Value) -> Value {
    let (status, answer) = ask(&till.address, "POST", path, &body.to_string());
    assert_eq!(status, 200, "{path}: {answer}");
    serde_json::from_str(&answer).unwrap()
}

fn sell(till: &Terminal, number: u32) -> (String, u64) {
    let basket = format!("{number:032x}");
    let line = json!({ "no": 1, "product": "A1", "quantity": 1, "amount": 129 });
    post(
        till,
        "/begin",
        &json!({ "basket": basket, "doc_type": "sale", "currency": "EUR", "lines": [line] }),
    );
    let tenders = json!([{ "kind": "cash", "amount": 129 }]);
    let said = post(till, "/commit", &json!({ "basket": basket, "key": basket, "tenders": tenders }));
    (said["series"].as_str().unwrap().to_owned(), said["number"].as_u64().unwrap())
}

fn inspected(path: &Path, args: &[&str]) -> Value {
    let told = run(&[&["inspect", "--json", "--db", path.to_str().unwrap()], args].concat());
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    serde_json::from_slice(&told.stdout).unwrap()
}

fn sales(path: &Path) -> i64 {
    inspected(path, &[])["kinds"]["transaction"].as_i64().unwrap_or_default()
}

#[test]
fn a_backup_of_a_selling_till_goes_on_as_another_incarnation() {
    let mut till = Terminal::start("", &[]);
    let dir = till.dir().to_owned();
    let [db, out] = ["till.db", "backup.db"].map(|name| dir.join(name));
    let [db_text, out_text] = [&db, &out].map(|path| path.to_str().unwrap().to_owned());
    let mut receipts = vec![sell(&till, 1), sell(&till, 2)];
    let told = run(&["backup", "--json", "--db", &db_text, "--out", &out_text]);
    let copy: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert!(copy["bytes"].as_u64() == Some(out.metadata().unwrap().len()), "{copy}");
    assert_eq!(sales(&out), 2);
    assert_eq!(inspected(&out, &["--check"])["is_copy"], true);
    assert_eq!(inspected(&db, &["--check"])["is_copy"], false);
    assert!(refused(&["backup", "--db", &db_text, "--out", &out_text]).contains("is there already"));
    receipts.push(sell(&till, 3));
    assert!(refused(&["restore", "--from", &out_text, "--db", &db_text]).contains("in use"));
    assert!(refused(&["compact", "--db", &db_text]).contains("in use"));

    till.kill();
    let told = run(&["restore", "--json", "--from", &out_text, "--db", &db_text]);
    let restored: Value = serde_json::from_slice(&told.stdout).unwrap();
    let aside = Path::new(restored["set_aside"].as_str().unwrap());
    assert_eq!((sales(&db), sales(aside)), (2, 3), "what was there is whole, its log included");
    assert!(!dir.join("till.db-wal").exists(), "a log of another file would be taken for this one's");
    till.start_again();
    receipts.push(sell(&till, 4));
    assert_ne!(receipts[3].0, receipts[0].0, "a series of its own: {receipts:?}");
    let status: Value = serde_json::from_str(&support::get(&till.address, "/status")).unwrap();
    assert_ne!(status["author"], status["me"]);
    assert_eq!(inspected(&db, &[])["is_copy"], false);

    till.kill();
    let told = run(&["compact", "--db", &db_text]);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    assert_eq!(inspected(&db, &["--check"])["free_bytes"], 0);
    assert_eq!(sales(&db), 3);
    let left: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains(".part")), "{left:?}");
}

#[test]
fn a_backup_beside_a_till_that_does_not_stop_selling_is_one_moment_of_it() {
    let till = Terminal::start("", &[]);
    let db = till.dir().join("till.db");
    let acknowledged = AtomicI64::new(0);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 1.. {
                sell(&till, number);
                acknowledged.store(number.into(), Ordering::SeqCst);
                if done.load(Ordering::SeqCst) {
                    break;
                }
            }
        });
        for copy in 0..5 {
            while acknowledged.load(Ordering::SeqCst) < (copy + 1) * 3 {
                std::thread::yield_now();
            }
            let before = acknowledged.load(Ordering::SeqCst);
            let out = till.dir().join(format!("{copy}.db"));
            let told = run(&["backup", "--db", db.to_str().unwrap(), "--out", out.to_str().unwrap()]);
            let after = acknowledged.load(Ordering::SeqCst);
            assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
            let sound = inspected(&out, &["--check"]);
            let held = sound["kinds"]["transaction"].as_i64().unwrap();
            assert!((before..=after + 1).contains(&held), "{held} of {before} to {after}");
        }
        done.store(true, Ordering::SeqCst);
    });
}

#[test]
fn what_is_no_store_or_damaged_is_named_and_nothing_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (till, foreign, out) = (path("till.db"), path("foreign.db"), path("out.db"));
    Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    for args in [["backup", "--db", &foreign, "--out", &out], ["restore", "--from", &foreign, "--db", &till]]
    {
        assert!(refused(&args).contains("another program"));
    }
    assert!(refused(&["backup", "--db", &path("none.db"), "--out", &out]).contains("none.db"));
    assert!(refused(&["compact", "--db", &path("none.db")]).contains("none.db"));
    assert!(refused(&["backup", "--db", &foreign, "--out", "/nonexistent/out.db"]).contains("foreign.db"));
    std::fs::write(&till, "no database, and left as it is: long enough to be taken for a file of pages")
        .unwrap();
    assert!(refused(&["restore", "--from", &foreign, "--db", &till]).contains("another program"));
    assert!(std::fs::read_to_string(&till).unwrap().starts_with("no database"));
    assert!(refused(&["inspect", "--db", &till]).contains("till.db"));
    assert!(!Path::new(&out).exists());
}

/// A byte of an event that was changed in the file, which SQLite takes for any other: `--check` names the event, in words and by its status.
#[test]
fn an_event_that_was_changed_in_the_file_is_named() {
    let mut till = Terminal::start("", &[]);
    let db = till.dir().join("till.db");
    for number in 1..=3 {
        sell(&till, number);
    }
    till.kill();
    let checked = || run(&["inspect", "--check", "--db", db.to_str().unwrap()]);
    let sound = checked();
    let said = String::from_utf8_lossy(&sound.stdout).into_owned();
    assert!(sound.status.success() && said.contains("every event that is there is sound"), "{said}");

    let change = |set: &str, of: &str| {
        let changed = Connection::open(&db).unwrap();
        let sql = format!(
            "UPDATE events SET {set} WHERE id = (SELECT max(id) FROM events WHERE kind_name = 'transaction')"
        );
        assert_eq!(changed.execute(&sql, []).unwrap(), 1);
        let told = checked();
        let said = String::from_utf8_lossy(&told.stdout).into_owned();
        assert!(!told.status.success() && said.contains("damaged:") && said.contains(of), "{said}");
    };
    change("total = total + 1", "column total is 130, its payload says 129");
    let flipped = "CAST(substr(payload, 1, length(payload) - 1) || x'ff' AS BLOB)";
    change(&format!("total = total - 1, payload = {flipped}"), "does not match its hash");
    change("payload = 'text'", "cannot be read");

    let changed = Connection::open(&db).unwrap();
    changed.execute("DELETE FROM events WHERE seq = 1", []).unwrap();
    let told = run(&["inspect", "--check", "--json", "--db", db.to_str().unwrap()]);
    let found: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(found["missing"][0]["last"], 1, "{found}");
}
