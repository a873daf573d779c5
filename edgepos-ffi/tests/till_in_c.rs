//! A till in C sells, takes back, is killed between commit and reply and asks again with the same key; another brings its own loop.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::process::Command;

#[test]
fn a_till_in_c_books_once_through_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let Some(till) = support::tills::in_c(folder.path()) else { return };
    till.lives_through_a_crash();
}

#[test]
fn a_program_with_a_loop_of_its_own_books_once_through_a_restart() {
    let Some(compiler) = support::compiler(false) else { return };
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("own_loop");
    support::build(&compiler, "c11", &support::root().join("examples/c/own_loop.c"), &program);
    let output = Command::new(&program).output().unwrap();
    let expected = "begun \"total\":258}\nbooked \"total\":258,\"repeated\":true}\nleads its store\n";
    assert_eq!(support::text(&output.stdout), expected, "{}", support::text(&output.stderr));
    assert!(output.status.success());
}

#[test]
fn a_card_is_charged_in_two_steps() {
    let folder = tempfile::tempdir().unwrap();
    let Some(till) = support::tills::in_c(folder.path()) else { return };
    let config = folder.path().join("till.json");
    std::fs::write(&config, support::config(folder.path())).unwrap();
    let output =
        till.command(&config, &["receive", "10", "pay", "1", "receipt", "1", "stock"]).output().unwrap();
    let expected = "received 10\nasked for 1 unresolved\npaid 1 total 258\nreceipt 1\n  2 x 04006381333931  258\n  total 258\nstock 8\n";
    assert_eq!(support::text(&output.stdout), expected, "{}", support::text(&output.stderr));
}
