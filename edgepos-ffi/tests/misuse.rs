//! What a program does wrong is answered and harms nothing, and a fault of the library ends no program.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::fs;
use std::process::{Command, Output};

/// Builds a program of `tests/c` and runs it; `None` where this machine cannot.
fn run(name: &str) -> Option<Output> {
    let compiler = support::compiler(false)?;
    let folder = tempfile::tempdir().unwrap();
    let (config, program) = (folder.path().join("till.json"), folder.path().join(name));
    fs::write(&config, support::config(folder.path())).unwrap();
    let source = support::root().join(format!("edgepos-ffi/tests/c/{name}.c"));
    support::build(&compiler, "c11", &source, &program);
    Some(Command::new(&program).arg(&config).arg(support::root().join("models")).output().unwrap())
}

#[test]
fn wrong_calls_are_answered() {
    let Some(output) = run("misuse") else { return };
    assert_eq!(support::text(&output.stderr), "");
    assert_eq!(support::text(&output.stdout), "0 failures\n");
    assert!(output.status.success());
}

#[test]
fn wrong_calls_of_a_loop_of_ones_own_are_answered() {
    let Some(output) = run("own_loop_misuse") else { return };
    assert_eq!(support::text(&output.stderr), "");
    assert_eq!(support::text(&output.stdout), "0 failures\n");
    assert!(output.status.success());
}

#[test]
#[cfg(target_os = "linux")]
fn signals_are_the_hosts_and_a_broken_connection_ends_no_program() {
    let Some(output) = run("signals") else { return };
    assert_eq!(support::text(&output.stderr), "");
    assert_eq!(support::text(&output.stdout), "0 failures\n");
    assert!(output.status.success());
}

#[test]
fn a_panic_is_an_answer_and_the_program_goes_on() {
    let Some(output) = run("poison") else { return };
    let expected =
        "-6 a fault that was asked for\n-6 an earlier call of this handle failed inside the library\n0\n0\n";
    assert_eq!(support::text(&output.stdout), expected);
    assert_eq!(support::text(&output.stderr), "", "a host's stderr is not ours");
    assert!(output.status.success());
}
