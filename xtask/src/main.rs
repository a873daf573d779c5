//! `cargo xtask tidy` checks the tree itself; `cargo xtask ort` fetches ONNX Runtime for tests and benchmarks;
//! `cargo xtask models` makes, signs and verifies sets of models.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("tidy") => report(&xtask::tidy::check(&xtask::root())),
        Some("ort") => finish(xtask::ort::run(&arguments[1..])),
        Some("models") => finish(xtask::models::run(&arguments[1..])),
        _ => {
            eprintln!("usage: cargo xtask tidy | ort | models");
            ExitCode::from(2)
        }
    }
}

fn finish(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
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
