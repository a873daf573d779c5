//! A till in each language, and what all of them do.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{build, compiler, config, has, libraries, root, text};

/// What a program is run by that was compiled for no version of .NET: 3.1, or the latest of those behind it that there is.
const NET_CORE: &str = r#"{"runtimeOptions":{"rollForward":"LatestMajor","framework":{"name":"Microsoft.NETCore.App","version":"3.1.0"}}}"#;

/// A program that takes a configuration and steps: see `examples/c/till.c`.
#[derive(Debug)]
pub(crate) struct Till {
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(&'static str, OsString)>,
}

impl Till {
    fn new(program: impl Into<OsString>) -> Self {
        Self { program: program.into(), arguments: Vec::new(), environment: Vec::new() }
    }

    fn with(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    fn told(mut self, variable: &'static str, value: impl Into<OsString>) -> Self {
        self.environment.push((variable, value.into()));
        self
    }

    /// The program with a configuration and its steps.
    pub(crate) fn command(&self, config: &Path, steps: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg(config).args(steps).envs(self.environment.iter().cloned());
        command
    }

    /// The steps that every till does, run as two processes, and what they print.
    pub(crate) fn lives_through_a_crash(&self) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("till.json");
        fs::write(&file, config(folder.path())).unwrap();
        let killed = self.command(&file, &["receive", "10", "sell", "1", "kill", "2"]).output().unwrap();
        assert!(!killed.status.success(), "it was killed");
        let sold = "received 10\nsold 1 total 258 repeated false\n";
        assert_eq!(text(&killed.stdout), sold, "{}", text(&killed.stderr));
        let steps = ["again", "2", "again", "2", "return", "1", "receipt", "2", "notices", "stock"];
        let again = self.command(&file, &steps).output().unwrap();
        let expected = "sold 2 total 258 repeated true\nsold 2 total 258 repeated true\nreturned 1 total -129\nreceipt 2\n  \
                        2 x 04006381333931  258\n  total 258\nnotices recorded others\nstock 7\n";
        assert_eq!(text(&again.stdout), expected, "{}", text(&again.stderr));
        assert_eq!(text(&again.stderr), "", "the library writes nothing there");
        assert!(again.status.success());
    }
}

/// Does what must succeed.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}:\n{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// The program of a language that makes the calls of a script, in the folder `calls`; `None`, as below, where this machine cannot build it.
pub(crate) fn calls_in_c(folder: &Path) -> Option<Till> {
    let (compiler, program) = (compiler(false)?, folder.join("calls-c"));
    build(&compiler, "c11", &calls("calls.c"), &program);
    Some(Till::new(program))
}

pub(crate) fn calls_in_cpp(folder: &Path) -> Option<Till> {
    let (compiler, program) = (compiler(true)?, folder.join("calls-cpp"));
    build(&compiler, "c++17", &calls("calls.cpp"), &program);
    Some(Till::new(program))
}

pub(crate) fn calls_in_python(folder: &Path) -> Option<Till> {
    let site = wheel(folder)?;
    Some(Till::new("python3").with(calls("calls.py")).told("PYTHONPATH", site))
}

pub(crate) fn calls_in_csharp(folder: &Path) -> Option<Till> {
    csharp(folder, &calls("Calls.cs"))
}

pub(crate) fn calls_in_java(folder: &Path) -> Option<Till> {
    java(folder, &calls("Calls.java"), "Calls")
}

fn calls(name: &str) -> PathBuf {
    root().join("edgepos-ffi/tests/calls").join(name)
}

/// The till in C; `None`, as below, where this machine cannot build it, which is said.
pub(crate) fn in_c(folder: &Path) -> Option<Till> {
    let compiler = compiler(false)?;
    let program = folder.join("till-c");
    build(&compiler, "c11", &root().join("examples/c/till.c"), &program);
    Some(Till::new(program))
}

/// The till in C++, by one of its standards.
pub(crate) fn in_cpp(folder: &Path, standard: &str) -> Option<Till> {
    let compiler = compiler(true)?;
    let program = folder.join(format!("till-{standard}"));
    build(&compiler, standard, &root().join("examples/cpp/till.cpp"), &program);
    Some(Till::new(program))
}

/// The till in Python, on the installed wheel.
pub(crate) fn in_python(folder: &Path) -> Option<Till> {
    let site = wheel(folder)?;
    Some(Till::new("python3").with(root().join("examples/python/till.py")).told("PYTHONPATH", site))
}

/// The till in C#, on mono.
pub(crate) fn in_csharp(folder: &Path) -> Option<Till> {
    csharp(folder, &root().join("examples/csharp/Till.cs"))
}

/// A program in C#, with the class library.
pub(crate) fn csharp(folder: &Path, source: &Path) -> Option<Till> {
    if !has("mcs") || !has("mono") {
        println!("skipped: this machine has no mono");
        return None;
    }
    let (classes, program) = (folder.join("Edgepos.dll"), folder.join("Program.exe"));
    let strict = ["-langversion:7", "-warnaserror"];
    let out = |file: &Path| format!("-out:{}", file.display());
    let sources = root().join("bindings/csharp");
    run(Command::new("mcs")
        .args(strict)
        .args(["-target:library".into(), out(&classes)])
        .args([sources.join("Native.cs"), sources.join("Node.cs")]));
    run(Command::new("mcs")
        .args(strict)
        .args([format!("-r:{}", classes.display()), out(&program)])
        .arg(source));
    // The same programs, run by the .NET whose `dotnet` this names. What it is to be is said beside the program.
    let till = match std::env::var_os("EDGEPOS_DOTNET") {
        None => Till::new("mono"),
        Some(dotnet) => {
            fs::write(folder.join("Program.runtimeconfig.json"), NET_CORE).unwrap();
            Till::new(dotnet).with("exec").told("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1")
        }
    };
    Some(till.with(program).told("LD_LIBRARY_PATH", libraries()))
}

/// The till in Java, on JNA.
pub(crate) fn in_java(folder: &Path) -> Option<Till> {
    java(folder, &root().join("examples/java/Till.java"), "Till")
}

/// A program in Java, with the package.
pub(crate) fn java(folder: &Path, source: &Path, class: &str) -> Option<Till> {
    package(folder, Some(source)).map(|path| on_java(&path, class))
}

/// A program in Kotlin, with the package of Java.
pub(crate) fn kotlin(folder: &Path, source: &Path, class: &str) -> Option<Till> {
    if !Command::new("kotlinc").arg("-version").output().is_ok_and(|output| output.status.success()) {
        println!("skipped: this machine has no Kotlin compiler");
        return None;
    }
    let path = package(folder, None)?;
    // `use` of what is not a stream lies beside the library of an old version, and in it since 1.8.
    let beside = Path::new("/usr/share/java/kotlin-stdlib-jdk7.jar");
    let path = if beside.exists() { format!("{path}:{}", beside.display()) } else { path };
    let program = folder.join("kotlin.jar");
    run(Command::new("kotlinc").arg(source).args(["-cp", &path, "-include-runtime", "-d"]).arg(&program));
    Some(on_java(&format!("{}:{path}", program.display()), class))
}

/// Compiles the package, and a program with it; where it lies, with JNA, or `None` where this machine has no Java.
fn package(folder: &Path, source: Option<&Path>) -> Option<String> {
    let jna = std::env::var_os("EDGEPOS_JNA").map_or_else(|| "/usr/share/java/jna.jar".into(), PathBuf::from);
    if !has("javac") || !jna.exists() {
        println!("skipped: this machine has no Java compiler, or no JNA at {}", jna.display());
        return None;
    }
    let (classes, sources) = (folder.join("classes"), root().join("bindings/java/io/edgepos"));
    let files = ["Call", "EdgeposException", "EdgeposLibrary", "Events", "Node"];
    run(Command::new("javac")
        .args(["-Xlint:all", "-Werror", "--release", "17", "-cp"])
        .arg(&jna)
        .arg("-d")
        .arg(&classes)
        .args(files.map(|name| sources.join(format!("{name}.java"))))
        .args(source));
    Some(format!("{}:{}", classes.display(), jna.display()))
}

fn on_java(path: &str, class: &str) -> Till {
    let library = format!("-Djna.library.path={}", libraries().display());
    Till::new("java").with(library).with("-cp").with(path).with(class)
}

/// Installs the wheel of this build into a folder; `None` where this machine has no Python with pip.
pub(crate) fn wheel(folder: &Path) -> Option<PathBuf> {
    let pip = Command::new("python3").args(["-m", "pip", "--version"]).output();
    if !pip.is_ok_and(|output| output.status.success()) {
        println!("skipped: this machine has no Python with pip");
        return None;
    }
    let (built, library) = (libraries().join("libedgepos_ffi.so"), folder.join("libedgepos_ffi.so"));
    // What a debugger would read is most of it, and takes a minute to pack.
    let stripped = Command::new("strip").arg("-o").args([&library, &built]).status();
    let library = if stripped.is_ok_and(|status| status.success()) { library } else { built };
    let script = root().join("bindings/python/build_wheel.py");
    let built = run(Command::new("python3").arg(script).arg(library).arg(folder));
    let site = folder.join("site");
    let quietly = ["--quiet", "--no-index", "--no-deps", "--disable-pip-version-check", "--target"];
    let install = ["-m", "pip", "install"];
    run(Command::new("python3").args(install).args(quietly).arg(&site).arg(built.trim()));
    Some(site)
}
