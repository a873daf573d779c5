//! A box is enrolled by whoever has the token, once, in time, and by the authority that the token names.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use edgepos::identity::{AUTHORITY_FILE, CERTIFICATE_FILE, Identity, KEY_FILE};
use edgepos_authority::{
    Authority, EnrolError, Enrolled, Holder, Invitation, JoinError, MAX_FAILURES, Token, enrol, join,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::TLS13;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use self::support::{STORE, now};

/// An authority that waits for terminal 3.
struct Waiting {
    address: SocketAddr,
    token: Token,
    done: JoinHandle<(Authority, Result<Enrolled, EnrolError>)>,
}

async fn waiting(mut authority: Authority, invitation: Invitation) -> Waiting {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (shown, token) = oneshot::channel();
    let done = tokio::spawn(async move {
        let show = |token: &Token| drop(shown.send(token.clone()));
        let enrolled = enrol(&mut authority, invitation, &listener, now, show).await;
        (authority, enrolled)
    });
    Waiting { address, token: token.await.unwrap(), done }
}

fn authority(folder: &Path, name: &str) -> Authority {
    Authority::create(&folder.join(name), STORE, now()).unwrap()
}

/// A token of the same authority whose secret is another one.
fn wrong(token: &Token, number: u32) -> Token {
    let text = token.to_string();
    format!("{number:08x}-{}", &text[10..]).parse().unwrap()
}

async fn call(token: &Token, address: SocketAddr, directory: &Path) -> Result<u16, JoinError> {
    join(token, &address.to_string(), directory).await.map(|joined| joined.terminal)
}

#[tokio::test]
async fn a_token_is_good_for_one_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("till-3"), folder.path().join("again"));
    let waits = waiting(authority(folder.path(), "authority"), Invitation::new(3, Holder::First)).await;
    assert_eq!(call(&waits.token, waits.address, &first).await.unwrap(), 3);
    Identity::read(&first, STORE, 3).unwrap();
    let (authority, enrolled) = waits.done.await.unwrap();
    assert_eq!(authority.roster().terminal_of(enrolled.unwrap().key), Some(3));
    assert!(call(&waits.token, waits.address, &second).await.is_err(), "nobody waits any more");
    // The number is taken; another box takes it where that is said, and the first key goes.
    let taken = Invitation::new(3, Holder::InPlace);
    let waits_again = waiting(authority, taken).await;
    let used = call(&waits.token, waits_again.address, &second).await;
    assert!(matches!(used, Err(JoinError::Refused)), "{used:?}");
    assert_eq!(call(&waits_again.token, waits_again.address, &second).await.unwrap(), 3);
    let (authority, enrolled) = waits_again.done.await.unwrap();
    assert_eq!(enrolled.unwrap().failures, 1);
    assert_eq!(authority.roster().members.len(), 1);
}

#[tokio::test]
async fn five_wrong_tokens_end_it() {
    let folder = tempfile::tempdir().unwrap();
    let waits = waiting(authority(folder.path(), "authority"), Invitation::new(3, Holder::First)).await;
    for number in 0..MAX_FAILURES {
        // Silent callers and broken ones are no guesses.
        drop(TcpStream::connect(waits.address).await.unwrap());
        let refused = call(&wrong(&waits.token, number), waits.address, &folder.path().join("till-3")).await;
        assert!(matches!(refused, Err(JoinError::Refused)), "{refused:?}");
    }
    let (authority, ended) = waits.done.await.unwrap();
    assert!(matches!(ended, Err(EnrolError::Locked)));
    assert!(call(&waits.token, waits.address, &folder.path().join("till-3")).await.is_err(), "the right one");
    assert!(authority.roster().members.is_empty());
}

#[tokio::test]
async fn a_token_ends() {
    let folder = tempfile::tempdir().unwrap();
    let soon = Invitation { lifetime: Duration::from_millis(1), ..Invitation::new(3, Holder::First) };
    let (_, ended) = waiting(authority(folder.path(), "authority"), soon).await.done.await.unwrap();
    assert!(matches!(ended, Err(EnrolError::TooLate)));
}

#[tokio::test]
async fn a_number_that_is_taken_is_not_given_away() {
    let folder = tempfile::tempdir().unwrap();
    let mut authority = authority(folder.path(), "authority");
    authority.issue(3, Holder::First, &folder.path().join("till-3"), now()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refused = enrol(&mut authority, Invitation::new(3, Holder::First), &listener, now, |_| {}).await;
    assert!(refused.unwrap_err().to_string().contains("terminal 3 is on the roster"));
}

/// Who answers at the address is somebody else: another authority, or a stolen terminal of the same one.
#[tokio::test]
async fn a_token_goes_to_nobody_but_its_authority() {
    let folder = tempfile::tempdir().unwrap();
    let mut right = authority(folder.path(), "authority");
    let stolen = folder.path().join("till-2");
    right.issue(2, Holder::First, &stolen, now()).unwrap();
    let waits = waiting(right, Invitation::new(3, Holder::First)).await;
    let other = waiting(authority(folder.path(), "other"), Invitation::new(3, Holder::First)).await;
    let refused = call(&waits.token, other.address, &folder.path().join("till-3")).await;
    assert!(matches!(refused, Err(JoinError::Call { .. })), "{refused:?}");

    let (address, heard) = impostor(&stolen).await;
    let refused = call(&waits.token, address, &folder.path().join("till-3")).await;
    assert!(matches!(refused, Err(JoinError::Call { .. })), "{refused:?}");
    assert_eq!(heard.await.unwrap(), 0, "the secret was not sent");
    assert_eq!(call(&waits.token, waits.address, &folder.path().join("till-3")).await.unwrap(), 3);
}

/// A terminal that listens as if it were its authority, and how many bytes it is told.
async fn impostor(identity: &Path) -> (SocketAddr, JoinHandle<usize>) {
    let pem = |name: &str| std::fs::read(identity.join(name)).unwrap();
    let certificate = |name: &str| CertificateDer::from_pem_slice(&pem(name)).unwrap();
    let chain = vec![certificate(CERTIFICATE_FILE), certificate(AUTHORITY_FILE)];
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_slice(&pem(KEY_FILE)).unwrap())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heard = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut said = Vec::new();
        if let Ok(mut stream) = acceptor.accept(stream).await {
            let _ = stream.read_to_end(&mut said).await;
        }
        said.len()
    });
    (address, heard)
}
