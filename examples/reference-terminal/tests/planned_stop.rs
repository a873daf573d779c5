//! Ctrl-C at night: the last sales are in the cloud, or at another till, and another leads, before the process ends.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use support::{ask, get, program, wait_for};

const STORE: &str = "00000000000000000000000000000001";
/// How long anything may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Starts the program and reads the first line that it says.
fn start(command: &mut Command, log: &Path) -> (Running, String) {
    let log = std::fs::File::create(log).unwrap();
    let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
    let mut ready = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    (Running(child), ready)
}

struct Store {
    folder: tempfile::TempDir,
    cloud: Option<Running>,
    cloud_at: String,
    tills: Vec<(Running, String)>,
}

impl Store {
    /// Two tills and a cloud; `patience_ms` is how long a stop may wait for it.
    fn open(patience_ms: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let free: Vec<TcpListener> = (0..3).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let port: Vec<u16> = free.iter().map(|free| free.local_addr().unwrap().port()).collect();
        drop(free);
        let cloud_at = format!("127.0.0.1:{}", port[0]);
        let mut store = Self { folder, cloud: None, cloud_at, tills: Vec::new() };
        store.start_cloud();
        for (number, listen) in [(1, port[1]), (2, port[2])] {
            let mut text = format!(
                "terminal = {number}\nstore = \"{STORE}\"\ndatabase = \"{number}.db\"\nvoters = [1, 2]\n\
                 listen = \"127.0.0.1:{listen}\"\ntill = \"127.0.0.1:0\"\ncloud = \"http://{}\"\n\
                 stop_patience_ms = {patience_ms}\n[peers]\n",
                store.cloud_at
            );
            let (other, at) = if number == 1 { (2, port[2]) } else { (1, port[1]) };
            writeln!(text, "{other} = \"127.0.0.1:{at}\"").unwrap();
            let path = store.folder.path().join(format!("{number}.toml"));
            std::fs::write(&path, text).unwrap();
            let log = store.folder.path().join(format!("{number}.log"));
            let (running, ready) = start(program(&["run", "--config"]).arg(path), &log);
            let till =
                ready.split_whitespace().find_map(|word| word.strip_prefix("till=")).unwrap().to_owned();
            store.tills.push((running, till));
        }
        store
    }

    fn start_cloud(&mut self) {
        let database = self.folder.path().join("cloud.db");
        let mut command = program(&["cloud", "--listen", &self.cloud_at, "--db"]);
        let (cloud, ready) = start(command.arg(database), &self.folder.path().join("cloud.log"));
        assert!(ready.starts_with("READY"), "{ready}");
        self.cloud = Some(cloud);
    }

    fn status(&self, till: usize) -> Value {
        serde_json::from_str(&get(&self.tills[till].1, "/status")).unwrap()
    }

    /// The till that leads and hears the other, and the other.
    fn leader(&self) -> (usize, usize) {
        wait_for("a leader", LIMIT, || {
            let leads = |till: usize| {
                let status = self.status(till);
                status["entitled"] == true && status["leads"] == true
            };
            if leads(0) { Some((0, 1)) } else { leads(1).then_some((1, 0)) }
        })
    }

    fn sell(&self, till: usize, number: u8) {
        let (till, basket) = (&self.tills[till].1, format!("{number:02x}").repeat(16));
        let line = json!({"no": 1, "product": "milk", "quantity": 1, "unit_price": 129, "amount": 129});
        let begin = json!({"basket": basket, "series": "S", "currency": "EUR", "lines": [line]});
        let (status, said) = ask(till, "POST", "/begin", &begin.to_string());
        assert_eq!(status, 200, "{said}");
        let commit = json!({"basket": basket, "key": basket, "tenders": [{"kind": "cash", "amount": 129}]});
        let (status, said) = ask(till, "POST", "/commit", &commit.to_string());
        assert_eq!(status, 200, "{said}");
    }

    /// Presses Ctrl-C, and waits for the end.
    fn stop(&mut self, till: usize) {
        let child = &mut self.tills[till].0.0;
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        assert!(child.wait().unwrap().success());
    }

    fn log(&self, till: usize) -> String {
        std::fs::read_to_string(self.folder.path().join(format!("{}.log", till + 1))).unwrap()
    }

    /// How many sales of the store the cloud has.
    fn sales_in_cloud(&self) -> i64 {
        let database = rusqlite::Connection::open(self.folder.path().join("cloud.db")).unwrap();
        database.query_row("SELECT count(*) FROM event WHERE lane = 0", [], |row| row.get(0)).unwrap()
    }
}

#[test]
fn the_last_sales_are_in_the_cloud_and_another_leads() {
    let mut store = Store::open(60_000);
    let (leader, other) = store.leader();
    store.sell(leader, 1);
    store.sell(leader, 2);
    store.stop(leader);
    assert_eq!(store.sales_in_cloud(), 2, "{}", store.log(leader));
    let log = store.log(leader);
    assert!(log.contains("the cloud holds all that it recorded"), "{log}");
    assert!(log.contains("handed_over=true"), "{log}");
    // A till that does not lead waits until the one that does has uploaded, when it is asked to.
    let status = store.status(other);
    assert_eq!(status["leads"], true, "{status}");
    store.sell(other, 3);
    let (code, said) = ask(&store.tills[other].1, "POST", "/flush", r#"{"until_uploaded_ms": 60000}"#);
    // Alone of two it does not lead for long: the cloud has the sale, or the till says that it has not.
    assert_eq!(code, 200, "{said}");
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((said["queued"].as_u64(), store.sales_in_cloud()), (Some(0), 3));
}

#[test]
fn without_a_cloud_the_last_sales_are_at_another_till() {
    let mut store = Store::open(3_000);
    let (leader, other) = store.leader();
    store.cloud = None;
    store.sell(other, 1);
    let (code, said) = ask(&store.tills[other].1, "POST", "/flush", r#"{"until_uploaded_ms": 10}"#);
    assert_eq!(code, 200, "{said}");
    assert!(!said.contains(r#""queued":0"#), "nobody has it: {said}");
    let (code, said) = ask(&store.tills[other].1, "POST", "/flush", r#"{"until_uploaded_ms": 60001}"#);
    assert_eq!(code, 400, "{said}");
    store.stop(other);
    let log = store.log(other);
    assert!(log.contains("before the cloud holds all") && log.contains("only_here=0"), "{log}");
    let found = get(&store.tills[leader].1, "/transactions");
    assert!(found.contains(&"01".repeat(16)), "the other till has the sale: {found}");
    store.start_cloud();
    wait_for("the sale in the cloud", LIMIT, || (store.sales_in_cloud() == 1).then_some(()));
}
