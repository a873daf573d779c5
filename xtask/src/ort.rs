//! `cargo xtask ort`: fetches an ONNX Runtime library into `target/onnxruntime`, for the tests and benchmarks that
//! compare with it. The product does not need it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version fetched unless another is given.
const VERSION: &str = "1.32.0";

/// Downloads the Python wheel with pip, takes the library out of it, and says where it is.
///
/// Arguments: `[version]`, default 1.32.0; from 1.24 on any will do.
///
/// # Errors
/// When Python or pip is missing, the download fails, or the wheel has no library in it (older than 1.22).
pub fn run(args: &[String]) -> Result<(), String> {
    let version = args.first().map_or(VERSION, String::as_str);
    if !version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err(format!("usage: cargo xtask ort [version]; {version} is no version"));
    }
    let target = crate::root().join("target").join("onnxruntime");
    let work = target.join("wheel");
    if work.exists() {
        fs::remove_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
    }
    fs::create_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
    let requirement = format!("onnxruntime=={version}");
    python(
        &work,
        &["-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--dest", ".", &requirement],
    )?;
    let wheel = find(&work, |name| name.ends_with(".whl")).ok_or("pip downloaded no wheel")?;
    python(&work, &["-m", "zipfile", "-e", &wheel.to_string_lossy(), "."])?;
    let inside = work.join("onnxruntime").join("capi");
    let library =
        find(&inside, is_library).ok_or("the wheel has no library of its own; 1.22 and later have")?;
    let name = library.file_name().ok_or("the library has no name")?;
    let place = target.join(name);
    fs::rename(&library, &place).map_err(|error| format!("{}: {error}", place.display()))?;
    fs::remove_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
    println!("{}", place.display());
    Ok(())
}

fn is_library(name: &str) -> bool {
    let stem = ["libonnxruntime.so", "libonnxruntime.", "onnxruntime.dll"];
    stem.iter().any(|stem| name.starts_with(stem)) && !name.contains("providers")
}

fn find(directory: &Path, wanted: impl Fn(&str) -> bool) -> Option<PathBuf> {
    let entries = fs::read_dir(directory).ok()?.filter_map(Result::ok);
    entries
        .map(|entry| entry.path())
        .find(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(&wanted))
}

/// `python3`, or `python` where it is called so.
fn python(directory: &Path, arguments: &[&str]) -> Result<(), String> {
    let mut reason = String::new();
    for interpreter in ["python3", "python"] {
        match Command::new(interpreter).args(arguments).current_dir(directory).status() {
            Ok(status) if status.success() => return Ok(()),
            Ok(status) => return Err(format!("{interpreter} {}: {status}", arguments.join(" "))),
            Err(error) => reason = error.to_string(),
        }
    }
    Err(format!("cannot start Python: {reason}"))
}
