//! A till in Python, from a wheel that bundles the library, does what the one in C does.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use support::tills;

#[test]
fn a_till_in_python_books_once_through_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let Some(till) = tills::in_python(folder.path()) else { return };
    till.lives_through_a_crash();
}
