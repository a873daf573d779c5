//! Programs in all languages with a library of the test's own in place of the one of this build.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::header::functions;
use crate::support::tills::Till;
use crate::support::{compiler, root};

/// A shared library that has every function of the header.
pub(crate) struct StandIn {
    folder: TempDir,
}

impl StandIn {
    /// What a function does is said by `body`, in C; the others say that all went well. `None` where this machine has no compiler.
    pub(crate) fn new(body: impl Fn(&str) -> Option<&'static str>) -> Option<Self> {
        let compiler = compiler(false)?;
        let folder = tempfile::tempdir().unwrap();
        let bodies = functions().into_iter().map(|function| {
            let body = body(&function.name).unwrap_or(match function.gives.as_str() {
                "void" => "",
                "const char *" => "return \"\";",
                _ => "return 0;",
            });
            let takes: Vec<String> =
                function.takes.iter().map(|(kind, name)| format!("{kind} {name}")).collect();
            format!("{} {}({}) {{ {body} }}\n", function.gives, function.name, takes.join(", "))
        });
        let source = folder.path().join("stand_in.c");
        let head = "#include <edgepos.h>\n#include <string.h>\n";
        fs::write(&source, format!("{head}{}", bodies.collect::<String>())).unwrap();
        let made = Self { folder };
        let built = Command::new(compiler)
            .args(["-std=c99", "-shared", "-fPIC", "-Wl,-soname,libedgepos_ffi.so"])
            .arg(format!("-I{}", root().join("edgepos-ffi/include").display()))
            .arg("-o")
            .args([&made.library(), &source])
            .status();
        assert!(built.unwrap().success());
        Some(made)
    }

    fn library(&self) -> PathBuf {
        self.folder.path().join("libedgepos_ffi.so")
    }

    /// Runs a program of one of the languages with it.
    pub(crate) fn run(&self, language: &str, till: &Till, config: &Path, steps: &[&str]) -> Output {
        let (variable, value): (&str, OsString) = match language {
            "C" | "C++" => ("LD_PRELOAD", self.library().into()),
            "Python" => ("EDGEPOS_LIBRARY", self.library().into()),
            "C#" => ("LD_LIBRARY_PATH", self.folder.path().into()),
            _ => ("_JAVA_OPTIONS", format!("-Djna.library.path={}", self.folder.path().display()).into()),
        };
        till.command(config, steps).env(variable, value).output().unwrap()
    }
}
