//! A till burns with sales that nobody has: what an operator says on the command line and over HTTP until another box has its place, what
//! was left is written off, and that box is taken out again.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use support::{ask, get, program, run, wait_for};

const STORE: &str = "00000000000000000000000000000001";
/// The box that takes the place of terminal 3.
const NEW_BOX: &str = "3-0123456789ab";
/// How long anything may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

/// A till that ends with the test.
struct Till {
    child: Child,
    address: String,
}

impl Drop for Till {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Till {
    /// Starts one at this port of those of the store; `terminal` is its name. The cloud's address answers nobody.
    fn start(folder: &Path, terminal: &str, more: &str, listen: u16, ports: &[u16]) -> Self {
        let mut text = format!(
            "terminal = {terminal}\nstore = \"{STORE}\"\ndatabase = \"{listen}.db\"\nvoters = [1, 2, 3]\n\
             listen = \"127.0.0.1:{listen}\"\ntill = \"127.0.0.1:0\"\ncloud = \"http://127.0.0.1:9\"\n{more}[peers]\n"
        );
        for (number, port) in (1..).zip(ports).filter(|(number, port)| {
            **port != listen && !terminal.trim_matches('"').starts_with(&number.to_string())
        }) {
            writeln!(text, "{number} = \"127.0.0.1:{port}\"").unwrap();
        }
        let path = folder.join(format!("{listen}.toml"));
        std::fs::write(&path, text).unwrap();
        let log = std::fs::File::create(folder.join(format!("{listen}.log"))).unwrap();
        let mut command = program(&["run", "--config"]);
        let mut child = command.arg(path).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let address = ready.split_whitespace().find_map(|word| word.strip_prefix("till="));
        Self { child, address: address.expect("where its till calls").to_owned() }
    }

    fn status(&self) -> Value {
        serde_json::from_str(&get(&self.address, "/status")).unwrap()
    }

    fn leads(&self) -> bool {
        let status = self.status();
        status["entitled"] == true && status["leads"] == true
    }

    fn votes(&self, name: &str) -> bool {
        self.status()["voters"].as_array().unwrap().iter().any(|voter| *voter == name)
    }

    /// How many events somebody who is gone has left, and whose they are.
    fn unsent(&self) -> Option<(u64, String)> {
        let conditions = self.status()["conditions"].take();
        let held = conditions.as_array().unwrap().iter().find(|held| held["condition"] == "unsent").cloned();
        held.map(|held| (held["count"].as_u64().unwrap(), held["about"].as_str().unwrap().to_owned()))
    }

    /// Sells a bottle; its receipt.
    fn sell(&self, number: u8) -> Value {
        let basket = format!("{number:02x}").repeat(16);
        let line = json!({"no": 1, "product": "milk", "quantity": 1, "unit_price": 129, "amount": 129});
        let begin = json!({"basket": basket, "series": "S", "currency": "EUR", "lines": [line]});
        let (status, said) = ask(&self.address, "POST", "/begin", &begin.to_string());
        assert_eq!(status, 200, "{said}");
        let commit = json!({"basket": basket, "key": basket, "tenders": [{"kind": "cash", "amount": 129}]});
        let (status, said) = ask(&self.address, "POST", "/commit", &commit.to_string());
        assert_eq!(status, 200, "{said}");
        serde_json::from_str(&said).unwrap()
    }

    /// What it answers to a call that it refuses: the code of the refusal.
    fn refuses(&self, path: &str, body: &Value) -> (u16, String) {
        let (status, said) = ask(&self.address, "POST", path, &body.to_string());
        let said: Value = serde_json::from_str(&said).unwrap();
        (status, said["code"].as_str().unwrap_or_else(|| panic!("{said}")).to_owned())
    }

    /// Tells it something about who belongs to the store.
    fn told(&self, args: &[&str]) -> Output {
        run(&[&["terminal"], args, &["--till", &self.address]].concat())
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_till_is_replaced_what_it_left_is_written_off_and_its_successor_is_retired() {
    let folder = tempfile::tempdir().unwrap();
    let free: Vec<TcpListener> = (0..4).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let ports: Vec<u16> = free.iter().map(|free| free.local_addr().unwrap().port()).collect();
    drop(free);
    let start = |terminal: &str, more: &str, port: usize| {
        Till::start(folder.path(), terminal, more, ports[port], &ports[..3])
    };
    let mut tills = vec![start("1", "flush_ms = 100\n", 0), start("2", "flush_ms = 100\n", 1)];
    // What it sells stays with it for a minute.
    let dead = start("3", "flush_ms = 60000\nbusy_flush_ms = 60000\n", 2);
    let hears_all = |till: &Till| till.status()["connected"].as_array().unwrap().len() == 2;
    wait_for("a whole store", LIMIT, || {
        (tills.iter().chain([&dead]).all(hears_all) && tills.iter().chain([&dead]).any(Till::leads))
            .then_some(())
    });

    // Nothing of it is done while the till is there, or where nothing was left.
    let replace = tills[0].told(&["replace", "3"]);
    assert_eq!(replace.status.code(), Some(1), "{}", said(&replace));
    assert_eq!(tills[0].refuses("/replace", &json!({"terminal": 3})), (409, "connected".to_owned()));
    assert_eq!(tills[0].refuses("/replace", &json!({"terminal": 9})).0, 400);
    assert_eq!(tills[0].refuses("/write_off", &json!({"terminal": 3})), (400, "bad_request".to_owned()));
    let write_off = tills[0].told(&["write-off", "3"]);
    assert_eq!(write_off.status.code(), Some(2), "{}", said(&write_off));

    dead.sell(1);
    dead.sell(2);
    // By taking these it says how far it is itself.
    tills[0].sell(11);
    tills[1].sell(12);
    wait_for("the sales of the others", LIMIT, || {
        let held = get(&dead.address, "/transactions");
        [11, 12].iter().all(|number| held.contains(&format!("{number:02x}").repeat(16))).then_some(())
    });
    std::thread::sleep(Duration::from_millis(500));
    drop(dead);

    wait_for("the store to take the word", LIMIT, || {
        let output = tills[0].told(&["replace", "3"]);
        let said = said(&output);
        assert_ne!(output.status.code(), Some(2), "{said}");
        (output.status.success() && said.starts_with("The store replaces terminal 3.")).then_some(())
    });
    tills.push(start(&format!("\"{NEW_BOX}\""), "joins = true\nflush_ms = 100\n", 3));
    assert_ne!(tills[2].sell(21)["series"], "S", "in its first seconds, in a series of its own");
    wait_for("its place", LIMIT, || tills.iter().all(|till| till.votes(NEW_BOX)).then_some(()));

    let (place, (count, about)) = wait_for("what was left", LIMIT, || {
        tills.iter().enumerate().find_map(|(place, till)| Some((place, till.unsent()?)))
    });
    assert_eq!(count, 2, "{about}");
    let write_off = tills[place].told(&["write-off", "3"]);
    assert!(said(&write_off).starts_with("The store writes off what terminal 3 has left."), "{write_off:?}");
    wait_for("the end of it", LIMIT, || tills.iter().all(|till| till.unsent().is_none()).then_some(()));
    assert_eq!(tills[place].refuses("/write_off", &json!({"terminal": 3})), (400, "bad_request".to_owned()));

    // The box is taken out again, by whom leads alone.
    let of = |leads: bool| tills[..2].iter().find(|till| till.leads() == leads);
    if let Some(other) = of(false) {
        assert_eq!(other.refuses("/retire", &json!({"replica": NEW_BOX})), (409, "not_leader".to_owned()));
        assert_eq!(other.told(&["retire", NEW_BOX]).status.code(), Some(1));
    }
    assert_eq!(tills[0].refuses("/retire", &json!({"replica": "3"})).0, 400);
    assert_eq!(tills[0].told(&["retire", "3"]).status.code(), Some(2), "an incarnation is named whole");
    drop(tills.pop());
    let leader = wait_for("a leader", LIMIT, || tills.iter().position(Till::leads));
    let retire = wait_for("the word", LIMIT, || {
        Some(tills[leader].told(&["retire", NEW_BOX])).filter(|output| output.status.code() != Some(1))
    });
    assert!(said(&retire).starts_with(&format!("The store takes {NEW_BOX} out.")), "{retire:?}");
    wait_for("its end", LIMIT, || tills.iter().all(|till| !till.votes(NEW_BOX)).then_some(()));
    let again = tills[leader].refuses("/retire", &json!({"replica": NEW_BOX}));
    assert_eq!(again.0, 400, "{again:?}");
}
