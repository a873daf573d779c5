//! Who does not belong to a store is let in by none of its terminals, is told nothing of it, and the store sells on.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::time::Duration;

use edgepos::core::{ReplicaId, StoreId, WallMs};
use edgepos_authority::{Authority, Holder, deliver};
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use self::support::{PATIENCE, STORE, Shop, call, in_days, now, receive, rest, send};

/// Another store's authority, and a terminal of it.
fn elsewhere(shop: &Shop, store: StoreId) -> Authority {
    let mut other = Authority::create(&shop.directory("other-authority"), store, now()).unwrap();
    other.issue(3, Holder::First, &shop.directory("stranger"), now()).unwrap();
    other
}

/// The stranger in this directory is turned away before anything is said.
async fn is_told_nothing(shop: &mut Shop, sends: &[u8]) {
    let directory = shop.directory("stranger");
    // In TLS 1.3 a client is through before the server has looked at its certificate.
    if let Ok(mut stream) = shop.caller(&directory).await {
        send(&mut stream, sends).await;
        let (said, ended) = rest(&mut stream).await;
        assert!(said.is_empty(), "{said:?} {ended}");
    }
    assert_eq!(shop.connected_to_one().await, [2]);
    shop.sells().await;
}

#[tokio::test]
async fn no_certificate() {
    let mut shop = Shop::open().await;
    if let Ok(mut stream) = call(shop.one.address, None).await {
        let roster = shop.authority.sealed_roster().to_vec();
        send(&mut stream, &roster).await;
        assert!(rest(&mut stream).await.0.is_empty());
    }
    assert_eq!(shop.connected_to_one().await, [2]);
    shop.sells().await;
}

#[tokio::test]
async fn another_authority_with_the_right_names() {
    let mut shop = Shop::open().await;
    let other = elsewhere(&shop, STORE);
    is_told_nothing(&mut shop, other.sealed_roster()).await;
}

#[tokio::test]
async fn another_store() {
    let mut shop = Shop::open().await;
    let other = elsewhere(&shop, StoreId([0x5f; 16]));
    is_told_nothing(&mut shop, other.sealed_roster()).await;
}

#[tokio::test]
async fn a_certificate_that_has_ended() {
    let mut shop = Shop::open().await;
    shop.authority.issue(3, Holder::First, &shop.directory("stranger"), in_days(-401)).unwrap();
    let roster = shop.authority.sealed_roster().to_vec();
    is_told_nothing(&mut shop, &roster).await;
}

#[tokio::test]
async fn a_certificate_of_tomorrow() {
    let mut shop = Shop::open().await;
    shop.authority.issue(3, Holder::First, &shop.directory("stranger"), in_days(3)).unwrap();
    let roster = shop.authority.sealed_roster().to_vec();
    is_told_nothing(&mut shop, &roster).await;
}

/// A clock that is a day late takes what was made a moment ago.
#[tokio::test]
async fn clocks_may_differ_by_a_day() {
    let shop = Shop::open().await;
    let mut authority = Authority::open(&shop.directory("authority")).unwrap();
    authority.issue(3, Holder::First, &shop.directory("till-3"), in_days(1)).unwrap();
    let mut stream = shop.caller(&shop.directory("till-3")).await.unwrap();
    send(&mut stream, authority.sealed_roster()).await;
    receive(&mut stream).await;
    assert_eq!(hello_store(&receive(&mut stream).await), STORE.0, "it is greeted");
}

/// The store, in a greeting.
fn hello_store(hello: &[u8]) -> [u8; 16] {
    let at = hello.windows(16).position(|window| window == STORE.0).expect("the store is there");
    hello[at..at + 16].try_into().unwrap()
}

fn contains_store(said: &[u8]) -> bool {
    said.windows(16).any(|window| window == STORE.0)
}

/// What the authority has signed for the store, and then taken back.
#[tokio::test]
async fn a_good_certificate_that_is_not_on_the_roster() {
    let mut shop = Shop::open().await;
    shop.authority.issue(3, Holder::First, &shop.directory("stranger"), now()).unwrap();
    shop.authority.revoke(3, now()).unwrap();
    deliver(&shop.authority, 1, &shop.one.address.to_string(), now()).await.unwrap();
    let mut stream = shop.caller(&shop.directory("stranger")).await.unwrap();
    let roster = shop.authority.sealed_roster().to_vec();
    send(&mut stream, &roster).await;
    assert_eq!(receive(&mut stream).await, roster, "the roster, which says that it does not belong");
    assert!(rest(&mut stream).await.0.is_empty(), "and no greeting");
    assert_eq!(shop.connected_to_one().await, [2]);
    shop.sells().await;
}

/// It brings the roster that still lists it: nobody goes back to that one.
#[tokio::test]
async fn an_old_roster_lets_nobody_in() {
    let mut shop = Shop::open().await;
    shop.authority.issue(3, Holder::First, &shop.directory("stranger"), now()).unwrap();
    let old = shop.authority.sealed_roster().to_vec();
    shop.authority.revoke(3, now()).unwrap();
    deliver(&shop.authority, 1, &shop.one.address.to_string(), now()).await.unwrap();
    for _ in 0..2 {
        let mut stream = shop.caller(&shop.directory("stranger")).await.unwrap();
        send(&mut stream, &old).await;
        receive(&mut stream).await;
        assert!(rest(&mut stream).await.0.is_empty());
        // A restart reads what was written down.
        shop = shop.restart_one().await;
    }
    assert_eq!(shop.connected_to_one().await, [2]);
}

/// A certificate says who somebody is; a greeting that says otherwise is turned away.
#[tokio::test]
async fn a_terminal_that_calls_itself_another_one() {
    let mut shop = Shop::open().await;
    shop.authority.issue(3, Holder::First, &shop.directory("stranger"), now()).unwrap();
    let mut stream = shop.caller(&shop.directory("stranger")).await.unwrap();
    let roster = shop.authority.sealed_roster().to_vec();
    send(&mut stream, &roster).await;
    receive(&mut stream).await;
    let hello = receive(&mut stream).await;
    let (one, two) = (shop.one.node.status().await.unwrap().me, shop.two.node.status().await.unwrap().me);
    send(&mut stream, &renamed(&hello, one, two)).await;
    assert!(rest(&mut stream).await.0.is_empty());
    assert_eq!(shop.connected_to_one().await, [2]);
    shop.sells().await;
}

/// A greeting in another name: names have a fixed length where they are long.
fn renamed(hello: &[u8], from: ReplicaId, to: ReplicaId) -> Vec<u8> {
    let (from, to) = (from.0.to_be_bytes(), to.0.to_be_bytes());
    let at = hello.windows(8).position(|window| window == from).expect("the name is there");
    [&hello[..at], &to[..], &hello[at + 8..]].concat()
}

/// Neither an earlier version of TLS nor no TLS at all.
#[tokio::test]
async fn a_caller_who_would_rather_not_encrypt() {
    let mut shop = Shop::open().await;
    // A plain greeting's head, and a ClientHello of TLS 1.2 without extensions and with one cipher suite.
    let mut client_hello = vec![0x16, 3, 1, 0, 45, 1, 0, 0, 41, 3, 3];
    client_hello.extend([7; 32]);
    client_hello.extend([0, 0, 2, 0xc0, 0x2b, 1, 0]);
    for first in [b"\0\0\0\x40".to_vec(), client_hello] {
        let mut stream = TcpStream::connect(shop.one.address).await.unwrap();
        stream.write_all(&first).await.unwrap();
        let mut said = Vec::new();
        let _ = timeout(PATIENCE, stream.read_to_end(&mut said)).await.expect("it hangs up within a minute");
        assert!(said.len() <= 7 && !contains_store(&said), "an alert at most: {said:?}");
    }
    assert_eq!(shop.connected_to_one().await, [2]);
    shop.sells().await;
}

/// The certificate that anybody is shown who calls says neither which store it is nor which terminal.
#[tokio::test]
async fn what_strangers_are_shown() {
    let shop = Shop::open().await;
    let stream = call(shop.one.address, None).await.unwrap();
    let shown: Vec<CertificateDer<'_>> = stream.get_ref().1.peer_certificates().unwrap().to_vec();
    assert_eq!(shown.len(), 1);
    assert!(!contains_store(&shown[0]));
    let text = String::from_utf8_lossy(&shown[0]).into_owned();
    assert!(!text.contains(&STORE.to_string()) && text.contains(".edgepos.internal"));
}

#[tokio::test]
async fn slow_senders_and_half_open_connections() {
    let mut shop = Shop::open().await;
    let mut silent = Vec::new();
    for number in 0..300u16 {
        let mut stream = TcpStream::connect(shop.two.address).await.unwrap();
        if number % 2 == 0 {
            stream.write_all(&[0x16]).await.unwrap();
        }
        silent.push(stream);
    }
    // A member gets in all the same, and the others are hung up on.
    shop = shop.restart_one().await;
    for mut stream in silent {
        let _ = timeout(PATIENCE, stream.read_to_end(&mut Vec::new()))
            .await
            .expect("it hangs up within a minute");
    }
    shop.sells().await;
}

/// A member that sends what is no frame loses its connection, and nobody else does.
#[tokio::test]
async fn garbage_behind_the_handshake() {
    let mut shop = Shop::open().await;
    shop.authority.issue(3, Holder::First, &shop.directory("till-3"), now()).unwrap();
    let roster = shop.authority.sealed_roster().to_vec();
    let me = ReplicaId::new(3, 77);
    for garbage in [vec![0xFF; 64], vec![0x00, 0xFF, 0xFF, 0xFF, 1], vec![0x40, 0, 0, 2, 1, 2]] {
        let mut stream = shop.caller(&shop.directory("till-3")).await.unwrap();
        send(&mut stream, &roster).await;
        receive(&mut stream).await;
        let hello = receive(&mut stream).await;
        let one = shop.one.node.status().await.unwrap().me;
        send(&mut stream, &renamed(&hello, one, me)).await;
        stream.write_all(&garbage).await.unwrap();
        stream.flush().await.unwrap();
        rest(&mut stream).await;
        shop.sells().await;
    }
}

/// A stolen terminal that is connected is cut off as soon as one terminal has heard, and refused by the others as well.
#[tokio::test]
async fn a_stolen_terminal() {
    let mut shop = Shop::open().await;
    shop.authority.issue(3, Holder::First, &shop.directory("till-3"), now()).unwrap();
    let peers = [(1, shop.one.address), (2, shop.two.address)];
    let mut stolen = support::setup(shop.folder.path(), 3, &peers);
    stolen.joins = Some(true);
    let stolen = stolen.open().await.unwrap();
    support::until(async || shop.connected_to_one().await.contains(&3)).await;
    support::until(async || stolen.node.status().await.unwrap().connected.len() == 2).await;
    shop.authority.revoke(3, now()).unwrap();
    let began = tokio::time::Instant::now();
    deliver(&shop.authority, 1, &shop.one.address.to_string(), now()).await.unwrap();
    support::until(async || stolen.node.status().await.unwrap().connected.is_empty()).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    // It calls again and again, and so do the others.
    shop.sells().await;
    assert_eq!(shop.connected_to_one().await, [2]);
    let two = shop.two.node.status().await.unwrap().connected;
    assert_eq!(two.len(), 1);
    let told = stolen.node.status().await.unwrap().conditions;
    assert!(
        told.is_empty() || told.iter().all(|condition| condition.kind != edgepos::ConditionKind::Insecure)
    );
    stolen.close().await.unwrap();
}

/// What the authority has signed later than a clock says is a floor under it: what has ended by then stays ended.
#[tokio::test]
async fn a_clock_that_was_set_back() {
    let mut shop = Shop::open().await;
    shop.authority.issue(3, Holder::First, &shop.directory("stranger"), in_days(-20)).unwrap();
    shop.authority.issue(4, Holder::First, &shop.directory("till-4"), in_days(390)).unwrap();
    deliver(&shop.authority, 1, &shop.one.address.to_string(), now()).await.unwrap();
    let roster = shop.authority.sealed_roster().to_vec();
    is_told_nothing(&mut shop, &roster).await;
}

/// A roster of an authority whose clock is years ahead does not end the certificates of the terminals.
#[tokio::test]
async fn an_authority_whose_clock_is_wrong_ends_nothing() {
    let mut shop = Shop::open().await;
    let later = in_days(2_000);
    shop.authority.issue(3, Holder::First, &shop.directory("till-3"), later).unwrap();
    deliver(&shop.authority, 1, &shop.one.address.to_string(), WallMs(now().0)).await.unwrap();
    shop = shop.restart_one().await;
    shop.sells().await;
}
