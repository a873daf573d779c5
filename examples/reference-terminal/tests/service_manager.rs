//! A terminal under a service manager says when it may sell, that it is well, and that it stops.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::Duration;

use support::program;

#[test]
fn it_is_told_as_systemd_expects_it() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("notify");
    let heard = UnixDatagram::bind(&socket).unwrap();
    heard.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let next = || {
        let mut bytes = [0; 256];
        let length = heard.recv(&mut bytes).expect("the terminal says something");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    let printed = program(&["run", "--print-config"]).output().unwrap();
    let config = String::from_utf8(printed.stdout).unwrap();
    let config = config.replace(":7101\"", ":0\"").replace(":7201\"", ":0\"").replace(":7000\"", ":9\"");
    let path = folder.path().join("terminal.toml");
    std::fs::write(&path, config).unwrap();
    let mut terminal = program(&["run", "--config", path.to_str().unwrap()])
        .env("NOTIFY_SOCKET", &socket)
        .env("WATCHDOG_USEC", "600000")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    assert_eq!(next(), "READY=1");
    for _ in 0..2 {
        assert!(next().starts_with("WATCHDOG=1\nSTATUS="), "it is well");
    }
    assert!(Command::new("kill").args(["-TERM", &terminal.id().to_string()]).status().unwrap().success());
    while next() != "STOPPING=1" {}
    assert!(terminal.wait().unwrap().success());
}
