//! The commands of an authority, from its making to a stolen terminal.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};

use support::{program, refused, run};

const STORE: &str = "00000000000000000000000000000001";

/// What a command says that must do what it is asked.
fn done(args: &[&str]) -> String {
    let output = run(args);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{args:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

/// An authority that waits, the token that it shows, and where it waits.
fn enrolling(dir: &str) -> (Child, BufReader<ChildStdout>, String, String) {
    let mut child = program(&["authority", "enrol", "1", "--listen", "127.0.0.1:0", "--dir", dir])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut word = |head: &str| {
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        line.trim().strip_prefix(head).unwrap().to_owned()
    };
    let (token, place) = (word("TOKEN "), word("WAITING "));
    (child, lines, token, place)
}

#[test]
fn a_terminal_is_enrolled_runs_and_is_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (authority, identity) = (at("authority"), at("identity"));
    assert!(done(&["authority", "new", "--store", STORE, "--dir", &authority]).contains(STORE));
    assert!(
        refused(&["authority", "new", "--store", STORE, "--dir", &authority]).contains("is there already")
    );
    assert!(refused(&["authority", "revoke", "1", "--dir", &authority]).contains("not on the roster"));

    let (mut child, mut rest, token, place) = enrolling(&authority);
    assert!(
        done(&["enrol", "--token", &token, "--at", &place, "--out", &identity])
            .contains("terminal 1 of store")
    );
    assert!(child.wait().unwrap().success());
    let mut said = String::new();
    rest.read_to_string(&mut said).unwrap();
    assert!(said.contains("Terminal 1 is enrolled"), "{said}");
    assert!(
        refused(&["authority", "issue", "1", "--out", &at("more"), "--dir", &authority])
            .contains("--in-place")
    );
    assert!(done(&["authority", "show", "--dir", &authority]).contains("terminal 1: key "));
    assert!(
        done(&["authority", "renew", "--identity", &identity, "--dir", &authority]).contains("terminal 1")
    );

    let (mut till, peer) = running(folder.path());
    done(&["authority", "revoke", "1", "--dir", &authority]);
    let told = done(&["authority", "push", "--to", &format!("1={peer}"), "--dir", &authority]);
    assert!(told.contains("terminal 1 has version"), "{told}");
    let other = run(&["authority", "push", "--to", &format!("2={peer}"), "--dir", &authority]);
    assert_eq!(other.status.code(), Some(1), "another terminal than the one that was called");
    till.kill().unwrap();
    till.wait().unwrap();
}

/// A terminal with this identity, and where others call it.
fn running(folder: &Path) -> (Child, String) {
    let text = format!(
        "terminal = 1\nstore = \"{STORE}\"\ndatabase = \"till.db\"\nidentity = \"identity\"\n\
         listen = \"127.0.0.1:0\"\ntill = \"127.0.0.1:0\"\ncloud = \"http://127.0.0.1:9\"\n"
    );
    let path = folder.join("till.toml");
    std::fs::write(&path, text).unwrap();
    let mut child = program(&["run", "--config"]).arg(&path).stdout(Stdio::piped()).spawn().unwrap();
    let mut ready = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    let peer = ready.split_whitespace().find_map(|word| word.strip_prefix("peer=")).unwrap().to_owned();
    (child, peer)
}
