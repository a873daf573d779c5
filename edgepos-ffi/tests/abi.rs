//! The binary interface is the committed one: what is exported under which name, and, by `abidiff` over the debug information, what each function
//! takes and gives. A function may be added; `EDGEPOS_WRITE_ABI=1` writes the baseline anew, which a change of `EDGEPOS_ABI` goes with where
//! something was taken out or changed.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Bits of what `abidiff` ends with: it could not compare, and something differs.
const FAILED: i32 = 3;
const CHANGED: i32 = 4;
const INCOMPATIBLE: i32 = 8;

fn committed(name: &str) -> PathBuf {
    support::root().join("edgepos-ffi/abi").join(name)
}

fn writes() -> bool {
    std::env::var_os("EDGEPOS_WRITE_ABI").is_some()
}

fn has_abidiff() -> bool {
    let found = support::has("abidiff");
    if !found {
        println!("skipped: this machine has no abidiff, of Debian's abigail-tools");
    }
    found
}

/// Of everything that is linked into the library only its own functions count.
const OURS: &str = "[suppress_function]\nsymbol_name_not_regexp = ^edgepos_\ndrop = yes\n\n\
                    [suppress_variable]\nname_regexp = .*\ndrop = yes\n";

/// The interface of a library with debug information, as text, without what is empty.
fn interface(library: &Path, folder: &Path) -> String {
    let (ours, out) = (folder.join("ours.ini"), folder.join("all.abi"));
    fs::write(&ours, OURS).unwrap();
    let output = Command::new("abidw")
        .args(["--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", "--no-architecture"])
        .args(["--no-elf-needed", "--drop-undefined-syms", "--suppressions"])
        .arg(&ours)
        .arg("--out-file")
        .arg(&out)
        .arg(library)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", support::text(&output.stderr));
    let text = fs::read_to_string(&out).unwrap();
    let mut kept: Vec<&str> = Vec::new();
    // The functions that fail for a test are of test builds alone.
    let mut poison = false;
    for line in text.lines() {
        poison |= line.contains("_poison");
        if poison {
            poison =
                line.contains("<function-decl ") || line.contains("<parameter ") || line.contains("<return ");
        } else if line.trim() == "</abi-instr>"
            && kept.last().is_some_and(|last| last.contains("<abi-instr "))
        {
            kept.pop();
        } else {
            kept.push(line);
        }
    }
    kept.join("\n") + "\n"
}

/// How two interfaces differ: what it ends with, and in words.
fn differ(before: &Path, after: &Path) -> (i32, String) {
    let output = Command::new("abidiff").args([before, after]).output().unwrap();
    let code = output.status.code().unwrap();
    // What it cannot read is equal to everything.
    assert_eq!((code & FAILED, support::text(&output.stderr).as_str()), (0, ""));
    (code, support::text(&output.stdout))
}

#[test]
fn the_functions_of_the_header_are_those_of_the_baseline() {
    let header = fs::read_to_string(support::root().join("edgepos-ffi/include/edgepos.h")).unwrap();
    let declared = header.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()));
    let names = declared.filter_map(|line| line.split_once('(')?.0.split(['*', ' ']).next_back());
    let names: BTreeSet<&str> = names.filter(|name| name.starts_with("edgepos_")).collect();
    let abi = header.lines().find_map(|line| line.strip_prefix("#define EDGEPOS_ABI ")).unwrap();
    let text = std::iter::once(format!("SONAME libedgepos_ffi.so.{abi}"))
        .chain(names.iter().map(|name| (*name).to_owned()))
        .map(|line| line + "\n")
        .collect::<String>();
    if writes() {
        fs::write(committed("exported"), &text).unwrap();
    }
    assert!(names.len() > 100, "{names:?}");
    let baseline = fs::read_to_string(committed("exported")).unwrap();
    assert_eq!(text, baseline, "EDGEPOS_WRITE_ABI=1 writes it anew");
}

#[test]
fn each_function_takes_and_gives_what_it_did() {
    if !has_abidiff() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let text = interface(&support::libraries().join("libedgepos_ffi.so"), folder.path());
    let (baseline, now) = (committed("libedgepos_ffi.abi"), folder.path().join("now.abi"));
    fs::write(&now, &text).unwrap();
    if writes() {
        fs::copy(&now, &baseline).unwrap();
    }
    let (code, said) = differ(&baseline, &now);
    assert_eq!(code, 0, "EDGEPOS_WRITE_ABI=1 writes it anew: {said}");
    // A library without debug information has nothing to compare.
    let functions = text.matches("<function-decl name='edgepos_").count();
    assert!(functions > 100, "only {functions} functions are described");

    // A function that takes something else is found, and one that is gone.
    let changes = |from: &str, to: &str| {
        let changed = text.replacen(from, to, if from.starts_with('<') { 1 } else { usize::MAX });
        assert_ne!(changed, text, "{from}");
        fs::write(&now, changed).unwrap();
        differ(&baseline, &now)
    };
    let (code, said) =
        changes("<type-decl name='u64' size-in-bits='64'", "<type-decl name='u64' size-in-bits='32'");
    assert_ne!(code & CHANGED, 0, "{said}");
    let (code, said) = changes("edgepos_node_begin", "edgepos_node_started");
    assert_ne!(code & INCOMPATIBLE, 0, "{said}");
}

#[test]
fn the_comparison_finds_a_changed_struct_and_needs_debug_information() {
    let Some(compiler) = support::compiler(false) else { return };
    if !has_abidiff() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let library = |name: &str, fields: &str, debug: &str| {
        let (source, library) = (folder.path().join("shape.c"), folder.path().join(name));
        let text = format!(
            "struct shape {{ {fields} }};\nint area(const struct shape *shape) {{ return shape->a; }}\n"
        );
        fs::write(&source, text).unwrap();
        let built = Command::new(&compiler)
            .args(["-shared", "-fPIC", debug, "-o"])
            .args([&library, &source])
            .output();
        assert!(built.unwrap().status.success());
        library
    };
    let (one, other) = ("int a; int b;", "int a; long c; int b;");
    let same = differ(&library("1.so", one, "-g"), &library("2.so", one, "-g"));
    assert_eq!(same.0, 0, "{}", same.1);
    let changed = differ(&library("1.so", one, "-g"), &library("2.so", other, "-g"));
    assert_ne!(changed.0 & CHANGED, 0, "{}", changed.1);
    let blind = differ(&library("1.so", one, "-g0"), &library("2.so", other, "-g0"));
    assert_eq!(blind.0, 0, "without debug information it says nothing: {}", blind.1);
}
