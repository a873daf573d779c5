//! Programs in other languages, built against the library of this build and run.
#![allow(dead_code, reason = "no test uses all of it")]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Where this build has its libraries.
pub(crate) fn libraries() -> PathBuf {
    let folder = env::current_exe().unwrap().parent().unwrap().to_owned();
    assert!(folder.join("libedgepos_ffi.so").exists() || !cfg!(target_os = "linux"), "{}", folder.display());
    folder
}

/// Whether a program can be started.
pub(crate) fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// A compiler of C, or of C++ where `plus`; `None` where this machine has none, which is said.
pub(crate) fn compiler(plus: bool) -> Option<String> {
    let (variable, usual): (_, &[&str]) =
        if plus { ("CXX", &["c++", "g++", "clang++"]) } else { ("CC", &["cc", "gcc", "clang"]) };
    let named = env::var(variable).ok();
    let found = named.into_iter().chain(usual.iter().map(|name| (*name).to_owned())).find(|name| has(name));
    if found.is_none() {
        println!("skipped: this machine has no compiler of {}", if plus { "C++" } else { "C" });
    }
    found
}

/// What a compiler is told about warnings.
pub(crate) const STRICT: [&str; 5] = ["-Wall", "-Wextra", "-Wconversion", "-Werror", "-pedantic"];

/// Builds a program of one file against the shared library.
pub(crate) fn build(compiler: &str, standard: &str, source: &Path, program: &Path) {
    let libraries = libraries();
    let output = Command::new(compiler)
        .arg(format!("-std={standard}"))
        .args(STRICT)
        .arg(format!("-I{}", root().join("edgepos-ffi/include").display()))
        .arg(format!("-I{}", root().join("bindings/cpp").display()))
        .arg(source)
        .arg("-o")
        .arg(program)
        .arg(format!("-L{}", libraries.display()))
        .args(["-ledgepos_ffi", "-lpthread"])
        .arg(format!("-Wl,-rpath,{}", libraries.display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}:\n{}", source.display(), text(&output.stderr));
}

/// What a program wrote.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A configuration of a store of one terminal, whose cloud does not answer.
pub(crate) fn config(folder: &Path) -> String {
    format!(
        "{{\"terminal\":1,\"store\":\"07070707070707070707070707070707\",\"database\":{:?},\"listen\":\"127.0.0.1:0\",\
         \"cloud\":\"http://127.0.0.1:9\"}}",
        folder.join("till-1.db").display().to_string()
    )
}

/// The steps that every till does, run as two processes, and what they print: see `examples/c/till.c`.
pub(crate) fn lives_through_a_crash(till: impl Fn(&Path, &[&str]) -> Output) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("till.json");
    fs::write(&file, config(folder.path())).unwrap();
    let killed = till(&file, &["receive", "10", "sell", "1", "kill", "2"]);
    assert!(!killed.status.success(), "it was killed");
    assert_eq!(
        text(&killed.stdout),
        "received 10\nsold 1 total 258 repeated false\n",
        "{}",
        text(&killed.stderr)
    );
    let again = till(&file, &["again", "2", "again", "2", "return", "1", "receipt", "2", "notices", "stock"]);
    let expected = "sold 2 total 258 repeated true\nsold 2 total 258 repeated true\nreturned 1 total -129\nreceipt 2\n  \
                    2 x 04006381333931  258\n  total 258\nnotices recorded others\nstock 7\n";
    assert_eq!(text(&again.stdout), expected, "{}", text(&again.stderr));
    assert_eq!(text(&again.stderr), "", "the library writes nothing there");
    assert!(again.status.success());
}

/// Installs the wheel of this build into a folder; `None` where this machine has no Python with pip.
pub(crate) fn wheel(folder: &Path) -> Option<PathBuf> {
    let pip = Command::new("python3").args(["-m", "pip", "--version"]).output();
    if !pip.is_ok_and(|output| output.status.success()) {
        println!("skipped: this machine has no Python with pip");
        return None;
    }
    let library = libraries().join("libedgepos_ffi.so");
    let script = root().join("bindings/python/build_wheel.py");
    let built = Command::new("python3").arg(script).arg(library).arg(folder).output().unwrap();
    assert!(built.status.success(), "{}", text(&built.stderr));
    let wheel = text(&built.stdout).trim().to_owned();
    let site = folder.join("site");
    let pip = Command::new("python3")
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-index",
            "--no-deps",
            "--disable-pip-version-check",
            "--target",
        ])
        .arg(&site)
        .arg(&wheel)
        .output()
        .unwrap();
    assert!(pip.status.success(), "{}", text(&pip.stderr));
    Some(site)
}
