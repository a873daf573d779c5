//! Programs in C and C++, built against the library of this build.
#![allow(dead_code, reason = "no test uses all of it")]
#![allow(clippy::unwrap_used, reason = "a test")]

pub(crate) mod calls;
pub(crate) mod tills;

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

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
        .arg("-iquote")
        .arg(root().join("edgepos-ffi/tests/c"))
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

/// A block of a language in a guide: the first sells, the second asks models.
pub(crate) fn block(guide: &str, language: &str, which: usize) -> String {
    let text = std::fs::read_to_string(root().join("docs").join(guide)).unwrap();
    let rest = text.split(&format!("```{language}\n")).nth(which).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

/// Changes a terminal's database behind its back; `false` where this machine has no Python to do so with, which is said.
pub(crate) fn spoil(database: &Path, statement: &str) -> bool {
    if !has("python3") {
        println!("skipped: this machine has no Python to spoil a store with");
        return false;
    }
    let source = "import sqlite3, sys; opened = sqlite3.connect(sys.argv[1]); opened.execute(sys.argv[2]); opened.commit()";
    let output = Command::new("python3").args(["-c", source]).arg(database).arg(statement).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    true
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
