//! What the header declares.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::Path;

/// What a caller lends: read during the call, and not kept.
pub(crate) const LENT: [&str; 2] = ["const char *", "const uint8_t *"];
/// Given to whoever is called back, and returned as they are.
const HANDED_ON: &str = "void *";

/// A function of the header.
pub(crate) struct Function {
    /// What is said of it.
    #[allow(dead_code, reason = "not every test reads it")]
    pub(crate) doc: String,
    /// The type of its answer.
    pub(crate) gives: String,
    /// Its name.
    pub(crate) name: String,
    /// Types and names.
    pub(crate) takes: Vec<(String, String)>,
}

/// A type, and the name behind it.
fn split(declared: &str) -> (String, String) {
    let at = declared.rfind(['*', ' ']).unwrap() + 1;
    (declared[..at].trim().to_owned(), declared[at..].to_owned())
}

/// All of them.
pub(crate) fn functions() -> Vec<Function> {
    let header = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("include/edgepos.h")).unwrap();
    let mut found = Vec::new();
    let (mut doc, mut declaration) = (String::new(), String::new());
    for line in header.split("extern \"C\" {").nth(1).unwrap().lines() {
        if line == "/*" {
            doc.clear();
        } else if line.starts_with(' ') && declaration.is_empty() {
            doc.push_str(line);
        } else if !declaration.is_empty() || line.contains('(') {
            declaration.push_str(line);
        }
        if declaration.ends_with(");") {
            let whole = declaration.split_whitespace().collect::<Vec<_>>().join(" ");
            let (head, takes) = whole.strip_suffix(");").unwrap().split_once('(').unwrap();
            let (gives, name) = split(head);
            let takes =
                takes.split(", ").filter(|taken| *taken != "void").map(|taken| split(taken.trim())).collect();
            found.push(Function { doc: doc.clone(), gives, name, takes });
            declaration.clear();
        }
    }
    assert!(found.len() > 100, "{} functions", found.len());
    found
}

/// The type whose handle a function belongs to, as the header names it.
pub(crate) fn owner(name: &str) -> Option<&'static str> {
    ["node", "terminal", "events", "output", "rows", "text"]
        .into_iter()
        .find(|owner| name.starts_with(&format!("edgepos_{owner}_")))
}

/// Whether something is written there.
pub(crate) fn is_output(kind: &str) -> bool {
    kind.ends_with("**") || (kind.ends_with('*') && !kind.starts_with("const ") && kind != HANDED_ON)
}

/// The kinds of records that Rust's forms have.
#[allow(dead_code, reason = "not every test reads it")]
pub(crate) fn kinds() -> Vec<String> {
    let forms =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../edgepos/src/forms/record.rs"))
            .unwrap();
    let kinds = forms.split("pub enum RecordEvent {\n").nth(1).unwrap().split("\n}\n").next().unwrap();
    let kinds = kinds.lines().filter_map(|line| line.strip_prefix("    "));
    let kinds: Vec<String> = kinds
        .filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()))
        .map(|line| line.split([' ', '(', ',', '{']).next().unwrap())
        .map(|name| {
            let words = name.chars().map(|letter| match letter.is_ascii_uppercase() {
                true => format!("_{}", letter.to_ascii_lowercase()),
                false => letter.to_string(),
            });
            words.collect::<String>().trim_start_matches('_').to_owned()
        })
        .collect();
    assert!(kinds.len() > 10 && kinds.contains(&"price_set".to_owned()), "{kinds:?}");
    kinds
}
