//! `audit`: tills and the cloud are compared by the hashes where their chains end, from files and over HTTP.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use edgepos::core::{
    Chain, EventId, Lane, Persist, PersistId, ReplicaId, Seq, Space, StoreGeneration, StoreId, Term, Write,
};
use edgepos::sync::{Batch, CloudReply, CloudRequest, EventRecord, Hash, Limits, Run};
use edgepos::{HttpUplink, SqliteStore, Store, Uplink};

const STORE: StoreId = StoreId([7; 16]);

fn chain(terminal: u16) -> Chain {
    Chain::new(ReplicaId::new(terminal, 9), Lane::Transactions)
}

/// The events of a chain that say this, one for each character.
fn events(chain: Chain, says: &str) -> Vec<(EventRecord, Hash)> {
    let mut hash = Hash::ZERO;
    let event = |(seq, letter): (u64, char)| {
        let id = EventId::new(chain, Seq(seq));
        let payload = letter.to_string().into_bytes();
        hash = hash.link(id, &payload);
        (EventRecord { id, payload }, hash)
    };
    (1..).zip(says.chars()).map(event).collect()
}

/// A till's file with these chains.
fn till(dir: &Path, name: &str, chains: &[(Chain, &str)]) -> PathBuf {
    let path = dir.join(name);
    let mut store = SqliteStore::open(&path).unwrap();
    let writes = chains
        .iter()
        .flat_map(|(chain, says)| events(*chain, says))
        .map(|(record, hash)| Write::put(Space::Event, record.id.to_key(), record.to_row(hash)));
    store.commit(&[Persist { id: PersistId(1), writes: writes.collect() }]).unwrap();
    path
}

/// What it says, and its status.
fn audit(args: &[&str]) -> (String, Option<i32>) {
    let output = support::run(&[&["audit"], args].concat());
    (String::from_utf8(output.stdout).unwrap(), output.status.code())
}

#[test]
fn tills_that_agree_are_behind_or_differ() {
    let dir = tempfile::tempdir().unwrap();
    let one = till(dir.path(), "one.db", &[(chain(1), "abcde"), (chain(2), "xyz")]);
    let two = till(dir.path(), "two.db", &[(chain(1), "abcde"), (chain(2), "xyz")]);
    let less = till(dir.path(), "less.db", &[(chain(1), "abc")]);
    let other = till(dir.path(), "other.db", &[(chain(1), "abXdefg"), (chain(2), "xyz")]);
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let [one, two, less, other] = [&one, &two, &less, &other].map(|path| text(path));
    let (said, status) = audit(&["--till", &one, "--till", &two, "--complete"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.ends_with("2 chains: 2 the same, 0 behind, 0 unknown, 0 forked\n"), "{said}");
    let (said, status) = audit(&["--till", &one, "--till", &less]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.ends_with("2 chains: 0 the same, 2 behind, 0 unknown, 0 forked\n"), "{said}");
    assert_eq!(audit(&["--till", &one, "--till", &less, "--complete"]).1, Some(1));
    let (said, status) = audit(&["--till", &one, "--till", &other, "--till", &less]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains(&format!("{one} and {other} differ behind position 2\n")), "{said}");
    assert!(said.contains(&format!("{other} and {less} differ behind position 2\n")), "{said}");
    assert!(!said.contains(&format!("{one} and {less} differ")), "{said}");
}

#[test]
fn who_cannot_be_read_is_bad_usage() {
    let dir = tempfile::tempdir().unwrap();
    let one = till(dir.path(), "one.db", &[(chain(1), "a")]);
    let one = one.to_str().unwrap();
    support::refused(&["audit", "--till", one]);
    support::refused(&["audit", "--till", one, "--till", "/nowhere/till.db"]);
    support::refused(&["audit", "--till", one, "--cloud", one]);
}

#[test]
fn the_cloud_is_compared_over_http_and_by_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("cloud.db");
    let mut cloud = support::program(&["cloud", "--db", db.to_str().unwrap(), "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(cloud.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    let url = ready.trim().strip_prefix("READY ").unwrap().to_owned();
    tokio::runtime::Runtime::new().unwrap().block_on(upload(&url));
    let same = till(dir.path(), "same.db", &[(chain(1), "abcdef")]);
    let other = till(dir.path(), "other.db", &[(chain(1), "aXcd")]);
    let (same, other) = (same.to_str().unwrap(), other.to_str().unwrap());
    let (address, store) = (url.strip_prefix("http://").unwrap(), STORE.to_string());
    for cloud in [["--cloud-at", address], ["--cloud", db.to_str().unwrap()]] {
        let with = |till| audit(&[&cloud, ["--store", &store].as_slice(), &["--till", till]].concat());
        let (said, status) = with(same);
        assert_eq!(status, Some(0), "{said}");
        assert!(said.ends_with("1 chains: 0 the same, 1 behind, 0 unknown, 0 forked\n"), "{said}");
        let (said, status) = with(other);
        assert_eq!(status, Some(1), "{said}");
        assert!(said.contains("differ behind position 1\n"), "{said}");
    }
    cloud.kill().unwrap();
    cloud.wait().unwrap();
}

/// Uploads five events of the first till.
async fn upload(url: &str) {
    let uplink = HttpUplink::new(url, STORE).unwrap();
    let lease = CloudRequest::Lease {
        store: STORE,
        replica: chain(1).replica,
        generation: StoreGeneration(0),
        term: Term(1),
        leader: true,
        restored: None,
    };
    let Ok(CloudReply::Lease { epoch, .. }) = uplink.call(lease).await else { panic!("no lease") };
    assert!(uplink.take_time().is_some(), "the answer says what time it is");
    let events = events(chain(1), "abcde");
    let head = events.last().unwrap().1;
    let payloads = events.into_iter().map(|(record, _)| record.payload).collect();
    let batch =
        Batch { runs: vec![Run { chain: chain(1), first: Seq(1), head, payloads, gaps: Vec::new() }] };
    let append = CloudRequest::Append {
        store: STORE,
        replica: chain(1).replica,
        epoch,
        old: Default::default(),
        new: [(chain(1), Seq(5))].into_iter().collect(),
        batch: batch.encode(&Limits::DEFAULT),
    };
    let reply = uplink.call(append).await;
    assert!(matches!(reply, Ok(CloudReply::Ack { .. })), "{reply:?}");
}
