//! Forty days of a small shop: what is old is sealed and archived, and no limit is passed.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn year(dir: &Path, days: &str) -> (bool, Value, String) {
    let [json, svg] = ["year.json", "year.svg"].map(|name| dir.join(name));
    let ended = Command::new(env!("CARGO_BIN_EXE_year"))
        .args(["--days", days, "--tills", "2", "--sales", "50", "--json"])
        .arg(&json)
        .arg("--svg")
        .arg(&svg)
        .output()
        .unwrap();
    let [json, svg] = [json, svg].map(|path| std::fs::read_to_string(path).unwrap());
    assert!(ended.status.code().is_some_and(|code| code <= 1), "{}", String::from_utf8_lossy(&ended.stderr));
    (ended.status.success(), serde_json::from_str(&json).unwrap(), svg)
}

#[test]
fn forty_days_of_a_small_shop_are_archived_within_the_limits() {
    let dir = tempfile::tempdir().unwrap();
    let (is_within, report, svg) = year(dir.path(), "40");
    assert!(is_within, "{report}");
    let last = report["days"].as_array().unwrap().last().unwrap();
    assert_eq!(last["sales"], 40 * 2 * 50);
    assert!(report["sealed_events"].as_u64().unwrap() >= 2 * 5 * 256, "{report}");
    assert!(report["archived_rows"].as_u64().unwrap() >= 3 * 400, "{report}");
    let [json, event, rows] =
        ["json_bytes", "event_bytes", "row_bytes"].map(|name| report[name].as_f64().unwrap());
    assert!(event < 0.15 * json && rows < 120.0, "{report}");
    assert!(svg.ends_with("</svg>\n") && svg.matches("<polyline").count() == 2);
}
