//! A till in Java, on JNA, does what the one in C does.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use support::tills;

#[test]
fn a_till_in_java_books_once_through_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let Some(till) = tills::in_java(folder.path()) else { return };
    till.lives_through_a_crash();
}
