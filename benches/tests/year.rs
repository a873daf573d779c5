//! Some days of a small shop: what is old is sealed and archived, and no limit is passed.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::process::Command;

use serde_json::Value;

/// Long enough that rows are archived, with so few sales that it ends soon: a chain has no segment of the archive yet.
#[test]
fn some_days_of_a_small_shop_are_archived_within_the_limits() {
    let dir = tempfile::tempdir().unwrap();
    let [json, svg] = ["year.json", "year.svg"].map(|name| dir.path().join(name));
    let ended = Command::new(env!("CARGO_BIN_EXE_year"))
        .args(["--days", "45", "--tills", "2", "--sales", "20", "--json"])
        .arg(&json)
        .arg("--svg")
        .arg(&svg)
        .output()
        .unwrap();
    let [said, wrong] = [&ended.stdout, &ended.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    assert!(ended.status.code().is_some_and(|code| code <= 1), "{said}{wrong}");
    let report: Value = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    let last = report["days"].as_array().unwrap().last().unwrap();
    assert_eq!(last["sales"], 45 * 2 * 20);
    assert!(report["sealed_events"].as_u64().unwrap() >= 2 * 3 * 256, "{said}");
    assert!(report["archived_rows"].as_u64().unwrap() >= 3 * 400, "{said}");
    let [json, event, rows] =
        ["json_bytes", "event_bytes", "row_bytes"].map(|name| report[name].as_f64().unwrap());
    assert!(event > 0.0 && event < 0.2 * json && rows > 0.0 && rows < 120.0, "{said}");
    // What a program takes that is not optimised says nothing of one that is; and events of so long receipts take 0.158 of their JSON,
    // which is above the limit of the whole run.
    let is_known =
        |line: &str| ["day ", "bytes of memory", "of its JSON"].iter().any(|known| line.contains(known));
    assert!(wrong.lines().all(is_known), "{wrong}");
    let svg = std::fs::read_to_string(svg).unwrap();
    assert!(svg.ends_with("</svg>\n") && svg.matches("<polyline").count() == 2);
}
