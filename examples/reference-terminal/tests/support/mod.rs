//! What several tests need.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The program, with these arguments.
pub(crate) fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reference-terminal"));
    command.args(args).stdin(Stdio::null());
    command
}

/// Runs the program to its end.
pub(crate) fn run(args: &[&str]) -> Output {
    program(args).output().expect("the program starts")
}

/// Runs the program, which must say on standard error what is wrong, and must exit with 2.
pub(crate) fn refused(args: &[&str]) -> String {
    let output = run(args);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{args:?} said {said}");
    said
}

/// The shipped week.
pub(crate) fn week() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/week.csv")
}

/// Waits for something that must come about.
pub(crate) fn wait_for<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "{what} did not come about within {limit:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Processes whose command line contains `part`, but for this one.
pub(crate) fn processes_with(part: &str) -> Vec<u32> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    processes
        .flatten()
        .filter_map(|process| process.file_name().to_str()?.parse().ok())
        .filter(|pid| *pid != std::process::id())
        .filter(|pid| {
            std::fs::read(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).contains(part))
        })
        .collect()
}

/// A running terminal that is a store of its own.
pub(crate) struct Terminal {
    child: Child,
    /// Where its till calls.
    pub(crate) address: String,
    dir: tempfile::TempDir,
}

impl Terminal {
    /// Starts one with `more` in its file and in its command.
    pub(crate) fn start(more: &str, args: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("terminal.toml");
        let text = format!(
            "{more}terminal = 1\nstore = \"00000000000000000000000000000001\"\ndatabase = \"till.db\"\n\
             listen = \"127.0.0.1:0\"\ntill = \"127.0.0.1:0\"\ncloud = \"http://127.0.0.1:9\"\n"
        );
        std::fs::write(&path, text).expect("the file is written");
        let (child, address) = Self::launch(dir.path(), args);
        Self { child, address, dir }
    }

    fn launch(dir: &Path, args: &[&str]) -> (Child, String) {
        let log = std::fs::File::create(dir.join("log")).expect("the log is made");
        let mut child = program(&["run", "--config"])
            .arg(dir.join("terminal.toml"))
            .args(args)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the program starts");
        let mut ready = String::new();
        let stdout = child.stdout.take().expect("it is a pipe");
        BufReader::new(stdout).read_line(&mut ready).expect("it says that it is ready");
        let till = ready.split_whitespace().find_map(|word| word.strip_prefix("till="));
        let address = till.expect("where its till calls").to_owned();
        (child, address)
    }

    /// Ends it as a power cut does, but for what the system has written meanwhile.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Starts it again, on the files that are there.
    pub(crate) fn start_again(&mut self) {
        (self.child, self.address) = Self::launch(self.dir.path(), &[]);
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).expect("the log is there")
    }

    /// The folder of its files.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The body of an answer of a till, which must be a good one.
pub(crate) fn get(till: &str, path: &str) -> String {
    let (status, body) = ask(till, "GET", path, "");
    assert_eq!(status, 200, "{path}: {body}");
    body
}

/// Status and body of a till's answer to a call.
pub(crate) fn ask(till: &str, method: &str, path: &str, body: &str) -> (u16, String) {
    let headers = [("host", till), ("content-type", "application/json")];
    ask_with(till, method, path, &headers, body)
}

/// The same with these headers beside the length.
pub(crate) fn ask_with(
    till: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, String) {
    let mut connection = TcpStream::connect(till).expect("the till's port is open");
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let head =
        format!("{method} {path} HTTP/1.1\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n");
    connection.write_all(format!("{head}{body}").as_bytes()).expect("the call is sent");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("the answer is text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.expect("an answer has a status"), body.to_owned())
}
