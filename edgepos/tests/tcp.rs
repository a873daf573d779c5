//! Terminals find each other over TCP, strangers are turned away, and a dead connection is noticed.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use edgepos::core::{ConnectionId, ReplicaId, StoreGeneration, StoreId};
use edgepos::{TcpConfig, TcpTransport, Transport, TransportEvent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

const LOW: ReplicaId = ReplicaId::new(1, 1);
const HIGH: ReplicaId = ReplicaId::new(2, 2);

fn config(me: ReplicaId, store: u8, peers: &[(ReplicaId, SocketAddr)]) -> TcpConfig {
    TcpConfig {
        me,
        store: StoreId([store; 16]),
        generation: StoreGeneration(0),
        listen: "127.0.0.1:0".parse().unwrap(),
        peers: peers.iter().map(|(peer, address)| (*peer, address.to_string())).collect::<BTreeMap<_, _>>(),
        max_peers: 2,
    }
}

async fn next(events: &mut Receiver<TransportEvent>) -> TransportEvent {
    timeout(Duration::from_secs(60), events.recv())
        .await
        .expect("within a minute")
        .expect("the transport lives")
}

async fn up(events: &mut Receiver<TransportEvent>) -> (ReplicaId, ConnectionId) {
    match next(events).await {
        TransportEvent::PeerUp(peer, connection) => (peer, connection),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn frames_go_both_ways_and_a_lost_peer_comes_back() {
    let (mut high, mut high_events) = TcpTransport::start(config(HIGH, 1, &[])).await.unwrap();
    let address = high.local_addr();
    let (mut low, mut low_events) = TcpTransport::start(config(LOW, 1, &[(HIGH, address)])).await.unwrap();
    let (peer, to_high) = up(&mut low_events).await;
    assert_eq!(peer, HIGH);
    let (peer, to_low) = up(&mut high_events).await;
    assert_eq!(peer, LOW);

    let large = vec![7; 300_000];
    low.send(HIGH, to_high, large.clone());
    high.send(LOW, to_low, vec![1, 2]);
    assert!(matches!(next(&mut high_events).await, TransportEvent::Frame(LOW, _, frame) if frame == large));
    assert!(matches!(next(&mut low_events).await, TransportEvent::Frame(HIGH, _, frame) if frame == [1, 2]));

    drop(low);
    assert!(matches!(next(&mut high_events).await, TransportEvent::PeerLost(LOW, lost) if lost == to_low));
    high.send(LOW, to_low, vec![3]);
    let (_low, mut low_events) = TcpTransport::start(config(LOW, 1, &[(HIGH, address)])).await.unwrap();
    up(&mut low_events).await;
    let (_, again) = up(&mut high_events).await;
    assert!(again > to_low);
    high.send(LOW, to_low, vec![4]);
    high.send(LOW, again, vec![5]);
    let TransportEvent::Frame(_, _, frame) = next(&mut low_events).await else {
        panic!("a frame comes first")
    };
    assert_eq!(frame, [5], "frames for the dead connection are dropped");
}

#[tokio::test]
async fn strangers_are_turned_away_and_do_no_harm() {
    let (high, mut high_events) = TcpTransport::start(config(HIGH, 1, &[])).await.unwrap();
    let address = high.local_addr();
    let (_other_store, mut other_events) =
        TcpTransport::start(config(LOW, 9, &[(HIGH, address)])).await.unwrap();
    for greeting in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xFF; 8], &[0, 0, 0, 1, 0], &[0, 0, 0, 200, 1, 2, 3]] {
        let mut stranger = TcpStream::connect(address).await.unwrap();
        stranger.write_all(greeting).await.unwrap();
        stranger.shutdown().await.unwrap();
        // It says who it is, then hangs up.
        let mut rest = Vec::new();
        let _ = timeout(Duration::from_secs(60), stranger.read_to_end(&mut rest)).await.expect("it hangs up");
        assert!(rest.len() < 300);
    }
    let (_low, mut low_events) = TcpTransport::start(config(LOW, 1, &[(HIGH, address)])).await.unwrap();
    assert_eq!(up(&mut low_events).await.0, HIGH);
    assert_eq!(up(&mut high_events).await.0, LOW, "the first that came in is the honest one");
    assert!(other_events.try_recv().is_err());
}
