//! What the guides show is run.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use support::tills;

/// Every block of every guide, by its language. One in `sh` is run by `.ci/capi`; what sells is run below, and what asks models in
/// `guides_of_models.rs`.
const BLOCKS: [(&str, &[&str]); 5] = [
    ("c-guide.md", &["sh", "c"]),
    ("c-guide-cpp.md", &["cpp", "cpp"]),
    ("c-guide-csharp.md", &["sh", "csharp", "csharp"]),
    ("c-guide-java.md", &["sh", "java", "java", "kotlin"]),
    ("c-guide-python.md", &["sh", "python", "python"]),
];

#[test]
fn no_block_is_shown_that_nothing_runs() {
    let docs = support::root().join("docs");
    let pages = fs::read_dir(&docs).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut pages: Vec<String> = pages.filter(|name| name.starts_with("c-guide")).collect();
    pages.sort();
    let mut known: Vec<&str> = BLOCKS.iter().map(|(page, _)| *page).collect();
    known.sort_unstable();
    assert_eq!(pages, known, "a page a language");
    let capi = fs::read_to_string(support::root().join(".ci/capi")).unwrap();
    for (page, languages) in BLOCKS {
        let text = fs::read_to_string(docs.join(page)).unwrap();
        let fences: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("```")).collect();
        let opened: Vec<&str> = fences.iter().step_by(2).copied().collect();
        assert_eq!(opened, languages, "{page}: run the new block in a test, and name it here");
        if languages.contains(&"sh") {
            let packaged = capi.lines().any(|line| line.starts_with("    packaged ") && line.ends_with(page));
            assert!(packaged || capi.contains(&format!("block docs/{page} sh")), "{page}");
        }
    }
}

fn shown(guide: &str, language: &str) -> String {
    support::block(guide, language, 1)
}

#[test]
fn the_example_in_cpp_runs() {
    let Some(compiler) = support::compiler(true) else { return };
    let folder = tempfile::tempdir().unwrap();
    let config = support::config(folder.path());
    let source = format!(
        "#include <edgepos.hpp>\n#include <iostream>\nint main() {{\nstd::string config = R\"({config})\";\n{}}}\n",
        shown("c-guide-cpp.md", "cpp").replace("seconds(10)", "seconds(0)")
    );
    let (file, program) = (folder.path().join("shown.cpp"), folder.path().join("shown"));
    fs::write(&file, source).unwrap();
    support::build(&compiler, "c++17", &file, &program);
    let output = Command::new(&program).output().unwrap();
    let lines = support::text(&output.stdout);
    let repeated: Vec<bool> = lines.lines().map(|line| line.contains("\"repeated\":true")).collect();
    assert_eq!(repeated, [false, true], "{lines}{}", support::text(&output.stderr));
}

/// Runs a program that books twice under one key, and prints both answers.
fn books_once(till: &tills::Till) {
    let output = till.command(Path::new("-"), &[]).output().unwrap();
    let lines = support::text(&output.stdout);
    let repeated: Vec<bool> = lines.lines().map(|line| line.contains("\"repeated\":true")).collect();
    assert_eq!(repeated, [false, true], "{lines}{}", support::text(&output.stderr));
}

#[test]
fn the_example_in_csharp_runs() {
    let folder = tempfile::tempdir().unwrap();
    let config = support::config(folder.path()).replace('"', "\"\"");
    let body = shown("c-guide-csharp.md", "csharp").replace("FromSeconds(10)", "FromSeconds(0)");
    let file = folder.path().join("Shown.cs");
    let source = format!("class Shown {{ static void Main() {{\nvar config = @\"{config}\";\n{body}}} }}\n");
    fs::write(&file, source).unwrap();
    let Some(till) = tills::csharp(folder.path(), &file) else { return };
    books_once(&till);
}

#[test]
fn the_example_in_java_runs() {
    let folder = tempfile::tempdir().unwrap();
    let config = support::config(folder.path()).replace('"', "\\\"");
    let body = shown("c-guide-java.md", "java").replace("ofSeconds(10)", "ofSeconds(0)");
    let file = folder.path().join("Shown.java");
    let source = format!(
        "class Shown {{ public static void main(String[] arguments) {{\nString config = \"{config}\";\n{body}}} }}\n"
    );
    fs::write(&file, source).unwrap();
    let Some(till) = tills::java(folder.path(), &file, "Shown") else { return };
    books_once(&till);
}

#[test]
fn the_example_in_kotlin_runs() {
    let folder = tempfile::tempdir().unwrap();
    let config = support::config(folder.path());
    let body = shown("c-guide-java.md", "kotlin").replace("ofSeconds(10)", "ofSeconds(0)");
    let file = folder.path().join("Shown.kt");
    fs::write(&file, format!("fun main() {{\nval config = \"\"\"{config}\"\"\"\n{body}}}\n")).unwrap();
    let Some(till) = tills::kotlin(folder.path(), &file, "ShownKt") else { return };
    books_once(&till);
}

#[test]
fn the_example_in_python_runs() {
    let folder = tempfile::tempdir().unwrap();
    let Some(site) = tills::wheel(folder.path()) else { return };
    let config = support::config(folder.path());
    let source = format!("config = '''{config}'''\n{}", shown("c-guide-python.md", "python"));
    let output = Command::new("python3").args(["-c", &source]).env("PYTHONPATH", &site).output().unwrap();
    assert_eq!(support::text(&output.stdout), "False True\n", "{}", support::text(&output.stderr));
}
