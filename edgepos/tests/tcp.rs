//! Terminals find each other over TCP, strangers are turned away, and a dead connection is noticed.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::net::SocketAddr;
use std::time::Duration;

use edgepos::core::{ConnectionId, ReplicaId, StoreGeneration, StoreId};
use edgepos::{Config, Genesis, TcpConfig, TcpTransport, Transport, TransportEvent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

const LOW: ReplicaId = ReplicaId::new(1, 1);
const HIGH: ReplicaId = ReplicaId::new(2, 2);

async fn start(
    me: ReplicaId,
    store: u8,
    peers: &[(ReplicaId, SocketAddr)],
) -> (TcpTransport, Receiver<TransportEvent>) {
    let store = StoreId([store; 16]);
    let voters = vec![LOW, HIGH];
    let genesis = Genesis { store, generation: StoreGeneration(0), voters, recovery: None };
    let config = Config { max_peers: 2, ..Config::new(me, genesis, 1) };
    let tcp = TcpConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        peers: peers.iter().map(|(peer, address)| (peer.terminal(), address.to_string())).collect(),
    };
    TcpTransport::start(&config, tcp).await.unwrap()
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
    let (mut high, mut high_events) = start(HIGH, 1, &[]).await;
    let address = high.local_addr();
    let (mut low, mut low_events) = start(LOW, 1, &[(HIGH, address)]).await;
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
    let (_low, mut low_events) = start(LOW, 1, &[(HIGH, address)]).await;
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
    let (high, mut high_events) = start(HIGH, 1, &[]).await;
    let address = high.local_addr();
    let (_other_store, mut other_events) = start(LOW, 9, &[(HIGH, address)]).await;
    for greeting in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xFF; 8], &[0, 0, 0, 1, 0], &[0, 0, 0, 200, 1, 2, 3]] {
        let mut stranger = TcpStream::connect(address).await.unwrap();
        stranger.write_all(greeting).await.unwrap();
        stranger.shutdown().await.unwrap();
        // It says who it is, then hangs up.
        let mut rest = Vec::new();
        let _ = timeout(Duration::from_secs(60), stranger.read_to_end(&mut rest)).await.expect("it hangs up");
        assert!(rest.len() < 300);
    }
    let (_low, mut low_events) = start(LOW, 1, &[(HIGH, address)]).await;
    assert_eq!(up(&mut low_events).await.0, HIGH);
    assert_eq!(up(&mut high_events).await.0, LOW, "the first that came in is the honest one");
    assert!(other_events.try_recv().is_err());
}

/// A replaced terminal has another incarnation under its number: it is dialled like the one before.
#[tokio::test]
async fn whoever_has_the_number_is_dialled() {
    let replaced = ReplicaId::new(2, 99);
    let (high, mut high_events) = start(replaced, 1, &[]).await;
    let address = high.local_addr();
    let (_low, mut low_events) = start(LOW, 1, &[(HIGH, address)]).await;
    assert_eq!(up(&mut low_events).await.0, replaced);
    assert_eq!(up(&mut high_events).await.0, LOW);
}

#[tokio::test]
async fn the_address_is_free_once_it_is_closed() {
    let mut address: SocketAddr = "127.0.0.1:0".parse().unwrap();
    for _ in 0..20 {
        let voters = vec![LOW];
        let genesis =
            Genesis { store: StoreId([1; 16]), generation: StoreGeneration(0), voters, recovery: None };
        let tcp = TcpConfig { listen: address, peers: Default::default() };
        let (mut transport, _events) = TcpTransport::start(&Config::new(LOW, genesis, 1), tcp).await.unwrap();
        address = transport.local_addr();
        let guest = TcpStream::connect(address).await.unwrap();
        transport.close().await;
        drop(guest);
    }
}

/// A box at an address that nobody knows calls those that it knows itself.
#[tokio::test]
async fn one_that_nobody_calls_calls_by_itself() {
    let (low, mut low_events) = start(LOW, 1, &[]).await;
    let address = low.local_addr();
    let (_high, mut high_events) = start(HIGH, 1, &[(LOW, address)]).await;
    assert_eq!(up(&mut low_events).await.0, HIGH);
    assert_eq!(up(&mut high_events).await.0, LOW);
}

/// Another terminal at the address is not who was looked for.
#[tokio::test]
async fn another_terminal_is_not_taken_for_the_one_that_was_called() {
    let third = ReplicaId::new(3, 3);
    let (other, _other_events) = start(third, 1, &[]).await;
    let (right, _right_events) = start(ReplicaId::new(4, 4), 1, &[]).await;
    let peers = [(HIGH, other.local_addr()), (ReplicaId::new(4, 9), right.local_addr())];
    let (_low, mut low_events) = start(LOW, 1, &peers).await;
    assert_eq!(up(&mut low_events).await.0.terminal(), 4, "the right one alone");
}
