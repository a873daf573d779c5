//! A whole demo of three terminals: all holds, the report says so with figures of this run, and a file that somebody tampered with is
//! found out.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::path::Path;

use reference_terminal::demo::{Evidence, Verdict, verify};
use rusqlite::Connection;
use serde_json::Value;
use support::{processes_with, program};

fn verdict(dir: &Path) -> Verdict {
    verify(&Evidence::of_demo(dir).unwrap()).unwrap()
}

/// A copy of the demo's files in which `sql` was done to one of them.
fn tampered(original: &Path, file: &str, sql: &str) -> (tempfile::TempDir, usize) {
    let copy = tempfile::tempdir().unwrap();
    // Identities are directories, and nobody compares them.
    for entry in std::fs::read_dir(original).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let changed = Connection::open(copy.path().join(file)).unwrap().execute(sql, []).unwrap();
    (copy, changed)
}

fn finds(original: &Path, file: &str, sql: &str, expected: &[&str]) -> Verdict {
    let (copy, changed) = tampered(original, file, sql);
    assert_eq!(changed, 1, "{sql} must change one row");
    let verdict = verdict(copy.path());
    for part in expected {
        assert!(
            verdict.findings.iter().any(|finding| finding.contains(part)),
            "{part}: {:?}",
            verdict.findings
        );
    }
    verdict
}

#[test]
fn a_demo_of_three_terminals() {
    let base = tempfile::tempdir().unwrap();
    let (dir, report) = (base.path().join("files"), base.path().join("report.json"));
    let output = program(&[
        "demo",
        "--headless",
        "--terminals",
        "3",
        "--duration",
        "3s",
        "--dir",
        dir.to_str().unwrap(),
        "--report",
        report.to_str().unwrap(),
    ])
    .current_dir(base.path())
    .output()
    .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(processes_with(dir.to_str().unwrap()), Vec::<u32>::new(), "processes are left behind");

    for told in [
        "a price that terminal 1 had set for later came into force at terminal 2",
        "0.345 kg of cheese at 19.90 a kg were sold by the label 2300123403459 for 6.87 USD, and 4.655 kg are left",
        "a gift card of 50.00 from terminal 1 paid 13.50 at terminal 2",
        "a basket that terminal 1 had parked",
        "was signed by a fiscal device before it was booked",
        "X figures of day",
        "the same at every terminal: 6 sales, 88.37 USD, and late, from terminal 3 which was cut off, 4.50 USD",
    ] {
        assert!(said.contains(told), "{told}: {said}");
    }

    let report: Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    the_report_is_true(&report, &dir);
    tampering_is_found(&dir);
}

fn the_report_is_true(report: &Value, dir: &Path) {
    let number = |key: &str| report[key].as_u64().unwrap_or_else(|| panic!("{key}: {report}"));
    // The week, a retry at the neighbour, one before and one after the disk is put back, and the first one of another box; then at the
    // counter: tomorrow's price, a weighed good, a gift card sold and used, a parked basket, a signed receipt, and one that came late.
    assert_eq!(number("sales"), 99 + 4 + 7);
    for key in ["retried_elsewhere", "disks_restored", "tills_replaced"] {
        assert_eq!(number(key), 1, "{key}: {report}");
    }
    assert_eq!((number("lost"), number("duplicated"), number("stock_mismatches")), (0, 0, 0));
    assert_eq!(report["converged"], true);
    assert_eq!(number("events_recorded"), number("events_in_cloud"));
    let cloud = Connection::open(dir.join("cloud.db")).unwrap();
    let in_cloud: i64 = cloud.query_row("SELECT count(*) FROM event", [], |row| row.get(0)).unwrap();
    assert_eq!(i64::try_from(number("events_in_cloud")), Ok(in_cloud));
    let till = Connection::open(dir.join("terminal-1.db")).unwrap();
    let transactions = "SELECT count(*) FROM events WHERE kind_name = 'transaction'";
    let transactions: i64 = till.query_row(transactions, [], |row| row.get(0)).unwrap();
    // The ordinary returns, and the one that was made twice.
    assert_eq!(i64::try_from(number("sales") + number("returns")), Ok(transactions));
    assert_eq!(number("returns"), 6 + 2);
    let failovers = report["failovers_ms"].as_array().unwrap();
    assert!(!failovers.is_empty() && failovers.iter().all(|ms| ms.as_f64().unwrap() > 0.0), "{failovers:?}");
    for key in ["sale_commit_ms", "sync_lag_ms"] {
        let (p50, p99) = (report[key]["p50"].as_f64().unwrap(), report[key]["p99"].as_f64().unwrap());
        assert!(0.0 < p50 && p50 <= p99, "{key}: {p50} {p99}");
    }
    assert_eq!(number("bytes_on_wire"), number("bytes_between_terminals") + number("bytes_to_cloud"));
    assert!(number("bytes_to_cloud") > 10_000 && number("bytes_between_terminals") > 10_000);
    assert!(number("json_bytes") > 200_000);
}

/// A row of a receipt's day at terminal 2, changed: one more in the number of two bytes behind these, which stand in it once.
fn one_cent_more(dir: &Path, before: &[u8]) -> String {
    let file = Connection::open(dir.join("terminal-2.db")).unwrap();
    let rows =
        "SELECT hex(key), value FROM rows WHERE space = 32 AND hex(key) LIKE '________02%' ORDER BY key";
    let mut rows = file.prepare(rows).unwrap();
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let mut rows = rows.map(|row: rusqlite::Result<(String, Vec<u8>)>| row.unwrap());
    let changed = |(key, mut value): (String, Vec<u8>)| {
        let places: Vec<usize> = (0..value.len())
            .filter(|at| value[*at..].starts_with(before) && at + before.len() + 2 <= value.len())
            .collect();
        let [place] = places[..] else { return None };
        let last = value.get_mut(place + before.len() + 1).filter(|last| **last < u8::MAX)?;
        *last += 1;
        let hex: String = value.iter().map(|byte| format!("{byte:02X}")).collect();
        Some(format!("UPDATE rows SET value = X'{hex}' WHERE space = 32 AND key = X'{key}'"))
    };
    rows.find_map(changed).expect("a receipt above 2.55")
}

/// A check that cannot fail checks nothing.
fn tampering_is_found(dir: &Path) {
    let clean = verdict(dir);
    assert_eq!(clean.findings, Vec::<String>::new());
    assert!(clean.converged && clean.lost == 0 && clean.duplicated == 0);
    assert!(
        clean.day_figures >= 3 * 3,
        "a day of the store and of each till, at each: {}",
        clean.day_figures
    );

    assert_eq!(clean.signatures, 1);

    let sale = "(SELECT key FROM events WHERE kind_name = 'transaction' LIMIT 1)";
    let gone = format!("DELETE FROM events WHERE key = {sale}");
    let found = finds(dir, "terminal-2.db", &gone, &["terminal 2 lacks 1 of", "terminal 2: counter row"]);
    assert!(!found.converged && found.stock_mismatches > 0);

    let blob = "(SELECT max(key) FROM event WHERE lane = 0 AND terminal = 1 AND length(payload) > 150)";
    let found =
        finds(dir, "cloud.db", &format!("DELETE FROM event WHERE key = {blob}"), &["the cloud lacks 1 of"]);
    assert!(!found.converged && found.lost == 1, "{:?}", found.findings);

    let other = format!("UPDATE events SET payload = zeroblob(length(payload)) WHERE key = {sale}");
    finds(dir, "terminal-3.db", &other, &["with other contents", "does not decode"]);

    // What stands beside a payload, for a reader's eyes, is what somebody reads.
    let total = format!("UPDATE events SET total = total + 1 WHERE key = {sale}");
    let found = finds(
        dir,
        "terminal-1.db",
        &total,
        &["terminal 1: event ", ": column total is ", ", its payload says "],
    );
    assert!(!found.converged && found.findings.len() == 1, "{:?}", found.findings);
    let hash = format!("UPDATE events SET hash = zeroblob(32) WHERE key = {sale}");
    finds(dir, "terminal-3.db", &hash, &["terminal 3: event ", " does not match its hash"]);
    let lane = "UPDATE event SET seq = seq + 1 WHERE key = (SELECT min(key) FROM event)";
    finds(dir, "cloud.db", lane, &["the cloud: event ", ": column seq is "]);
    let (copied, _) = tampered(dir, "terminal-1.db", "UPDATE rows SET space = space WHERE 0");
    std::fs::copy(copied.path().join("terminal-1.db"), copied.path().join("terminal-2.db")).unwrap();
    let found = verdict(copied.path());
    assert_eq!(found.findings.len(), 1, "the same events, of one terminal: {:?}", found.findings);
    assert!(
        found.findings[0].starts_with("terminal 2: the file is that of terminal 1, 1-"),
        "{:?}",
        found.findings
    );

    let counter = "UPDATE rows SET value = X'8401188200F6' WHERE space = 6 AND key = (SELECT min(key) FROM rows WHERE space = 6)";
    let found = finds(dir, "terminal-1.db", counter, &["terminal 1: counter row"]);
    assert_eq!((found.stock_mismatches, found.converged), (1, true));

    let missing = "DELETE FROM rows WHERE space = 6 AND key = (SELECT max(key) FROM rows WHERE space = 6 AND hex(key) LIKE '0000%')";
    assert_eq!(finds(dir, "terminal-1.db", missing, &["terminal 1: counter row"]).stock_mismatches, 1);

    // A receipt's row of its day: 2 behind the date says so.
    let receipt = "DELETE FROM rows WHERE space = 32 AND key = (SELECT max(key) FROM rows WHERE space = 32 AND hex(key) LIKE '________02%')";
    finds(dir, "terminal-2.db", receipt, &["terminal 2: day", "transactions is", "in its figures"]);

    // What a receipt's row says that it came to, and what was paid for it in cash, each by one cent.
    let expected = ["terminal 2: day", "in its figures"];
    finds(dir, "terminal-2.db", &one_cent_more(dir, &[4, 0x19]), &[&expected[..], &["total is"]].concat());
    let cash = one_cent_more(dir, &[7, 0x81, 0x82, 0, 0x19]);
    finds(dir, "terminal-2.db", &cash, &[&expected[..], &["tender 0"]].concat());

    let mut forgotten = Evidence::of_demo(dir).unwrap();
    forgotten.ledger.receipts.pop();
    let found = verify(&forgotten).unwrap();
    assert_eq!(
        (found.duplicated, found.lost),
        (1, 0),
        "a transaction without a receipt: {:?}",
        found.findings
    );

    let mut invented = Evidence::of_demo(dir).unwrap();
    let mut receipt = invented.ledger.receipts[0].clone();
    receipt.total += 1;
    invented.ledger.receipts[0] = receipt;
    invented.ledger.events.push("1-000000000000/0:1".into());
    let found = verify(&invented).unwrap();
    assert_eq!((found.duplicated, found.lost), (0, 2), "{:?}", found.findings);

    let mut unprovoked = Evidence::of_demo(dir).unwrap();
    unprovoked.exceptions = Some(Default::default());
    assert_eq!(
        verify(&unprovoked).unwrap().findings.len(),
        4,
        "each terminal and the cloud show an exception too many"
    );
}
