//! The authority calls a running terminal and hands it the roster; that one tells the others.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use edgepos::core::WallMs;
use edgepos::identity::{MAX_ROSTER, RosterError, open_roster, subject};
use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsConnector;

use crate::authority::{Authority, AuthorityError};
use crate::frame;

/// How long it may take until a terminal goes by a roster.
const PATIENCE: Duration = Duration::from_secs(15);
/// Until it is asked again whether it does.
const PAUSE: Duration = Duration::from_millis(200);

/// Nobody knows whether the terminal has the roster.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DeliverError {
    /// The authority cannot make what it needs to call.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// It cannot be reached, or is not the terminal that was called.
    #[error("terminal {terminal} at {address}: {source}")]
    Call {
        /// The terminal that was called.
        terminal: u16,
        /// Where it was called.
        address: String,
        /// What the system or TLS says.
        source: io::Error,
    },
    /// It answers with something else than a roster of this authority.
    #[error("what it has: {0}")]
    Roster(#[from] RosterError),
    /// TLS is not to be had.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    /// It goes by a newer one: this authority's directory is an old copy.
    #[error(
        "the terminal has version {theirs} of the roster, this authority {ours}: its directory is an old copy"
    )]
    Newer {
        /// What the terminal has.
        theirs: u64,
        /// What this authority has.
        ours: u64,
    },
    /// It was reached, and did not take it in time; its disk may be full.
    #[error("the terminal stays at version {0} of the roster")]
    NotTaken(u64),
}

/// Hands the roster to a terminal at `address`, `host:port`, and waits until it goes by it. Must be called inside a tokio runtime.
///
/// # Errors
/// [`DeliverError`]; asked twice is asked once.
pub async fn deliver(
    authority: &Authority,
    terminal: u16,
    address: &str,
    now: WallMs,
) -> Result<(), DeliverError> {
    let store = authority.roster().store;
    let (certificate, key) = authority.own(subject(store, 0), now)?;
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate_der()?)?;
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])?
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![certificate], key)?;
    config.enable_sni = false;
    config.resumption = Resumption::disabled();
    let connector = TlsConnector::from(Arc::new(config));
    let failed = |source| DeliverError::Call { terminal, address: address.to_owned(), source };
    let ours = authority.roster().version;
    let until = Instant::now() + PATIENCE;
    loop {
        let exchanged =
            timeout(PATIENCE, exchange(&connector, subject(store, terminal), address, authority)).await;
        let sealed = exchanged.map_err(|_| failed(io::ErrorKind::TimedOut.into()))?.map_err(failed)?;
        let theirs = open_roster(&sealed, authority.certificate().as_bytes())?.version;
        if theirs > ours {
            return Err(DeliverError::Newer { theirs, ours });
        }
        if theirs == ours {
            return Ok(());
        }
        // It says what it had before ours.
        if Instant::now() >= until {
            return Err(DeliverError::NotTaken(theirs));
        }
        sleep(PAUSE).await;
    }
}

/// Hands ours over; which one it had.
async fn exchange(
    connector: &TlsConnector,
    name: String,
    address: &str,
    authority: &Authority,
) -> io::Result<Vec<u8>> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from(name).map_err(io::Error::other)?;
    let mut stream = connector.connect(name, stream).await?;
    frame::write(&mut stream, authority.sealed_roster()).await?;
    frame::read(&mut stream, MAX_ROSTER).await
}
