//! Rules of the source: engines are told and never ask, foreign crates are named in one place, files stay readable.

use super::Tree;

/// Longest Rust file, in lines.
const MAX_LINES: usize = 600;

/// Engines: plain values that never read a clock, a file, a socket, the environment or global randomness.
const ENGINES: [&str; 6] = [
    "edgepos-core/src/",
    "edgepos-wire/src/",
    "edgepos-consensus/src/",
    "edgepos-crdt/src/",
    "edgepos-sync/src/",
    "edgepos-forecast/src/",
];

/// The sans-IO part of the terminal obeys the same rule.
const TERMINAL: [&str; 2] = ["edgepos/src/terminal/", "edgepos/src/retail/"];

/// What an engine may not name, and why.
const ASKING: [(&str, &str); 10] = [
    ("Instant::now", "an engine is told the time"),
    ("SystemTime", "an engine is told the time"),
    ("std::env", "an engine is told its configuration"),
    ("std::fs", "an engine hands out a Persist or a Load"),
    ("std::net", "an engine hands out a Transmit"),
    ("std::thread", "an engine has no threads"),
    ("tokio", "an engine knows no runtime"),
    ("HashMap", "its order differs from run to run: two runs of one seed must be equal"),
    ("HashSet", "its order differs from run to run: two runs of one seed must be equal"),
    ("getrandom", "an engine is given a seed"),
];

/// Crates that one module of their owner may name, so that they can be replaced.
const OWNED: [(&str, &str, &str); 7] = [
    ("raft::", "edgepos-consensus/src/", "edgepos-consensus/src/raft.rs"),
    ("protobuf::", "edgepos-consensus/src/", "edgepos-consensus/src/raft.rs"),
    ("slog::", "edgepos-consensus/src/", "edgepos-consensus/src/raft.rs"),
    ("rten::", "edgepos-inference/src/", "edgepos-inference/src/embedded.rs"),
    ("rusqlite::", "edgepos/src/", "edgepos/src/sqlite_store.rs"),
    ("hyper::", "edgepos/src/", "edgepos/src/http_uplink.rs"),
    ("rustls::", "edgepos/src/", "edgepos/src/tls.rs"),
];

pub(super) fn check(tree: &Tree, findings: &mut Vec<String>) {
    let tests = test_modules(tree);
    for (path, text) in tree.rust() {
        length(path, text, findings);
        names(path, findings);
        if !tests.iter().any(|module| {
            path.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        }) {
            asking(path, text, findings);
        }
        owned(path, text, findings);
        fences(path, text, findings);
        typed_errors(path, text, findings);
        unchecked(path, text, findings);
    }
    defined_once(tree, findings);
}

/// Words that had several meanings, each for one type of the crates that ship; a test's own types are not counted.
const ONE_MEANING: [&str; 8] =
    ["Batch", "Clock", "DecodeError", "DriftNotice", "EngineChain", "Health", "HybridClock", "Refusal"];

/// Files whose name says one thing.
const ONE_FILE: [&str; 2] = ["duties.rs", "pace.rs"];

/// A word with one meaning names one type, and a file's name one file.
fn defined_once(tree: &Tree, findings: &mut Vec<String>) {
    let shipped = || tree.rust().filter(|(path, _)| path.starts_with("edgepos") && path.contains("/src/"));
    for word in ONE_MEANING {
        let heads = ["struct", "enum", "trait", "type"].map(|kind| format!("{kind} {word}"));
        let defines = |line: &str| {
            heads.iter().any(|head| {
                line.match_indices(head.as_str()).any(|(at, _)| {
                    let after = &line[at + head.len()..];
                    !after.starts_with(|c: char| c.is_alphanumeric() || c == '_')
                })
            })
        };
        let places = shipped().filter(|(_, text)| code(text).any(|(_, line)| defines(line)));
        for (path, _) in places.skip(1) {
            findings.push(format!("{path}: `{word}` has one meaning, and another file defines it"));
        }
    }
    for name in ONE_FILE {
        for (path, _) in shipped().filter(|(path, _)| path.rsplit('/').next() == Some(name)).skip(1) {
            findings.push(format!("{path}: there is one {name}; name this file after what is in it"));
        }
    }
}

/// The second argument of each `Result` of a line.
fn error_of_results(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("Result<").filter_map(|(at, head)| {
        let inside = &line[at + head.len()..];
        let (mut depth, mut second) = (0, None);
        for (place, c) in inside.char_indices() {
            match c {
                '<' | '(' | '[' => depth += 1,
                ',' if depth == 0 => second = Some(place + 1),
                '>' if depth == 0 => return second.map(|start: usize| inside[start..place].trim()),
                '>' | ')' | ']' => depth -= 1,
                _ => {}
            }
        }
        None
    })
}

/// An error has a type: a caller cannot match on a text, and a text has no cause.
fn typed_errors(path: &str, text: &str, findings: &mut Vec<String>) {
    let tests = path.contains("/tests/") || path.contains("/check/");
    for (number, line) in code(text).filter(|_| !tests) {
        if error_of_results(line).any(|error| error == "String") {
            findings.push(format!("{path}:{number}: an error is a type, not a text"));
        }
    }
}

/// Where the compiler does not check what pointers say: the edges to C.
const UNCHECKED: [&str; 6] = [
    "edgepos-ffi/",
    "fuzz/src/ffi/",
    "benches/benches/c_api",
    "edgepos-inference/src/onnx.rs",
    "edgepos-inference/src/onnx/",
    "benches/benches/inference_peers/bare.rs",
];

/// `unsafe` is for the edges to C alone, and at the one that vendors call clippy demands a reason for each block.
fn unchecked(path: &str, text: &str, findings: &mut Vec<String>) {
    if path == "edgepos-ffi/src/lib.rs" && !text.contains("clippy::undocumented_unsafe_blocks") {
        findings.push(format!("{path}: clippy is not told to demand a reason for each unsafe block"));
    }
    if UNCHECKED.iter().any(|home| path.starts_with(home)) || path.starts_with("xtask/") {
        return;
    }
    for (number, line) in code(text) {
        let word = |at: usize| {
            let around = [line[..at].chars().next_back(), line[at + "unsafe".len()..].chars().next()];
            !around.into_iter().flatten().any(|c| c.is_alphanumeric() || c == '_' || c == '"')
        };
        if line.match_indices("unsafe").any(|(at, _)| word(at)) {
            findings.push(format!("{path}:{number}: `unsafe` is for the edges to C alone"));
        }
    }
}

/// Where modules that are built for tests alone lie: the path without `.rs`.
fn test_modules(tree: &Tree) -> Vec<String> {
    let mut modules = Vec::new();
    for (path, text) in tree.rust() {
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        let home = match file {
            "lib.rs" | "main.rs" | "mod.rs" => folder.to_owned(),
            _ => path.trim_end_matches(".rs").to_owned(),
        };
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let declared = lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]");
        modules.extend(
            declared
                .filter_map(|pair| pair[1].strip_prefix("mod ")?.strip_suffix(';'))
                .map(|module| format!("{home}/{module}")),
        );
    }
    modules
}

fn length(path: &str, text: &str, findings: &mut Vec<String>) {
    let lines = text.lines().count();
    if lines > MAX_LINES {
        findings.push(format!("{path}: {lines} lines are over {MAX_LINES}; split it by noun"));
    }
}

fn names(path: &str, findings: &mut Vec<String>) {
    let file = path.rsplit('/').next().unwrap_or(path);
    if ["util.rs", "utils.rs", "helpers.rs", "misc.rs", "types.rs"].contains(&file) {
        findings.push(format!("{path}: a file is named after what is in it"));
    }
}

fn asking(path: &str, text: &str, findings: &mut Vec<String>) {
    if !ENGINES.iter().chain(&TERMINAL).any(|folder| path.starts_with(folder)) {
        return;
    }
    for (number, line) in code(text) {
        for (word, reason) in ASKING {
            if line.contains(word) {
                findings.push(format!("{path}:{number}: `{word}`: {reason}"));
            }
        }
    }
}

fn owned(path: &str, text: &str, findings: &mut Vec<String>) {
    for (word, folder, owner) in OWNED {
        // A module may be a file or a folder of its name.
        let inside = path == owner || path.starts_with(&format!("{}/", owner.trim_end_matches(".rs")));
        if !path.starts_with(folder) || inside {
            continue;
        }
        for (number, line) in code(text) {
            if names_crate(line, word) {
                findings.push(format!("{path}:{number}: `{word}` is named in {owner} alone"));
            }
        }
    }
}

/// Whether `word` stands there as a crate's name: not as the end of a longer one, and not as a module of ours.
fn names_crate(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = &line[..at];
        let longer = before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        !longer && !before.ends_with("crate::") && !before.ends_with("self::") && !before.ends_with("super::")
    })
}

/// Lines of code with their number: no comments, and nothing of the unit tests at a file's end.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| line.trim() != "#[cfg(test)]")
        .map(|(index, line)| (index + 1, line.split("//").next().unwrap_or(line)))
}

fn fences(path: &str, text: &str, findings: &mut Vec<String>) {
    for (index, line) in text.lines().enumerate() {
        let doc = line.trim_start();
        let fence = doc.strip_prefix("///").or_else(|| doc.strip_prefix("//!")).map(str::trim_start);
        if fence.is_some_and(|fence| fence.starts_with("```") && fence.contains("ignore")) {
            findings.push(format!("{path}:{}: an example that is never run", index + 1));
        }
    }
}
