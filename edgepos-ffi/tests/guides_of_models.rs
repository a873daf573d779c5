//! What the guides show of models is run in each language, with the models that are shipped.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use support::{block, tills};

/// In place of the 300 ms of the guides: an unoptimised build on a busy machine.
const SLOW_MS: &str = "120000";

const PAYMENT: &str =
    r#"{"amount":2490,"currency":"EUR","card_present":true,"weekday":2,"second_of_day":57600}"#;

fn models() -> PathBuf {
    support::root().join("models")
}

fn used() -> String {
    json!({ "folder": models(), "deadline_ms": SLOW_MS.parse::<u64>().unwrap() }).to_string()
}

fn samples() -> String {
    models().join("samples").display().to_string()
}

/// Text in a string of C#, Java or C.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// The five lines that a guide's program prints.
fn five_answers(mut command: Command) {
    let output = command.output().unwrap();
    let (said, errors) = (support::text(&output.stdout), support::text(&output.stderr));
    let lines: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 5, "{said}{errors}");
    let words = [&lines[0]["label"], &lines[1]["gtin"], &lines[2]["word"], &lines[3]["suspicious"]];
    let expected = [json!("espresso"), json!("04006381333931"), json!("refund"), json!(false)];
    assert_eq!(words, expected.each_ref(), "{said}");
    assert!(lines[4]["expected"].as_u64().unwrap() > 0, "{said}");
}

fn run(till: &tills::Till) {
    five_answers(till.command(Path::new("-"), &[]));
}

#[test]
fn models_in_c() {
    let Some(compiler) = support::compiler(false) else { return };
    let folder = tempfile::tempdir().unwrap();
    let (config, used) = (quoted(&support::config(folder.path())), quoted(&used()));
    let source = format!(
        "#include <edgepos.h>\n#include <stdio.h>\n#include <string.h>\n{}\nint main(void) {{\n\
         static uint8_t picture[1 << 20];\nedgepos_node *node = NULL;\nFILE *file = fopen(\"{}/espresso.png\", \"rb\");\n\
         size_t length = file ? fread(picture, 1, sizeof picture, file) : 0;\nconst char *config = \"{config}\";\n\
         if (!file || edgepos_node_open(config, strlen(config), &node) != EDGEPOS_OK) {{ return 2; }}\n\
         look(node, \"{used}\", picture, length);\nedgepos_node_free(node);\nreturn fclose(file);\n}}\n",
        block("c-guide.md", "c", 1).replace("length, 300,", &format!("length, {SLOW_MS},")),
        samples(),
    );
    let (file, program) = (folder.path().join("look.c"), folder.path().join("look"));
    fs::write(&file, source).unwrap();
    support::build(&compiler, "c11", &file, &program);
    let output = Command::new(&program).output().unwrap();
    let said = support::text(&output.stdout);
    assert!(said.contains("\"label\":\"espresso\""), "{said}{}", support::text(&output.stderr));
}

#[test]
fn models_in_cpp() {
    let Some(compiler) = support::compiler(true) else { return };
    let folder = tempfile::tempdir().unwrap();
    let source = format!(
        "#include <edgepos.hpp>\n#include <fstream>\n#include <iostream>\n#include <sstream>\n\
         static std::string read(const std::string &name) {{\nstd::ostringstream all;\n\
         all << std::ifstream(\"{}/\" + name, std::ios::binary).rdbuf();\nreturn all.str();\n}}\n\
         int main() {{\nedgepos::Node node(R\"({})\");\nstd::string models = R\"({})\", payment = R\"({PAYMENT})\";\n{}}}\n",
        samples(),
        support::config(folder.path()),
        used(),
        block("c-guide-cpp.md", "cpp", 2).replace("(300)", &format!("({SLOW_MS})")),
    );
    let (file, program) = (folder.path().join("look.cpp"), folder.path().join("look"));
    fs::write(&file, source).unwrap();
    support::build(&compiler, "c++17", &file, &program);
    five_answers(Command::new(&program));
}

#[test]
fn models_in_csharp() {
    let folder = tempfile::tempdir().unwrap();
    let source = format!(
        "class Shown {{\nstatic byte[] read(string name) {{ return System.IO.File.ReadAllBytes(\"{}/\" + name); }}\n\
         static void Main() {{\nstring models = \"{}\", payment = \"{}\";\nusing (var node = new Edgepos.Node(\"{}\")) {{\n{}}} }} }}\n",
        samples(),
        quoted(&used()),
        quoted(PAYMENT),
        quoted(&support::config(folder.path())),
        block("c-guide-csharp.md", "csharp", 2).replace("(300)", &format!("({SLOW_MS})")),
    );
    let file = folder.path().join("Shown.cs");
    fs::write(&file, source).unwrap();
    let Some(till) = tills::csharp(folder.path(), &file) else { return };
    run(&till);
}

#[test]
fn models_in_java() {
    let folder = tempfile::tempdir().unwrap();
    let source = format!(
        "class Shown {{\nstatic byte[] read(String name) throws java.io.IOException {{\n\
         return java.nio.file.Files.readAllBytes(java.nio.file.Path.of(\"{}\", name)); }}\n\
         public static void main(String[] arguments) throws java.io.IOException {{\nString models = \"{}\", payment = \"{}\";\n\
         try (io.edgepos.Node node = new io.edgepos.Node(\"{}\")) {{\n{}}} }} }}\n",
        samples(),
        quoted(&used()),
        quoted(PAYMENT),
        quoted(&support::config(folder.path())),
        block("c-guide-java.md", "java", 2).replace("(300)", &format!("({SLOW_MS})")),
    );
    let file = folder.path().join("Shown.java");
    fs::write(&file, source).unwrap();
    let Some(till) = tills::java(folder.path(), &file, "Shown") else { return };
    run(&till);
}

#[test]
fn models_in_python() {
    let folder = tempfile::tempdir().unwrap();
    let Some(site) = tills::wheel(folder.path()) else { return };
    let body = block("c-guide-python.md", "python", 2).replace('\n', "\n    ");
    let source = format!(
        "import edgepos, json, pathlib\ndef read(name): return (pathlib.Path('{}') / name).read_bytes()\n\
         models, payment, patience = '{}', json.loads('{PAYMENT}'), {SLOW_MS}\n\
         with edgepos.Node('{}') as node:\n    {body}\n",
        samples(),
        models().display(),
        support::config(folder.path()),
    );
    let mut command = Command::new("python3");
    command.args(["-c", &source]).env("PYTHONPATH", &site);
    five_answers(command);
}
