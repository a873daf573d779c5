//! A store of two terminals with certificates, and strangers that call it.
#![allow(dead_code, reason = "each test uses its part of it")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use edgepos::core::{IdempotencyKey, ReplicaId, StoreId, WallMs};
use edgepos::identity::{CERTIFICATE_FILE, KEY_FILE};
use edgepos::model::{BasketId, Currency, Line, Tender};
use edgepos::{Commit, Draft, OpenTerminal, Setup};
use edgepos_authority::{Authority, Holder};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::version::TLS13;
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) const STORE: StoreId = StoreId([0x5e; 16]);
/// Longest time that anything here may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn now() -> WallMs {
    WallMs(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap())
}

/// So many days from now, or before.
pub(crate) fn in_days(days: i64) -> WallMs {
    WallMs(now().0.checked_add_signed(days * 86_400_000).unwrap())
}

/// Terminals 1 and 2, which are connected, and their authority.
pub(crate) struct Shop {
    pub(crate) folder: TempDir,
    pub(crate) authority: Authority,
    pub(crate) one: OpenTerminal,
    pub(crate) two: OpenTerminal,
    sales: u8,
}

pub(crate) fn setup(folder: &Path, terminal: u16, peers: &[(u16, SocketAddr)]) -> Setup {
    let database = folder.join(format!("till-{terminal}.db"));
    let identity = folder.join(format!("till-{terminal}"));
    let mut text = format!(
        "terminal = {terminal}\nstore = \"{STORE}\"\ndatabase = {database:?}\nidentity = {identity:?}\n\
         listen = \"127.0.0.1:0\"\ncloud = \"http://127.0.0.1:9\"\nvoters = [1, 2]\nflush_ms = 50\n[peers]\n"
    );
    for (peer, address) in peers {
        text.push_str(&format!("{peer} = \"{address}\"\n"));
    }
    text.parse().unwrap()
}

impl Shop {
    pub(crate) async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut authority = Authority::create(&folder.path().join("authority"), STORE, now()).unwrap();
        for terminal in [1, 2] {
            let directory = folder.path().join(format!("till-{terminal}"));
            authority.issue(terminal, Holder::First, &directory, now()).unwrap();
        }
        let two = setup(folder.path(), 2, &[]).open().await.unwrap();
        let one = setup(folder.path(), 1, &[(2, two.address)]).open().await.unwrap();
        let mut shop = Self { folder, authority, one, two, sales: 0 };
        shop.sells().await;
        shop
    }

    /// The directory of an identity.
    pub(crate) fn directory(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What is sold at terminal 1 arrives at terminal 2.
    pub(crate) async fn sells(&mut self) {
        self.sales += 1;
        let milk = Line { no: 1, product: "milk".into(), quantity: 2, amount: 258, ..Line::default() };
        let basket = BasketId([self.sales; 16]);
        let begun = self.one.node.begin(Draft::sale(basket, Currency::EUR, vec![milk])).await.unwrap();
        let key = IdempotencyKey([self.sales; 16]);
        let commit = Commit { basket, key, tenders: Tender::cash(begun.total).into() };
        let receipt = self.one.node.commit(commit).await.unwrap().receipt;
        let arrives = timeout(PATIENCE, async {
            while self.two.node.event(receipt.event).await.unwrap().is_none() {
                tokio::task::yield_now().await;
            }
        });
        arrives.await.expect("within a minute");
    }

    /// Terminal 1 ends, starts again, and sells.
    pub(crate) async fn restart_one(self) -> Self {
        let Self { folder, authority, one, two, sales } = self;
        let mut again = setup(folder.path(), 1, &[(2, two.address)]);
        again.listen = one.address;
        one.close().await.unwrap();
        let one = again.open().await.unwrap();
        let mut shop = Self { folder, authority, one, two, sales };
        shop.sells().await;
        shop
    }

    /// The numbers of those that terminal 1 is connected to.
    pub(crate) async fn connected_to_one(&self) -> Vec<u16> {
        let connected = self.one.node.status().await.unwrap().connected;
        connected.into_iter().map(ReplicaId::terminal).collect()
    }

    /// A stranger who has what is in this directory, and calls terminal 1.
    pub(crate) async fn caller(&self, directory: &Path) -> Result<TlsStream<TcpStream>, std::io::Error> {
        let read = |name: &str| std::fs::read(directory.join(name)).unwrap();
        let certificate = CertificateDer::from_pem_slice(&read(CERTIFICATE_FILE)).unwrap();
        let key = PrivateKeyDer::from_pem_slice(&read(KEY_FILE)).unwrap();
        call(self.one.address, Some((certificate, key))).await
    }
}

/// Waits until something holds.
pub(crate) async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let waits = timeout(PATIENCE, async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    });
    waits.await.expect("within a minute");
}

/// Calls a port over TLS, and takes whoever answers.
pub(crate) async fn call(
    address: SocketAddr,
    shows: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
) -> Result<TlsStream<TcpStream>, std::io::Error> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody));
    let config = match shows {
        Some((certificate, key)) => config.with_client_auth_cert(vec![certificate], key).unwrap(),
        None => config.with_no_client_auth(),
    };
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("anybody.example").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// Sends a frame; where the other end has hung up that is no matter.
pub(crate) async fn send(stream: &mut TlsStream<TcpStream>, frame: &[u8]) {
    let length = u32::try_from(frame.len()).unwrap();
    let _ = stream.write_all(&[&length.to_be_bytes(), frame].concat()).await;
    let _ = stream.flush().await;
}

/// Reads a frame.
pub(crate) async fn receive(stream: &mut TlsStream<TcpStream>) -> Vec<u8> {
    let read = timeout(PATIENCE, async {
        let length = stream.read_u32().await.unwrap();
        let mut frame = vec![0; length as usize];
        stream.read_exact(&mut frame).await.unwrap();
        frame
    });
    read.await.expect("within a minute")
}

/// All that the other end says until it hangs up, and how that looked.
pub(crate) async fn rest(stream: &mut TlsStream<TcpStream>) -> (Vec<u8>, String) {
    let mut said = Vec::new();
    let ended = timeout(PATIENCE, stream.read_to_end(&mut said)).await.expect("it hangs up within a minute");
    (said, format!("{ended:?}"))
}

/// Takes every server for the right one.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
