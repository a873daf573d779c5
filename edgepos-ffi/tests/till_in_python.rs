//! A till in Python, from a wheel that bundles the library, does what the one in C does.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::process::Command;

#[test]
fn a_till_in_python_books_once_through_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let Some(site) = support::wheel(folder.path()) else { return };
    support::lives_through_a_crash(|config, steps| {
        Command::new("python3")
            .arg(support::root().join("examples/python/till.py"))
            .arg(config)
            .args(steps)
            .env("PYTHONPATH", &site)
            .output()
            .unwrap()
    });
}
