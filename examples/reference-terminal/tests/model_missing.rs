//! A model that is configured and not there, or not what its manifest says: told while it is so, and the till works without it.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use support::Terminal;

const PATIENCE: Duration = Duration::from_secs(60);

/// The condition, where it holds.
fn missing(till: &Terminal) -> Option<Value> {
    let status: Value = serde_json::from_str(&support::get(&till.address, "/status")).unwrap();
    let conditions = status["conditions"].as_array().unwrap();
    conditions.iter().find(|condition| condition["condition"] == "model_missing").cloned()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target)
        } else {
            drop(fs::copy(entry.path(), target))
        }
    }
}

#[test]
fn a_missing_model_is_told_until_it_is_there() {
    let till = Terminal::start("models = \"models\"\nrecognition_deadline_ms = 60000\n", &[]);
    let condition = support::wait_for("the condition", PATIENCE, || missing(&till));
    assert_eq!(condition["count"], 1, "{condition}");
    assert!(condition["about"].as_str().is_some_and(|about| about.starts_with("product: ")), "{condition}");
    let (status, answer) = support::ask(&till.address, "POST", "/recognise", "no picture");
    assert_eq!(status, 503, "the cashier keys it in: {answer}");

    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
    copy(&shipped, &till.dir().join("models"));
    support::wait_for("the end", PATIENCE, || missing(&till).is_none().then_some(()));
    let (_, answer) = support::ask(&till.address, "POST", "/recognise", "no picture");
    assert!(answer.contains("fallback"), "the model is asked, and cannot read this: {answer}");
    let told = || support::get(&till.address, "/metrics");
    assert!(told().contains("edgepos_notices_total{notice=\"model_placed\"} 1\n"), "{}", told());
    assert!(told().contains("edgepos_notices_total{notice=\"no_answer\"} 1\n"), "{}", told());
    assert!(told().contains("edgepos_notices_total{notice=\"model_fallback\"} 1\n"), "{}", told());
    assert!(till.log().contains("a model runs on an engine"), "{}", till.log());
}
