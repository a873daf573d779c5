//! The tills in all languages print all that there is, and call nothing unknown that they could not read.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "support/header.rs"]
#[allow(dead_code, reason = "rules.rs uses the rest")]
mod header;
#[path = "support/stand_in.rs"]
mod stand_in;
mod support;

use std::fs;
use std::path::Path;
use std::process::Output;

use edgepos_ffi::edgepos_node_record;
use serde_json::{Value, json};
use stand_in::StandIn;
use support::calls;
use support::tills::{self, Till};

fn in_cpp(folder: &Path) -> Option<Till> {
    tills::in_cpp(folder, "c++17")
}

/// Makes a till in a folder; none where this machine cannot build it.
type Made = fn(&Path) -> Option<Till>;

const LANGUAGES: [(&str, Made); 5] = [
    ("C", tills::in_c),
    ("C++", in_cpp),
    ("Python", tills::in_python),
    ("C#", tills::in_csharp),
    ("Java", tills::in_java),
];

/// What a till has printed, whether it was done, and what it complains of.
fn said(output: &Output) -> (String, bool, String) {
    (support::text(&output.stdout), output.status.success(), support::text(&output.stderr))
}

/// Two pages that are full, and none that is half.
#[test]
fn a_till_prints_every_page_of_the_counters() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("till.json");
    fs::write(&file, support::config(folder.path())).unwrap();
    let node = calls::open(folder.path(), "");
    for part in 0..4 {
        let product = |no: u32| json!({ "product": format!("p{:04}", part * 500 + no), "quantity": 1 });
        let lines: Vec<Value> = (0..500).map(product).collect();
        let record = json!({ "type": "stock_received", "from": "dairy", "lines": lines });
        calls::ask(node, edgepos_node_record, &record.to_string()).unwrap();
    }
    calls::close(node);
    for (language, made) in LANGUAGES {
        let program = tempfile::tempdir().unwrap();
        let Some(till) = made(program.path()) else { continue };
        let (printed, done, errors) = said(&till.command(&file, &["counters"]).output().unwrap());
        assert!(done, "{language}: {errors}");
        let counters: Value = serde_json::from_str(printed.strip_prefix("counters ").unwrap()).unwrap();
        assert_eq!(counters["next"], Value::Null, "{language}");
        let keys: Vec<&str> =
            counters["counters"].as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap()).collect();
        assert_eq!(keys.len(), 2_000, "{language}");
        assert!(keys.is_sorted_by(|one, next| one < next), "{language}: each once");
    }
}

/// A basket that was never booked has no receipt. One whose receipt cannot be read has one: whoever asks is told why, and the till fails.
#[test]
fn a_till_calls_no_receipt_unknown_that_it_could_not_read() {
    let library = StandIn::new(|name| match name {
        "edgepos_abi" => Some("return EDGEPOS_ABI;"),
        "edgepos_node_open" => Some("*out = (edgepos_node *)(uintptr_t)16; return EDGEPOS_OK;"),
        "edgepos_node_receipts_of_basket" => Some("*out = (edgepos_text *)(uintptr_t)16; return EDGEPOS_OK;"),
        "edgepos_text_data" => Some("return \"[{\\\"event\\\":\\\"1-0123456789ab/0:1\\\"}]\";"),
        "edgepos_text_length" => Some("return strlen(edgepos_text_data(text));"),
        "edgepos_node_transaction" => Some("return EDGEPOS_DAMAGED;"),
        "edgepos_status_text" => Some("return \"torn\";"),
        _ => None,
    });
    for (language, made) in LANGUAGES {
        let folder = tempfile::tempdir().unwrap();
        let Some(till) = made(folder.path()) else { continue };
        let file = folder.path().join("till.json");
        fs::write(&file, support::config(folder.path())).unwrap();
        let (printed, done, errors) = said(&till.command(&file, &["receipt", "9"]).output().unwrap());
        assert!(done && printed == "receipt 9 unknown\n", "{language}: {printed}{errors}");
        let Some(library) = &library else { continue };
        let (printed, done, errors) = said(&library.run(language, &till, &file, &["receipt", "9"]));
        assert!(!done && !printed.contains("unknown"), "{language}: {printed}");
        assert!(errors.contains("torn"), "{language}: {errors}");
    }
}
