//! What a `Node` and a `Terminal` can, C can: the lists are compared, and what C lacks is named with the reason.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A type of Rust, and what C has of it.
struct Level {
    /// The type.
    of: &'static str,
    /// What stands before a method's name in C.
    prefix: &'static str,
    /// Methods whose call in C has another name, or more than one.
    otherwise: &'static [(&'static str, &'static [&'static str])],
    /// Methods that C does not have, and why.
    not_in_c: &'static [(&'static str, &'static str)],
}

const NODE: Level = Level {
    of: "Node",
    prefix: "edgepos_node_",
    otherwise: &[
        ("counters", &["edgepos_node_counters_after"]),
        ("model_listener", &["edgepos_node_use_models"]),
        ("notices", &["edgepos_node_next_notice"]),
        ("receipts", &["edgepos_node_receipts_of_basket", "edgepos_node_receipts_of_key"]),
        ("receipt_states", &["edgepos_node_receipts_of_basket", "edgepos_node_receipts_of_key"]),
        ("shutdown", &["edgepos_node_close"]),
        ("stop", &["edgepos_node_close"]),
        ("stored_events", &["edgepos_node_events_since"]),
    ],
    not_in_c: &[],
};

const TERMINAL: Level = Level {
    of: "Terminal",
    prefix: "edgepos_terminal_",
    otherwise: &[
        ("counters", &["edgepos_terminal_counters_after"]),
        (
            "handle",
            &[
                "edgepos_terminal_timeout",
                "edgepos_terminal_persisted",
                "edgepos_terminal_loaded",
                "edgepos_terminal_peer_up",
                "edgepos_terminal_peer_lost",
                "edgepos_terminal_frame",
                "edgepos_terminal_cloud_time",
                "edgepos_terminal_answered",
                "edgepos_terminal_disk",
            ],
        ),
    ],
    not_in_c: &[
        ("advise", "plugs in a resolver; one in C reads the open exceptions and resolves them"),
        ("next_to_sign", "a node in C has a device sign; in a loop of one's own the status lists what waits"),
        ("signed", "a node in C has a device sign; in a loop of one's own the status lists what waits"),
        ("next_to_advise", "plugs in a resolver; one in C reads the open exceptions and resolves them"),
    ],
};

/// What is done with a node by something else than its own methods, and the calls that do it in C. A file and a function of it each.
const BESIDE: &[(&str, &str, &[&str])] = &[
    // One of one's own is a port of Rust: in C one reads the open exceptions and resolves them.
    (
        "advising.rs",
        "run",
        &["edgepos_node_use_models", "edgepos_node_open_exceptions_after", "edgepos_node_resolve"],
    ),
    ("models.rs", "look", &["edgepos_node_use_models"]),
    ("models.rs", "run", &["edgepos_node_use_models"]),
    ("till_models.rs", "new", &["edgepos_node_use_models"]),
    ("signatory.rs", "run", &["edgepos_node_next_to_sign", "edgepos_node_signed"]),
];

/// The public methods of a type, wherever a file of the crate has some.
fn methods(of: &str, folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            methods(of, &path, found);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for block in text.split(&format!("\nimpl {of} {{\n")).skip(1) {
            let block = block.split("\n}\n").next().unwrap();
            for line in block.lines() {
                let rest =
                    line.strip_prefix("    pub async fn ").or_else(|| line.strip_prefix("    pub fn "));
                if let Some(rest) = rest {
                    found.insert(rest.split(['(', '<']).next().unwrap().to_owned());
                }
            }
        }
    }
}

fn compare(level: &Level) {
    let Level { of, prefix, otherwise, not_in_c } = level;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let header = fs::read_to_string(root.join("edgepos-ffi/include/edgepos.h")).unwrap();
    let has = |call: &str| header.contains(&format!(" {call}("));
    let mut all = BTreeSet::new();
    methods(of, &root.join("edgepos/src"), &mut all);
    assert!(all.len() > 30 && all.contains("begin"), "{all:?}");
    for method in &all {
        if not_in_c.iter().any(|(name, _)| name == method) {
            continue;
        }
        let usual = [format!("{prefix}{method}")];
        let calls: Vec<&str> = match otherwise.iter().find(|(name, _)| name == method) {
            Some((_, calls)) => calls.to_vec(),
            None => usual.iter().map(String::as_str).collect(),
        };
        for call in calls {
            assert!(
                has(call),
                "{of}::{method} is not in C. Either write `{call}` beside its like in edgepos-ffi/src and run `cargo xtask header`, or name \
                 `{method}` with the reason in `not_in_c` of this test, edgepos-ffi/tests/node_and_c.rs."
            );
        }
    }
    for (name, reason) in *not_in_c {
        assert!(all.contains(*name), "{of}::{name} is gone: take it out of `not_in_c` ({reason})");
        assert!(!has(&format!("{prefix}{name}")), "{name} is in C: take it out of `not_in_c`");
    }
    for (name, _) in *otherwise {
        assert!(all.contains(*name), "{of}::{name} is gone: take it out of `otherwise`");
    }
}

#[test]
fn every_method_of_a_node_has_its_call_or_its_reason() {
    compare(&NODE);
}

#[test]
fn every_method_of_a_terminal_has_its_call_or_its_reason() {
    compare(&TERMINAL);
}

/// What takes a node as an argument, in any public function of the crate.
fn take_a_node(folder: &Path, root: &Path, found: &mut BTreeSet<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            take_a_node(&path, root, found);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for function in text.split("\n    pub ").skip(1).chain(text.split("\npub ").skip(1)) {
            let head = function.split('{').next().unwrap();
            let named = head.strip_prefix("async ").unwrap_or(head).strip_prefix("fn ");
            let Some((name, arguments)) = named.and_then(|named| named.split_once('(')) else { continue };
            if arguments.contains(": &Node") || arguments.contains(": Node") {
                let file = path.strip_prefix(root).unwrap().display().to_string();
                found.insert((file, name.split('<').next().unwrap().to_owned()));
            }
        }
    }
}

#[test]
fn whatever_else_is_done_with_a_node_has_its_call_too() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let header = fs::read_to_string(root.join("edgepos-ffi/include/edgepos.h")).unwrap();
    let mut found = BTreeSet::new();
    take_a_node(&root.join("edgepos/src"), &root.join("edgepos/src"), &mut found);
    let named = BESIDE.iter().map(|(file, name, _)| ((*file).to_owned(), (*name).to_owned()));
    assert_eq!(found, named.collect(), "name what is new in `BESIDE`, with its calls in C");
    for call in BESIDE.iter().flat_map(|(_, _, calls)| *calls) {
        assert!(header.contains(&format!(" {call}(")), "{call}");
    }
}
