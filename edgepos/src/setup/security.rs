//! How a terminal's connections are secured, as its configuration says.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use thiserror::Error;

/// How the terminals of a store prove who they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Security<'a> {
    /// By the certificates in this directory.
    Identity(&'a Path),
    /// In no way, because all of them are on this machine.
    ThisMachine,
    /// In no way, because somebody has said so.
    Insecure,
}

/// A configuration says too little, or too much.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub(super) enum SecurityError {
    #[error(
        "field identity: missing, and {0} is not on this machine. Enrol the terminal with the store's authority and name the directory \
         that this makes, or say insecure = true where everybody on this network may read and change what the store does"
    )]
    Missing(String),
    #[error("field insecure: the terminal has an identity; take one of the two out")]
    Both,
}

/// What holds for a terminal that listens here and calls these addresses.
pub(super) fn choose<'a>(
    identity: Option<&'a Path>,
    insecure: bool,
    listen: SocketAddr,
    peers: impl Iterator<Item = &'a String>,
) -> Result<Security<'a>, SecurityError> {
    match (identity, insecure) {
        (Some(_), true) => Err(SecurityError::Both),
        (Some(directory), false) => Ok(Security::Identity(directory)),
        (None, true) => Ok(Security::Insecure),
        (None, false) => {
            let listen = Some(listen).filter(|address| !address.ip().is_loopback());
            let elsewhere = listen.map(|address| format!("listen = {address}"));
            let called =
                peers.filter(|peer| !is_this_machine(peer)).map(|peer| format!("the peer at {peer}"));
            elsewhere
                .into_iter()
                .chain(called)
                .next()
                .map_or(Ok(Security::ThisMachine), |far| Err(SecurityError::Missing(far)))
        }
    }
}

/// Names are not looked up: what they lead to may change.
fn is_this_machine(peer: &str) -> bool {
    let host = peer.rsplit_once(':').map_or(peer, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(identity: Option<&str>, insecure: bool, listen: &str, peers: &[&str]) -> String {
        let peers: Vec<String> = peers.iter().map(|peer| (*peer).to_owned()).collect();
        let listen = listen.parse().expect("an address");
        match choose(identity.map(Path::new), insecure, listen, peers.iter()) {
            Ok(security) => format!("{security:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn without_certificates_a_terminal_stays_on_its_machine() {
        for (listen, peers) in [
            ("127.0.0.1:1", vec![]),
            ("127.9.9.9:1", vec!["localhost:2", "127.0.0.1:3"]),
            ("[::1]:1", vec!["[::1]:2"]),
        ] {
            assert_eq!(chosen(None, false, listen, &peers), "ThisMachine", "{listen} {peers:?}");
        }
        for (listen, peers) in [
            ("0.0.0.0:1", vec![]),
            ("[::]:1", vec![]),
            ("192.168.0.2:1", vec!["127.0.0.1:2"]),
            ("127.0.0.1:1", vec!["127.0.0.1:2", "192.168.0.2:2"]),
            ("127.0.0.1:1", vec!["till-2:2"]),
            ("127.0.0.1:1", vec!["127.0.0.1.example:2"]),
        ] {
            assert!(
                chosen(None, false, listen, &peers).starts_with("field identity: missing"),
                "{listen} {peers:?}"
            );
            assert_eq!(chosen(None, true, listen, &peers), "Insecure");
            assert!(chosen(Some("till"), false, listen, &peers).starts_with("Identity"));
        }
        assert!(chosen(Some("till"), true, "127.0.0.1:1", &[]).starts_with("field insecure"));
    }
}
