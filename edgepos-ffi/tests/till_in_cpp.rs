//! A till in C++, by the header alone, does what the one in C does.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::process::Command;

#[test]
fn a_till_in_cpp_books_once_through_a_crash() {
    let Some(compiler) = support::compiler(true) else { return };
    let folder = tempfile::tempdir().unwrap();
    for standard in ["c++17", "c++20"] {
        let program = folder.path().join(standard);
        support::build(&compiler, standard, &support::root().join("examples/cpp/till.cpp"), &program);
        support::lives_through_a_crash(|config, steps| {
            Command::new(&program).arg(config).args(steps).output().unwrap()
        });
    }
}
