//! A store of two loses one terminal for good, and the cloud is away: what its manager does with the recovery kit, command by command.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use support::{refused, run, wait_for};

const LIMIT: Duration = Duration::from_secs(60);

/// One terminal: its configuration and its process.
struct Terminal {
    config: PathBuf,
    till: String,
    child: Option<Child>,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.kill();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Terminal {
    fn start(&mut self) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reference-terminal"));
        command.args(["run", "--supervised", "--config"]).arg(&self.config);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn().unwrap());
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            child.wait().unwrap();
        }
    }

    /// The answer's status and body; `None` while nobody listens.
    fn call(&self, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(&self.till).ok()?;
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n");
        let length =
            format!("content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all((head + &length).as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let status = answer.split(' ').nth(1)?.parse().ok()?;
        Some((status, answer.split_once("\r\n\r\n")?.1.to_owned()))
    }

    fn says(&self, part: &str) -> Option<()> {
        let (_, body) = self.call("GET", "/status", "")?;
        body.replace(' ', "").contains(part).then_some(())
    }
}

/// Writes a configuration; `rest` is what this test is about. The cloud's address answers nobody.
fn terminal(dir: &Path, name: &str, me: &str, peers: &[(&str, u16)], listen: u16, rest: &str) -> Terminal {
    let till = format!("127.0.0.1:{}", free_port());
    let peers: String =
        peers.iter().map(|(peer, port)| format!("\"{peer}\" = \"127.0.0.1:{port}\"\n")).collect();
    let text = format!(
        "store = \"{}\"\nme = \"{me}\"\ndb = \"{name}.db\"\ntill = \"{till}\"\nlisten = \"127.0.0.1:{listen}\"\n\
         cloud = \"http://127.0.0.1:9\"\nseed = 1\nflush_interval_ms = 100\n{rest}\n[peers]\n{peers}",
        "07".repeat(16)
    );
    let config = dir.join(format!("{name}.toml"));
    std::fs::write(&config, text).unwrap();
    Terminal { config, till, child: None }
}

#[test]
fn one_of_two_goes_on_and_takes_a_replacement() {
    let dir = tempfile::tempdir().unwrap();
    let kit = String::from_utf8(run(&["recovery", "kit"]).stdout).unwrap();
    let anchor = kit.lines().next().unwrap();
    let code = kit.lines().find_map(|line| line.trim().strip_prefix("1-")).unwrap();
    let code = format!("1-{code}");
    let (first, second, third) = ("1-00000000000a", "2-00000000000b", "2-00000000000c");
    let ports = [free_port(), free_port(), free_port()];
    let voters = format!("voters = [\"{first}\", \"{second}\"]\n{anchor}");
    let mut survivor = terminal(dir.path(), "first", first, &[(second, ports[1])], ports[0], &voters);
    let mut dead = terminal(dir.path(), "second", second, &[], ports[1], &voters);
    survivor.start();
    dead.start();
    wait_for("a leader", LIMIT, || survivor.says("\"mode\":\"normal\""));
    dead.kill();
    wait_for("no leader", LIMIT, || {
        survivor.says("\"entitled\":false").and_then(|()| survivor.says("\"mode\":\"normal\"").xor(Some(())))
    });

    // While it runs, and with another code, nothing is done.
    let config = survivor.config.to_str().unwrap().to_owned();
    let said = refused(&["recovery", "recover", "--config", &config, "--code", &code]);
    assert!(said.contains("first.db"), "{said}");
    survivor.kill();
    let mut slip = code.clone();
    slip.replace_range(2..3, if code.as_bytes()[2] == b'7' { "8" } else { "7" });
    let said = refused(&["recovery", "recover", "--config", &config, "--code", &slip]);
    assert!(said.contains("slip of the pen"), "{said}");

    let output = run(&["recovery", "recover", "--config", &config, "--code", &code]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.starts_with(&format!("record: 1/{first}/")), "{said}");
    let said = refused(&["recovery", "recover", "--config", &config, "--code", &code]);
    assert!(said.contains("generation"), "a code is good once: {said}");

    let recovered = format!("{voters}\ngeneration = 1");
    let peers = [(third, ports[2])];
    let mut survivor = terminal(dir.path(), "first", first, &peers, ports[0], &recovered);
    survivor.start();
    wait_for("the survivor leads alone", LIMIT, || survivor.says("\"entitled\":true"));
    let joins = format!("voters = [\"{first}\"]\njoins = true\ngeneration = 1\n{anchor}");
    let mut replacement = terminal(dir.path(), "third", third, &[], ports[2], &joins);
    replacement.start();
    let body = format!("{{\"replica\": \"{third}\"}}");
    wait_for("the survivor admits it", LIMIT, || {
        survivor.call("POST", "/admit", &body).filter(|(status, _)| *status == 200)
    });
    wait_for("it follows", LIMIT, || replacement.says(&format!("\"leader\":\"{first}\"")));
    let (status, again) = survivor.call("POST", "/admit", &body).unwrap();
    assert_eq!(status, 400, "{again}");
    assert!(again.contains("member already"), "{again}");
}
