//! Every binding has every call of the batteries-included level, and the same numbers as the header.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "support/header.rs"]
#[allow(dead_code, reason = "rules.rs uses the rest")]
mod header;
#[cfg(unix)]
#[path = "support/stand_in.rs"]
mod stand_in;
#[cfg(unix)]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use header::{functions, kinds};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(path)).unwrap()
}

fn numbers(header: &str) -> BTreeMap<&str, i64> {
    let defined = header.lines().filter_map(|line| line.strip_prefix("#define EDGEPOS_")?.split_once(' '));
    defined.map(|(name, number)| (name, number.parse().unwrap())).collect()
}

#[test]
fn no_call_is_forgotten() {
    let levels = ["edgepos_node_", "edgepos_events_", "edgepos_forecast"];
    let calls = functions().into_iter().map(|function| function.name);
    let calls: Vec<String> =
        calls.filter(|name| levels.iter().any(|level| name.starts_with(level))).collect();
    assert!(calls.len() > 40, "{calls:?}");
    for (path, shorter) in [
        ("bindings/cpp/edgepos.hpp", false),
        ("bindings/csharp/Native.cs", false),
        ("bindings/java/io/edgepos/EdgeposLibrary.java", false),
        ("bindings/python/edgepos/_library.py", true),
    ] {
        let text = read(path);
        for call in &calls {
            let named = match call.strip_prefix("edgepos_node_").filter(|_| shorter) {
                Some(short) => text.contains(&format!("\"{short}\":")),
                None => text.contains(call.as_str()),
            };
            assert!(named, "{path} lacks {call}");
        }
    }
    for path in [
        "bindings/csharp/Node.cs",
        "bindings/java/io/edgepos/Node.java",
        "bindings/python/edgepos/__init__.py",
    ] {
        let text = read(path);
        for call in calls.iter().filter(|name| name.starts_with("edgepos_node_")) {
            assert!(
                text.contains(call.as_str()) || call == "edgepos_node_free",
                "{path} does not use {call}"
            );
        }
    }
}

/// How each language declares an argument of C; a text of bytes and their number is one.
struct Kind {
    c: &'static str,
    csharp: &'static str,
    java: &'static str,
    python: char,
}

const KINDS: [Kind; 17] = [
    Kind { c: "const edgepos_node *", csharp: "NodeHandle", java: "Pointer", python: 'h' },
    Kind { c: "const edgepos_events *", csharp: "EventsHandle", java: "Pointer", python: 'h' },
    Kind { c: "const edgepos_text *", csharp: "TextHandle", java: "Pointer", python: 'h' },
    Kind { c: "edgepos_node *", csharp: "IntPtr", java: "Pointer", python: 'h' },
    Kind { c: "edgepos_events *", csharp: "IntPtr", java: "Pointer", python: 'h' },
    Kind { c: "edgepos_text *", csharp: "IntPtr", java: "Pointer", python: 'h' },
    Kind { c: "bytes", csharp: "byte[],UIntPtr", java: "byte[],Size", python: 't' },
    Kind { c: "int32_t", csharp: "int", java: "int", python: 'i' },
    Kind { c: "uint16_t", csharp: "ushort", java: "short", python: 'H' },
    Kind { c: "uint32_t", csharp: "uint", java: "int", python: 'I' },
    Kind { c: "uint64_t", csharp: "ulong", java: "long", python: 'Q' },
    Kind { c: "edgepos_node **", csharp: "out NodeHandle", java: "PointerByReference", python: 'o' },
    Kind { c: "edgepos_events **", csharp: "out EventsHandle", java: "PointerByReference", python: 'o' },
    Kind { c: "edgepos_text **", csharp: "out TextHandle", java: "PointerByReference", python: 'o' },
    Kind { c: "int32_t *", csharp: "out int", java: "IntByReference", python: 'o' },
    Kind { c: "int64_t *", csharp: "out long", java: "LongByReference", python: 'o' },
    Kind { c: "uint64_t *", csharp: "out ulong", java: "LongByReference", python: 'o' },
];
/// The one answer that is a number of 32 bits without a sign.
const LEVEL: Kind = Kind { c: "uint32_t *", csharp: "out uint", java: "IntByReference", python: 'o' };
/// What functions give, in C, C# and Java; an address of a text may be either in the latter.
const GIVES: [(&str, &str, &[&str]); 5] = [
    ("int32_t", "int", &["int"]),
    ("uint32_t", "uint", &["int"]),
    ("size_t", "UIntPtr", &["Size"]),
    ("const char *", "IntPtr", &["Pointer", "String"]),
    ("void", "void", &["void"]),
];

/// The kinds of a function's arguments, in order.
fn kinds_of(function: &header::Function) -> Vec<&'static Kind> {
    let mut takes = function.takes.iter().map(|(kind, _)| kind.as_str());
    let mut found = Vec::new();
    while let Some(kind) = takes.next() {
        let kind = if header::LENT.contains(&kind) {
            assert_eq!(takes.next(), Some("size_t"), "{}", function.name);
            "bytes"
        } else {
            kind
        };
        let known = KINDS.iter().chain([&LEVEL]).find(|known| known.c == kind);
        found.push(known.unwrap_or_else(|| panic!("{}: no language has a {kind}", function.name)));
    }
    found
}

/// What a file in C# or Java declares, by the name: what it gives, and the types of what it takes.
fn declared<'a>(text: &'a str, before: &str) -> BTreeMap<&'a str, (&'a str, Vec<&'a str>)> {
    let lines = text.lines().filter_map(|line| line.split_once(before)?.1.strip_suffix(");"));
    let calls = lines.filter_map(|line| {
        let (head, takes) = line.split_once('(')?;
        let (gives, name) = head.split_once(' ')?;
        let takes = takes.split(", ").filter_map(|taken| Some(taken.rsplit_once(' ')?.0)).collect();
        name.starts_with("edgepos_").then_some((name, (gives, takes)))
    });
    calls.collect()
}

/// What Python declares: the letters of each signature.
fn letters(text: &str) -> BTreeMap<String, &str> {
    let mut found = BTreeMap::new();
    for (table, prefix) in [("_NODE = {", "edgepos_node_"), ("_OTHERS = {", "")] {
        let rows = text.split(table).nth(1).unwrap().split('}').next().unwrap();
        let words: Vec<&str> = rows.split('"').skip(1).step_by(2).collect();
        found
            .extend(words.as_chunks::<2>().0.iter().map(|[name, kinds]| (format!("{prefix}{name}"), *kinds)));
    }
    found
}

#[test]
fn every_binding_declares_what_the_header_does() {
    let (csharp, java, python) = (
        read("bindings/csharp/Native.cs"),
        read("bindings/java/io/edgepos/EdgeposLibrary.java"),
        read("bindings/python/edgepos/_library.py"),
    );
    let in_csharp = declared(&csharp, " static extern ");
    let in_java = declared(&java, "    ");
    let in_python = letters(&python);
    let functions = functions();
    let known = |name: &str| functions.iter().any(|function| function.name == name);
    let names = in_csharp.keys().chain(in_java.keys()).copied().chain(in_python.keys().map(String::as_str));
    assert_eq!(names.filter(|name| !known(name)).collect::<Vec<_>>(), [""; 0], "no function of the header");
    let mut compared = [0; 3];
    for function in &functions {
        let name = function.name.as_str();
        let gives = GIVES.iter().find(|(c, ..)| *c == function.gives);
        if let Some((given, takes)) = in_csharp.get(name) {
            let expected: Vec<&str> =
                kinds_of(function).iter().flat_map(|kind| kind.csharp.split(',')).collect();
            assert_eq!((Some(*given), takes), (gives.map(|gives| gives.1), &expected), "{name} in C#");
            compared[0] += 1;
        }
        if let Some((given, takes)) = in_java.get(name) {
            let expected: Vec<&str> =
                kinds_of(function).iter().flat_map(|kind| kind.java.split(',')).collect();
            assert!(gives.is_some_and(|gives| gives.2.contains(given)), "{name} gives a {given} in Java");
            assert_eq!(takes, &expected, "{name} in Java");
            compared[1] += 1;
        }
        if let Some(letters) = in_python.get(name) {
            let expected: String = kinds_of(function).iter().map(|kind| kind.python).collect();
            assert_eq!(*letters, expected, "{name} in Python");
            // What is said nowhere gives a status, or nothing where it frees.
            let plain = function.gives == "int32_t" || function.gives == "void" && name.ends_with("_free");
            assert!(
                plain || python.contains(&format!("loaded.{name}.restype = ")),
                "{name} in Python gives a {}",
                function.gives
            );
            compared[2] += 1;
        }
    }
    assert!(compared.iter().all(|functions| *functions > 65), "{compared:?}");
}

#[test]
fn the_project_of_csharp_says_what_its_files_are_compiled_as() {
    let project = read("bindings/csharp/Edgepos.csproj");
    let manifest = read("Cargo.toml");
    let version = manifest.lines().find_map(|line| line.strip_prefix("version = ")).unwrap();
    for (name, value) in [
        ("TargetFramework", "netstandard2.0"),
        ("LangVersion", "7.0"),
        ("Version", version.trim_matches('"')),
        ("PackageLicenseExpression", "MIT OR Apache-2.0"),
    ] {
        assert!(project.contains(&format!("<{name}>{value}</{name}>")), "{name}: {project}");
    }
    // Its SDK compiles every source in its folder; the tests compile the same ones, as C# 7.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bindings/csharp");
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut sources: Vec<String> = names.filter(|name| name.ends_with(".cs")).collect();
    sources.sort();
    assert_eq!(sources, ["Native.cs", "Node.cs"]);
    let compiled = read("edgepos-ffi/tests/support/tills.rs");
    assert!(compiled.contains("-langversion:7") && sources.iter().all(|name| compiled.contains(name)));
}

#[test]
fn every_binding_has_the_numbers_of_the_header() {
    let header = read("edgepos-ffi/include/edgepos.h");
    let numbers = numbers(&header);
    let abi = numbers["ABI"];
    for (path, line) in [
        ("bindings/python/edgepos/_library.py", format!("_ABI = {abi}\n")),
        ("bindings/csharp/Native.cs", format!("Abi = {abi};")),
        ("bindings/java/io/edgepos/EdgeposLibrary.java", format!("ABI = {abi};")),
    ] {
        assert!(read(path).contains(&line), "{path} is not of interface {abi}");
    }
    let python = read("bindings/python/edgepos/__init__.py");
    let mut statuses = 0;
    for line in python.lines().filter(|line| !line.starts_with([' ', '"', '#'])) {
        let Some((names, values)) = line.split_once(" = ") else { continue };
        for (name, value) in names.split(", ").zip(values.split(", ")) {
            if let (Some(expected), Ok(value)) = (numbers.get(name), value.parse::<i64>()) {
                assert_eq!(value, *expected, "{name} in Python");
                statuses += i32::from(*expected < 0);
            }
        }
    }
    let failures: Vec<_> = numbers.iter().filter(|(_, number)| **number < 0).collect();
    assert_eq!(statuses, i32::try_from(failures.len()).unwrap(), "Python lacks a status");
    let csharp = read("bindings/csharp/Node.cs");
    let java = read("bindings/java/io/edgepos/Node.java");
    let cells = [
        "STOCK",
        "POINTS",
        "RETURNABLE",
        "STORED_VALUE",
        "COUPON_USE",
        "CASH",
        "DIFFERENCE",
        "REFUNDABLE",
        "VENDOR",
    ];
    for name in cells.iter().chain(&["ANY_COUNTER", "ON_HAND", "RESERVED", "IN_TRANSIT", "DAMAGED_STOCK"]) {
        let line = format!("{name} = {}", numbers[name]);
        assert!(
            java.contains(&format!("{line},")) || java.contains(&format!("{line};")),
            "Java lacks {line}"
        );
        assert!(python.contains(&format!("\"{name}\"")), "Python lacks {name}");
    }
    for name in cells {
        let words = name.split('_').map(|word| format!("{}{}", &word[..1], word[1..].to_lowercase()));
        let line = format!("{} = {},", words.collect::<String>(), numbers[name]);
        assert!(csharp.contains(&line), "C# lacks {line}");
    }
    for (name, number) in failures {
        let words = name.split('_').map(|word| format!("{}{}", &word[..1], word[1..].to_lowercase()));
        let line = format!("{} = {number}", words.collect::<String>());
        assert!(
            csharp.contains(&format!("{line},")) || csharp.contains(&format!("{line}\n")),
            "C# lacks {line}"
        );
    }
}

/// Answers whose numbers are of the moment: what is compared is how they look.
#[cfg(unix)]
const OF_THE_MOMENT: [&str; 8] =
    ["status", "diagnosis", "elections", "metrics", "address", "next_notice", "event", "cursor"];

/// What a call has answered, without what differs from one terminal to another: names of events, hashes and the time.
#[cfg(unix)]
fn comparable(line: &str) -> (String, String) {
    use serde_json::Value;

    fn plain(value: &mut Value, shape: bool) {
        match value {
            Value::Array(values) => values.iter_mut().for_each(|value| plain(value, shape)),
            Value::Object(fields) => fields.values_mut().for_each(|value| match shape {
                true => *value = Value::Null,
                false => plain(value, shape),
            }),
            Value::Number(number) if number.as_u64().is_some_and(is_a_time) => *value = "TIME".into(),
            Value::String(text) => *text = without_events(text),
            _ => {}
        }
    }
    let (call, answer) = line.split_once('\t').unwrap();
    // Where in a request that a binding has written itself.
    let answer = answer.split(" at line ").next().unwrap();
    let shape = OF_THE_MOMENT.contains(&call);
    let answer = match serde_json::from_str::<Value>(answer) {
        Ok(mut value) if value.is_object() || value.is_array() => {
            plain(&mut value, shape);
            value.to_string()
        }
        _ if call == "metrics" => answer.split(' ').take(2).collect(),
        _ if shape && !answer.starts_with("refused") => "some".into(),
        _ => without_events(answer),
    };
    (call.to_owned(), answer)
}

/// In ms, of this century's years from 2020 on.
#[cfg(unix)]
fn is_a_time(number: u64) -> bool {
    (1_577_836_800_000..4_102_444_800_000).contains(&number)
}

/// An event's name is its terminal's, which has one for each database.
#[cfg(unix)]
fn without_events(text: &str) -> String {
    let words = text.split_inclusive([' ', '"', '(', ')', ',']);
    words
        .map(|word| match word.split_once('/') {
            Some((chain, place)) if chain.contains('-') && place.contains(':') => "EVENT ".to_owned(),
            _ => word.to_owned(),
        })
        .collect()
}

/// The lines of a program that makes every call, each as a call and its answer.
#[cfg(unix)]
fn made(folder: &Path, till: &support::tills::Till) -> Vec<(String, String)> {
    let config = support::config(folder).replace("\"terminal\":1", "\"terminal\":\"1-0123456789ab\"");
    let file = folder.join("till.json");
    fs::write(&file, config).unwrap();
    answers_of(till, &file, &support::root().join("edgepos-ffi/tests/calls/script.txt"))
}

/// What a program has answered to the calls of a script.
#[cfg(unix)]
fn answers_of(till: &support::tills::Till, file: &Path, script: &Path) -> Vec<(String, String)> {
    let output = till.command(file, &[script.to_str().unwrap()]).output().unwrap();
    let (said, errors) = (String::from_utf8(output.stdout).unwrap(), support::text(&output.stderr));
    assert!(output.status.success(), "{said}{errors}");
    assert_eq!(errors, "", "the library writes nothing there");
    // Of the metrics, which have lines, the first is taken.
    said.lines().filter(|line| line.contains('\t')).map(comparable).collect()
}

/// Every call of a node, for real, done and refused, in every language: all are answered as C is.
#[test]
#[cfg(unix)]
fn every_call_answers_in_every_language_as_in_c() {
    use support::tills;

    let script = read("edgepos-ffi/tests/calls/script.txt");
    let calls: Vec<&str> = script.lines().map(|line| line.split('\t').next().unwrap()).collect();
    for function in functions() {
        let Some(name) = function.name.strip_prefix("edgepos_node_") else { continue };
        let shown = ["open", "free", "poison"].contains(&name) || calls.contains(&name);
        assert!(shown, "edgepos_node_{name} is not in edgepos-ffi/tests/calls/script.txt");
    }
    for kind in kinds() {
        assert!(script.contains(&format!("\"type\":\"{kind}\"")), "no {kind} is recorded there");
    }

    let folders: Vec<_> = (0..5).map(|_| tempfile::tempdir().unwrap()).collect();
    let Some(in_c) = tills::calls_in_c(folders[0].path()) else { return };
    let in_c = made(folders[0].path(), &in_c);
    assert!(in_c.len() > calls.len(), "{}", in_c.len());
    // What C answers is looked at once, and that the others answer the same.
    let answers = |call: &str| -> Vec<&str> {
        in_c.iter().filter(|(name, _)| name == call).map(|(_, answer)| answer.as_str()).collect()
    };
    let done = |answer: &&str| !answer.starts_with("refused") && *answer != "nothing";
    for call in &calls {
        let decides = ["admit", "retire", "replace", "write_off", "raise_level", "step_down", "resolve"];
        let asks_models = ["recognise", "read_barcode", "hear", "score"];
        // No receipt of this store is signed.
        let signs = ["next_to_sign", "signed"];
        let answered = answers(call).iter().any(done);
        let alone = [&decides[..], &asks_models, &signs].iter().any(|calls| calls.contains(call));
        assert!(answered || alone, "{call} is only refused: {:?}", answers(call));
    }
    assert!(
        answers("product").iter().any(|said| said.contains("9007199254740993")),
        "above what a float holds"
    );
    assert!(answers("attachment")[0].contains("48656c6c6f"), "{:?}", answers("attachment"));
    assert_eq!(answers("counter")[..2], ["4750", "5000"], "cash in two drawers");
    assert!(answers("day_figures")[0].contains("\"shift") && answers("day_figures")[0].contains("pay_out"));
    assert!(
        answers("record").iter().filter(|said| said.starts_with("refused -13")).count() == 2,
        "day and shift"
    );

    let others = [
        ("C++", tills::calls_in_cpp(folders[1].path())),
        ("Python", tills::calls_in_python(folders[2].path())),
        ("C#", tills::calls_in_csharp(folders[3].path())),
        ("Java", tills::calls_in_java(folders[4].path())),
    ];
    for ((language, till), folder) in others.iter().zip(&folders[1..]) {
        let Some(till) = till else { continue };
        let other = made(folder.path(), till);
        for (c, other) in in_c.iter().zip(&other) {
            assert_eq!(c, other, "{language}");
        }
        assert_eq!(in_c.len(), other.len(), "{language}");
    }
}

/// A reader of events who meets one that is gone goes on behind it, in every language, and keeps a cursor that does not lead back to it.
#[test]
#[cfg(unix)]
fn what_is_gone_is_passed_by_in_every_language() {
    use edgepos::core::{Chain, EventId, Persist, PersistId, Seq, Space, Write};
    use edgepos::{SqliteStore, Store as _};

    let goods = r#"record	{"type":"stock_received","from":"dairy","lines":[{"product":"4006381333931","quantity":1}]}"#;
    for (language, made) in LANGUAGES {
        let folder = tempfile::tempdir().unwrap();
        let Some(till) = made(folder.path()) else { continue };
        let (file, script) = (folder.path().join("till.json"), folder.path().join("script.txt"));
        fs::write(&file, support::config(folder.path())).unwrap();
        fs::write(&script, [goods; 6].join("\n") + "\nclose\t0\n").unwrap();
        let output = till.command(&file, &[script.to_str().unwrap()]).output().unwrap();
        let said = support::text(&output.stdout);
        let names: Vec<EventId> =
            said.lines().filter_map(|line| line.strip_prefix("record\t")?.parse().ok()).collect();
        assert_eq!(names.len(), 6, "{language}: {said}{}", support::text(&output.stderr));

        // The third and the fourth are gone from the disk.
        let chain: Chain = names[0].chain;
        let gone = [names[2], names[3]];
        let writes = gone.map(|event| Write::delete(Space::Event, event.to_key())).to_vec();
        let mut store = SqliteStore::open(&folder.path().join("till-1.db")).unwrap();
        store.commit(&[Persist { id: PersistId(1), writes }]).unwrap();
        drop(store);

        fs::write(&script, "events_since\t\n").unwrap();
        let output = till.command(&file, &[script.to_str().unwrap()]).output().unwrap();
        let (said, errors) = (support::text(&output.stdout), support::text(&output.stderr));
        let skipped = said.lines().find_map(|line| line.strip_prefix("skipped\t"));
        let skipped: serde_json::Value =
            serde_json::from_str(skipped.unwrap_or_else(|| panic!("{language}: {said}{errors}"))).unwrap();
        assert_eq!(
            skipped,
            serde_json::json!({ "first": gone[0].to_string(), "last": gone[1].seq.0 }),
            "{language}"
        );
        let cursor = said.lines().find_map(|line| line.strip_prefix("cursor\t")).unwrap();
        let cursor: serde_json::Value = serde_json::from_str(cursor).unwrap();
        let last = cursor.as_object().unwrap().iter().find(|(name, _)| chain.to_string() == **name).unwrap();
        assert!(
            last.1.as_u64().unwrap() >= names[5].seq.0,
            "{language} stands behind what was gone: {cursor}"
        );
        assert!(Seq(last.1.as_u64().unwrap()) > gone[1].seq, "{language}");

        // From there a reading meets it no more.
        fs::write(&script, format!("events_since\t{cursor}\n")).unwrap();
        let output = till.command(&file, &[script.to_str().unwrap()]).output().unwrap();
        let said = support::text(&output.stdout);
        assert!(!said.contains("skipped") && !said.contains("refused"), "{language}: {said}");
    }
}

/// Makes a program in a folder; none where this machine cannot build it.
#[cfg(unix)]
type Made = fn(&Path) -> Option<support::tills::Till>;

/// The programs of all languages that make the calls of a script.
#[cfg(unix)]
const LANGUAGES: [(&str, Made); 5] = [
    ("C", support::tills::calls_in_c),
    ("C++", support::tills::calls_in_cpp),
    ("Python", support::tills::calls_in_python),
    ("C#", support::tills::calls_in_csharp),
    ("Java", support::tills::calls_in_java),
];

/// What the programs of all languages but C say to a script with a library of the test's own: see [`stand_in`].
#[cfg(unix)]
fn with_a_library(script: &str, body: impl Fn(&str) -> Option<&'static str>) -> Vec<(&'static str, String)> {
    let Some(library) = stand_in::StandIn::new(body) else { return Vec::new() };
    let folder = tempfile::tempdir().unwrap();
    let (config, file) = (folder.path().join("till.json"), folder.path().join("script.txt"));
    fs::write(&config, "{}").unwrap();
    fs::write(&file, script).unwrap();
    let said = LANGUAGES[1..].iter().filter_map(|(language, made)| {
        let program = tempfile::tempdir().unwrap();
        let output = library.run(language, &made(program.path())?, &config, &[file.to_str().unwrap()]);
        Some((*language, support::text(&output.stderr) + &support::text(&output.stdout)))
    });
    said.collect()
}

/// A library of another interface is refused before it is asked anything, in every language: by the node and by what needs none.
#[test]
#[cfg(unix)]
fn a_library_of_another_interface_is_refused_in_every_language() {
    let said = with_a_library("status\n", |name| (name == "edgepos_abi").then_some("return 99;"));
    for (language, said) in said {
        assert!(said.contains("interface"), "{language}: {said}");
    }
}

/// A terminal that hangs is not closed, and can be closed again; what is left then is said again. A status without a detail is said in its own
/// words.
#[test]
#[cfg(unix)]
fn a_terminal_that_hangs_can_be_closed_again_in_every_language() {
    let said = with_a_library("close\t0\nclose\t0\nclose\t0\n", |name| match name {
        "edgepos_abi" => Some("return EDGEPOS_ABI;"),
        "edgepos_node_open" => Some("*out = (edgepos_node *)(uintptr_t)16; return EDGEPOS_OK;"),
        "edgepos_node_close" => Some(
            "static int calls; calls += 1; if (calls == 2) { *left = 7; return EDGEPOS_OK; } \
             return calls < 2 ? EDGEPOS_BUSY : EDGEPOS_STOPPED;",
        ),
        "edgepos_status_text" => Some("return status == EDGEPOS_BUSY ? \"ask again\" : \"another\";"),
        _ => None,
    });
    for (language, said) in said {
        let closed: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("close\t")).collect();
        assert_eq!(closed, ["refused -4 ask again", "1", "1"], "{language}: {said}");
    }
}

/// Makes a store fail at the next event of an application's own.
#[cfg(unix)]
const SPOILS: &str = "CREATE TRIGGER spoils BEFORE INSERT ON events WHEN NEW.kind_name = 'custom' BEGIN SELECT RAISE(ABORT, 'spoilt'); END";

/// A terminal whose store has failed is closed by nothing, and nobody is told that the cloud has all of it: each language says what C does. One
/// that was closed says again what is left, where C says that it has stopped.
#[test]
#[cfg(unix)]
fn a_terminal_that_failed_is_closed_in_no_language() {
    let goods =
        r#"record	{"type":"stock_received","from":"dairy","lines":[{"product":"milk","quantity":1}]}"#;
    let spoils = r#"record	{"type":"custom","body":"00"}"#;
    for (language, made) in LANGUAGES {
        let folder = tempfile::tempdir().unwrap();
        let Some(till) = made(folder.path()) else { continue };
        let (file, script) = (folder.path().join("till.json"), folder.path().join("script.txt"));
        fs::write(&file, support::config(folder.path())).unwrap();
        let says = |calls: &[&str]| {
            fs::write(&script, calls.join("\n") + "\n").unwrap();
            let said = answers_of(&till, &file, &script);
            said.into_iter().map(|(_, answer)| answer).collect::<Vec<_>>()
        };
        let closed = says(&[goods, "close\t0", "close\t0"]);
        assert_eq!(closed[1], "1", "{language}");
        match language {
            "C" => assert!(closed[2].starts_with("refused -5 "), "{closed:?}"),
            _ => assert_eq!(closed[2], "1", "{language}"),
        }
        if !support::spoil(&folder.path().join("till-1.db"), SPOILS) {
            return;
        }
        let failed = says(&[spoils, "close\t0", "close\t0"]);
        assert!(failed.iter().all(|answer| answer.starts_with("refused -5 ")), "{language}: {failed:?}");
        assert!(failed[1].contains("spoilt") && failed[1] == failed[2], "{language}: {failed:?}");
    }
}
