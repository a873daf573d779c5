//! A till in C++, by the header alone, does what the one in C does.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use support::tills;

#[test]
fn a_till_in_cpp_books_once_through_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    for standard in ["c++17", "c++20"] {
        let Some(till) = tills::in_cpp(folder.path(), standard) else { return };
        till.lives_through_a_crash();
    }
}
