//! A manager's webhook that is dead for a while: the till sells meanwhile, and what still holds is told once it answers.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use support::Terminal;

const PATIENCE: Duration = Duration::from_secs(60);

/// Takes calls, answers the first ones with these statuses and all further ones with 204, and hands on the bodies.
fn manager(listener: TcpListener, mut failing: Vec<&'static str>, bodies: Sender<(String, String)>) {
    for connection in listener.incoming() {
        let Ok(mut connection) = connection else { return };
        let Some(body) = read_body(&mut connection) else { continue };
        let status = if failing.is_empty() { "204 No Content" } else { failing.remove(0) };
        let head =
            format!("HTTP/1.1 {status}\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        if connection.write_all(head.as_bytes()).is_err() || bodies.send((status.into(), body)).is_err() {
            return;
        }
    }
}

fn read_body(connection: &mut TcpStream) -> Option<String> {
    let mut reader = BufReader::new(connection);
    let mut length = 0;
    let mut line = String::new();
    while reader.read_line(&mut line).ok()? > 2 {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    String::from_utf8(body).ok()
}

fn hear(bodies: &Receiver<(String, String)>) -> (String, serde_json::Value) {
    let (status, body) = bodies.recv_timeout(PATIENCE).expect("the webhook is called");
    (status, serde_json::from_str(&body).unwrap())
}

#[test]
fn what_holds_is_told_after_the_webhook_comes_back() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook/SecretToken", listener.local_addr().unwrap());
    let (sender, bodies) = channel();
    let failing = vec!["500 Internal Server Error", "503 Service Unavailable"];
    std::thread::spawn(move || manager(listener, failing, sender));
    // A disk that is never large enough.
    let till = Terminal::start("disk_low_below_mib = 4294967295\n", &["--alerts-webhook", &url]);
    assert!(hear(&bodies).0.starts_with("500"));
    // The till is served while nobody can be told.
    let low = || support::get(&till.address, "/status").contains("\"disk_low\"").then_some(());
    support::wait_for("the condition", PATIENCE, low);
    assert!(hear(&bodies).0.starts_with("503"));
    let (status, bulletin) = hear(&bodies);
    assert!(status.starts_with("204"));
    let standing = bulletin["standing"].as_array().unwrap();
    let low = standing.iter().find(|incident| incident["name"] == "disk_low").expect("it still holds");
    assert_eq!((&low["kind"], &low["holds"]), (&"condition".into(), &true.into()), "{bulletin}");
    assert!(low["remedy"].as_str().is_some_and(|remedy| remedy.contains("Make room")), "{bulletin}");
    assert!(bulletin["changes"].as_array().unwrap().contains(low), "it has not been told before: {bulletin}");
    assert!(bulletin["number"].as_u64() >= Some(3), "{bulletin}");
    let told = || {
        let log = till.log();
        log.contains("reached again").then_some(log)
    };
    let log = support::wait_for("the line about the webhook", PATIENCE, told);
    assert!(log.contains("answers with status 500") && !log.contains("Secret"), "{log}");
}
