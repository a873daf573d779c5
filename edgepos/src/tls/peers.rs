//! TLS between the terminals of a store: both ends show a certificate of the store's authority, at each connection anew.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use edgepos_core::{StoreId, WallMs};
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::time_provider::TimeProvider;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::certificate::Certificate;
use super::{Duplex, TlsError};
use crate::identity::roster::subject;

/// One end of the connections of a terminal.
pub(crate) struct PeerTls {
    store: StoreId,
    connector: TlsConnector,
    acceptor: TlsAcceptor,
    verifier: Arc<dyn ClientCertVerifier>,
    own: Certificate,
    time: Arc<FlooredTime>,
}

impl fmt::Debug for PeerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerTls").field("own", &self.own).finish_non_exhaustive()
    }
}

/// A connection whose other end has shown a certificate of the authority, and that it has its key.
pub(crate) struct Secured {
    pub(crate) stream: Box<dyn Duplex>,
    pub(crate) peer: Certificate,
}

/// The system's clock, which never goes back behind what the authority has signed.
#[derive(Debug, Default)]
struct FlooredTime {
    /// In seconds since 1970.
    floor: AtomicU64,
}

impl TimeProvider for FlooredTime {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = UnixTime::now().as_secs().max(self.floor.load(Ordering::Relaxed));
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

impl PeerTls {
    /// For a terminal with this certificate and its key, in PEM.
    pub(crate) fn new(
        store: StoreId,
        authority: &Certificate,
        own: &Certificate,
        key: &[u8],
    ) -> Result<Self, TlsError> {
        let unusable = |error: &dyn std::error::Error| TlsError::Unusable(error.to_string());
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| TlsError::NoKey(error.to_string()))?;
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).map_err(|error| unusable(&error))?;
        let roots = Arc::new(roots);
        let provider = Arc::new(ring::default_provider());
        let time = Arc::new(FlooredTime::default());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider));
        let verifier = verifier.build().map_err(|error| unusable(&error))?;
        let server = server(&provider, &time, &verifier, own, key.clone_key()).map_err(|e| unusable(&e))?;
        let client = client(&provider, &time, roots, own, key).map_err(|error| unusable(&error))?;
        Ok(Self {
            store,
            connector: TlsConnector::from(Arc::new(client)),
            acceptor: TlsAcceptor::from(Arc::new(server)),
            verifier,
            own: own.clone(),
            time,
        })
    }

    /// Greets whoever listens, who must be this terminal of the store.
    pub(crate) async fn connect(&self, stream: TcpStream, terminal: u16) -> io::Result<Secured> {
        let name = ServerName::try_from(subject(self.store, terminal)).map_err(io::Error::other)?;
        let stream = self.connector.connect(name, stream).await?;
        let peer = leaf(stream.get_ref().1.peer_certificates())?;
        Ok(Secured { stream: Box::new(stream), peer })
    }

    /// Greets whoever has called.
    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<Secured> {
        let stream = self.acceptor.accept(stream).await?;
        let peer = leaf(stream.get_ref().1.peer_certificates())?;
        Ok(Secured { stream: Box::new(stream), peer })
    }

    /// Whether this terminal's own certificate would be taken so much later than now.
    pub(crate) fn holds_after(&self, later: Duration) -> bool {
        let now = self.time.current_time().map_or(0, |now| now.as_secs());
        self.is_valid_at(now.saturating_add(later.as_secs()))
    }

    /// Takes what the authority has signed at this moment as a floor under the clock. Where this terminal's own certificate was not
    /// valid at it, the authority's clock was wrong, and it is no floor.
    pub(crate) fn has_been(&self, moment: WallMs) {
        let seconds = moment.0 / 1_000;
        if self.is_valid_at(seconds) {
            self.time.floor.fetch_max(seconds, Ordering::Relaxed);
        }
    }

    fn is_valid_at(&self, seconds: u64) -> bool {
        let moment = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        self.verifier.verify_client_cert(self.own.der(), &[], moment).is_ok()
    }
}

/// A resumed session does not look at the client's certificate again: there are no tickets, and no sessions are kept.
fn server(
    provider: &Arc<CryptoProvider>,
    time: &Arc<FlooredTime>,
    verifier: &Arc<dyn ClientCertVerifier>,
    own: &Certificate,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_details(provider.clone(), time.clone())
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(verifier.clone())
        .with_single_cert(vec![own.der().clone()], key)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// The name of who is called is sent to nobody: it would be read on the wire.
fn client(
    provider: &Arc<CryptoProvider>,
    time: &Arc<FlooredTime>,
    roots: Arc<RootCertStore>,
    own: &Certificate,
    key: PrivateKeyDer<'static>,
) -> Result<ClientConfig, rustls::Error> {
    let mut config = ClientConfig::builder_with_details(provider.clone(), time.clone())
        .with_protocol_versions(&[&TLS13])?
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![own.der().clone()], key)?;
    config.resumption = Resumption::disabled();
    config.enable_sni = false;
    Ok(config)
}

fn leaf(shown: Option<&[CertificateDer<'static>]>) -> io::Result<Certificate> {
    let leaf = shown.and_then(<[_]>::first).ok_or_else(|| io::Error::other("no certificate was shown"))?;
    Certificate::from_der(leaf.clone()).map_err(io::Error::other)
}
