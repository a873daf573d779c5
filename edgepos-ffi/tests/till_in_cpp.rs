//! A till in C++, by the header alone, does what the one in C does.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::fs;
use std::process::Command;

use support::tills;

#[test]
fn a_till_in_cpp_books_once_through_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    for standard in ["c++17", "c++20"] {
        let Some(till) = tills::in_cpp(folder.path(), standard) else { return };
        till.lives_through_a_crash();
    }
}

/// What a store throws while a terminal starts comes out behind the call, with the terminal not started; and one that throws nothing starts.
#[test]
fn an_exception_of_a_store_comes_out_behind_the_call() {
    let Some(compiler) = support::compiler(true) else { return };
    let folder = tempfile::tempdir().unwrap();
    let (file, program) = (folder.path().join("throws.cpp"), folder.path().join("throws"));
    let source = r#"
#include <edgepos.hpp>
#include <iostream>
struct Torn { int page; };
int main() {
    std::string config = R"(CONFIG)";
    int scans = 0;
    auto throws = [&](auto, auto, auto, auto, auto) { scans += 1; throw Torn{7}; };
    auto empty = [&](auto, auto, auto, auto, auto) { scans += 1; };
    try {
        edgepos::start(config, 1, 1, 1, false, throws);
    } catch (const Torn &torn) {
        std::cout << "torn " << torn.page << " after " << scans << "\n";
    }
    edgepos::Terminal terminal = edgepos::start(config, 1, 1, 1, false, empty);
    std::uint64_t me = 0;
    edgepos::detail::check(edgepos_terminal_me(terminal.get(), &me));
    std::cout << (scans > 1 && me != 0) << edgepos::start(config, 1, 1, 1, false, nullptr).operator bool() << "\n";
    try {
        edgepos::start("{}", 1, 1, 1, false, empty);
    } catch (const edgepos::Error &error) {
        std::cout << (error.status() == EDGEPOS_SETUP) << "\n";
    }
}
"#;
    fs::write(&file, source.replace("CONFIG", &support::config(folder.path()))).unwrap();
    for standard in ["c++17", "c++20"] {
        support::build(&compiler, standard, &file, &program);
        let output = Command::new(&program).output().unwrap();
        assert_eq!(
            support::text(&output.stdout),
            "torn 7 after 1\n11\n1\n",
            "{}",
            support::text(&output.stderr)
        );
    }
}
