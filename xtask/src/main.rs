//! `cargo xtask tidy` checks the tree itself; `cargo xtask header` writes the C header, `cargo xtask capi`
//! installs it with its libraries;
//! `cargo xtask ort` fetches ONNX Runtime for tests and benchmarks;
//! `cargo xtask models` makes, signs and verifies sets of models;
//! `cargo xtask mutants` plants single faults back and sees that each is found.

use std::error::Error;
use std::process::ExitCode;

use edgepos_inference::with_causes;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("tidy") => tidy(&arguments[1..]),
        Some("capi") => finish(xtask::capi::run(&arguments[1..])),
        Some("header") => finish(xtask::header::run(&arguments[1..])),
        Some("ort") => finish(xtask::ort::run(&arguments[1..])),
        Some("models") => finish(xtask::models::run(&arguments[1..])),
        Some("mutants") => finish(xtask::mutants::run(&arguments[1..])),
        _ => usage(),
    }
}

/// `--write` shortens the list of what is still allowed before the check, `--allow-new` with it also lengthens it.
fn tidy(arguments: &[String]) -> ExitCode {
    let given: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let written = match given[..] {
        [] => Ok(()),
        ["--write"] => xtask::tidy::write_allowed(&xtask::root(), false),
        ["--write", "--allow-new"] => xtask::tidy::write_allowed(&xtask::root(), true),
        _ => return usage(),
    };
    match written {
        Ok(()) => report(&xtask::tidy::check(&xtask::root())),
        Err(error) => finish(Err(error)),
    }
}

fn usage() -> ExitCode {
    eprintln!(
        "usage: cargo xtask tidy [--write [--allow-new]] | header [--check] | capi | ort | models | mutants"
    );
    ExitCode::from(2)
}

fn finish(result: Result<(), impl Error>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", with_causes(&error));
            ExitCode::FAILURE
        }
    }
}

fn report(findings: &[String]) -> ExitCode {
    for finding in findings {
        eprintln!("{finding}");
    }
    if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
