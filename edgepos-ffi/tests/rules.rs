//! What the header promises of every function: handles are opaque, arguments come in the order self, inputs, outputs, nothing but scalars
//! goes by value, what fails says so by a status, each function says what threads may do, and a panic unwinds.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "support/header.rs"]
mod header;

use std::fs;
use std::path::Path;

use header::{Function, LENT, functions, is_output, kinds, owner};

/// Types that go by value.
const SCALARS: [&str; 9] = [
    "int32_t",
    "int64_t",
    "uint16_t",
    "uint32_t",
    "uint64_t",
    "size_t",
    "edgepos_scan",
    "const char *",
    "void",
];
/// Functions that cannot fail and have an answer.
const ANSWERS: [&str; 8] = [
    "edgepos_abi",
    "edgepos_last_detail",
    "edgepos_output_id",
    "edgepos_output_kind",
    "edgepos_output_writes",
    "edgepos_status_text",
    "edgepos_text_data",
    "edgepos_text_length",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

#[test]
fn arguments_are_self_inputs_and_outputs_in_this_order() {
    for function in functions() {
        let Function { name, takes, .. } = &function;
        let mut takes = takes.as_slice();
        let makes = name.ends_with("_open") || name.ends_with("_new");
        if let Some(owner) = owner(name).filter(|_| !makes) {
            let (kind, _) = &takes[0];
            let constant = if name.ends_with("_free") { "" } else { "const " };
            assert_eq!(*kind, format!("{constant}edgepos_{owner} *"), "{name} begins with its handle");
            takes = &takes[1..];
        }
        let outputs = takes.iter().position(|(kind, _)| is_output(kind)).unwrap_or(takes.len());
        for (at, (kind, what)) in takes.iter().enumerate() {
            assert_eq!(is_output(kind), at >= outputs, "{name}: {what} is among the others");
            let by_value = SCALARS.contains(&kind.as_str());
            let pointer = kind.ends_with('*');
            assert!(by_value || pointer, "{name}: {what} is a {kind} by value");
            if LENT.contains(&kind.as_str()) {
                let (length, next) = &takes[at + 1];
                assert_eq!((length.as_str(), next), ("size_t", &format!("{what}_length")), "{name}");
            }
        }
    }
}

#[test]
fn what_can_fail_answers_with_a_status_and_what_is_made_is_freed() {
    let all = functions();
    for Function { gives, name, .. } in &all {
        assert!(SCALARS.contains(&gives.as_str()), "{name} gives {gives} by value");
        if name.ends_with("_free") {
            assert_eq!(gives, "void", "{name}");
        } else if !ANSWERS.contains(&name.as_str()) && name != "edgepos_version" {
            assert_eq!(gives, "int32_t", "{name} answers with a status");
        }
    }
    for owner in ["node", "terminal", "events", "output", "rows", "text"] {
        let free = all.iter().find(|function| function.name == format!("edgepos_{owner}_free")).unwrap();
        assert!(free.doc.contains("NULL and"), "{}: {}", free.name, free.doc);
    }
}

/// What a function may say of threads, in its last words but those of safety.
const THREADS: [&str; 3] = [
    "Threads: any, at any time.",
    "Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.",
    "Threads: any, once nobody reads what it has lent.",
];

#[test]
fn every_function_says_what_threads_may_do() {
    let [any, one, lent] = THREADS;
    for Function { doc, name, .. } in functions() {
        let said: Vec<&str> = THREADS.into_iter().filter(|threads| doc.contains(threads)).collect();
        assert_eq!((said.len(), doc.matches("Threads:").count()), (1, 1), "{name}: {doc}");
        let expected = match owner(&name) {
            Some("text" | "output") if name.ends_with("_free") => lent,
            // What makes a handle has none that another thread could be in, and what frees one ends their waiting.
            _ if ["_free", "_new", "_open"].iter().any(|end| name.ends_with(end)) => any,
            Some("terminal" | "events") => one,
            _ if ["edgepos_node_next_notice", "edgepos_node_next_to_sign"].contains(&name.as_str()) => one,
            _ => any,
        };
        assert_eq!(said, [expected], "{name}");
    }
}

/// What has fields is JSON: a struct that grows would need its size in front, and there is none.
#[test]
fn no_struct_is_declared_with_fields() {
    let header = fs::read_to_string(root().join("edgepos-ffi/include/edgepos.h")).unwrap();
    let declared: Vec<&str> = header.lines().filter(|line| line.starts_with("typedef struct")).collect();
    assert!(declared.len() >= 6, "{declared:?}");
    for line in declared {
        let names = line.trim_start_matches("typedef struct ").trim_end_matches(';').split_once(' ').unwrap();
        assert_eq!(names.0, names.1, "{line}");
    }
    assert!(!header.contains("union ") && !header.contains("enum "), "their size is the compiler's");
}

#[test]
fn every_kind_of_record_is_named_where_c_records() {
    let kinds = kinds();
    let all = functions();
    let records = all.iter().find(|function| function.name == "edgepos_node_record").unwrap();
    for kind in kinds {
        assert!(records.doc.contains(&format!("`{kind}`")), "{kind}: {}", records.doc);
    }
}

#[test]
fn a_panic_unwinds_in_the_libraries_that_are_installed() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let profile = manifest.split("\n[profile.capi]\n").nth(1).unwrap().split("\n[").next().unwrap();
    assert!(profile.contains("panic = \"unwind\""), "{profile}");
    assert!(!manifest.contains("panic = \"abort\""), "a till in another language would end with it");
}
