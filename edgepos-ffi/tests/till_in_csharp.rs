//! A till in C#, on a class library for .NET, does what the one in C does.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use support::tills;

#[test]
fn a_till_in_csharp_books_once_through_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let Some(till) = tills::in_csharp(folder.path()) else { return };
    till.lives_through_a_crash();
}
