//! The commands of three guides, as they stand there, one after the other: each page is a script that must come to its end.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a page may take: a busy machine makes a disk's tables durable slowly.
const LIMIT: Duration = Duration::from_secs(240);

/// The blocks of a page that are commands.
fn commands(page: &str) -> String {
    let mut inside = false;
    let lines = page.lines().filter(|line| {
        let fence = line.starts_with("```");
        inside = if fence { *line == "```sh" } else { inside };
        inside && !fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn has(program: &str) -> bool {
    Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .stdout(Stdio::null())
        .status()
        .unwrap()
        .success()
}

/// Runs a page. The ports that it names may be somebody's: each is another, free one.
fn run_page(name: &str) {
    if let Some(missing) = ["bash", "curl", "sqlite3"].into_iter().find(|program| !has(program)) {
        println!("skipped: {name}: {missing} is not installed");
        return;
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    let mut script = commands(&std::fs::read_to_string(page).unwrap());
    assert!(script.lines().count() > 10, "{name} has hardly any command");
    let ports: Vec<TcpListener> = (0..4).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let mut usual = Vec::new();
    for (named, free) in ["7000", "7101", "7201", "7301"].into_iter().zip(&ports) {
        let free = free.local_addr().unwrap().port();
        script = script.replace(&format!("127.0.0.1:{named}"), &format!("127.0.0.1:{free}"));
        usual.push(format!("s/:{named}\"/:{free}\"/"));
    }
    // The configuration is printed with the usual ports.
    let printed = format!("--print-config | sed '{}' > ", usual.join(";"));
    script = script.replace("--print-config > ", &printed);
    drop(ports);
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_reference-terminal"));
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let log = folder.path().join("said");
    let out = std::fs::File::create(&log).unwrap();
    let mut child = Command::new("bash")
        .args([
            "-euo",
            "pipefail",
            "-c",
            &format!("trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\nset -x\n{script}"),
        ])
        .env("PATH", path)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stderr(out.try_clone().unwrap())
        .stdout(out)
        .spawn()
        .unwrap();
    let until = Instant::now() + LIMIT;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break Some(status);
        }
        if Instant::now() > until {
            drop(Command::new("kill").arg(child.id().to_string()).status());
            break None;
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    let said = std::fs::read_to_string(&log).unwrap();
    assert!(status.is_some_and(|status| status.success()), "{name}: {status:?}\n{said}");
}

#[test]
fn operating_a_store() {
    run_page("guide-operations.md");
}

#[test]
fn a_head_office_changes_a_price() {
    run_page("guide-cloud.md");
}

#[test]
fn selling_at_a_till() {
    run_page("guide-till.md");
}
