//! Every binding has every call of the batteries-included level, and the same numbers as the header.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(path)).unwrap()
}

/// The functions that the header declares.
fn functions(header: &str) -> Vec<&str> {
    let declared = header.lines().filter(|line| !line.starts_with(' '));
    let names = declared.filter_map(|line| line.split_once('(')?.0.split(['*', ' ']).next_back());
    names.filter(|name| name.starts_with("edgepos_")).collect()
}

fn numbers(header: &str) -> BTreeMap<&str, i64> {
    let defined = header.lines().filter_map(|line| line.strip_prefix("#define EDGEPOS_")?.split_once(' '));
    defined.map(|(name, number)| (name, number.parse().unwrap())).collect()
}

#[test]
fn no_call_is_forgotten() {
    let header = read("edgepos-ffi/include/edgepos.h");
    let levels = ["edgepos_node_", "edgepos_events_", "edgepos_forecast"];
    let calls = functions(&header);
    let calls: Vec<&str> =
        calls.into_iter().filter(|name| levels.iter().any(|level| name.starts_with(level))).collect();
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
                None => text.contains(call),
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
            assert!(text.contains(call) || *call == "edgepos_node_free", "{path} does not use {call}");
        }
    }
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
    for (name, number) in failures {
        let words = name.split('_').map(|word| format!("{}{}", &word[..1], word[1..].to_lowercase()));
        let line = format!("{} = {number}", words.collect::<String>());
        assert!(
            csharp.contains(&format!("{line},")) || csharp.contains(&format!("{line}\n")),
            "C# lacks {line}"
        );
    }
}
