//! The terminal's side of an enrolment: its key is made here and never leaves.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use edgepos::core::StoreId;
use edgepos::identity::{Identity, IdentityError, KEY_FILE, MAX_ROSTER, Readers, write_durably};
use edgepos_wire::{DecodeError, Reader, put_bytes, write};
use rcgen::PublicKeyData;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::TLS13;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::authority::{AuthorityError, Issued, new_directory};
use crate::certify::{CertifyError, ENROLMENT_NAME, new_key};
use crate::frame;
use crate::token::Token;

/// How long an enrolment may take. The authority hears callers one behind the other.
const PATIENCE: Duration = Duration::from_secs(60);
/// Largest answer, in bytes: the roster and two certificates.
const MAX_ANSWER: u32 = 2 * MAX_ROSTER;
/// Largest certificate in it.
const MAX_CERTIFICATE: u32 = 4_096;

/// What a terminal was told that it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Joined {
    /// The store that it belongs to.
    pub store: StoreId,
    /// Its number in the store.
    pub terminal: u16,
}

/// The terminal was not enrolled.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The authority cannot be reached, or who answers is not the one that the token names.
    #[error("{address}: {source}")]
    Call {
        /// Where it was called.
        address: String,
        /// What the system or TLS says.
        source: io::Error,
    },
    /// The token is wrong.
    #[error("the authority refuses this token")]
    Refused,
    /// What the authority answers is no answer.
    #[error(transparent)]
    Answer(#[from] DecodeError),
    /// The directory cannot be written, or holds something.
    #[error(transparent)]
    Directory(#[from] AuthorityError),
    /// What was written is no identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// No key can be made.
    #[error(transparent)]
    Key(#[from] CertifyError),
    /// TLS is not to be had.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
}

/// Calls the authority at `address`, `host:port`, with a token, and writes the identity that it is given to a directory, which must be new
/// or empty and holds nothing where it fails. The token goes to nobody but the authority that it names. Must be called inside a tokio
/// runtime.
///
/// # Errors
/// [`JoinError`].
pub async fn join(token: &Token, address: &str, directory: &Path) -> Result<Joined, JoinError> {
    new_directory(directory)?;
    let key = new_key()?;
    let provider = Arc::new(ring::default_provider());
    let pinned = Pinned { token: token.clone(), provider: Arc::clone(&provider) };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(pinned))
        .with_no_client_auth();
    config.enable_sni = false;
    let connector = TlsConnector::from(Arc::new(config));
    let request = write(|out| {
        out.map(2)?;
        put_bytes(out, 0, token.secret())?;
        put_bytes(out, 1, &key.subject_public_key_info())
    });
    let failed = |source| JoinError::Call { address: address.to_owned(), source };
    let asked = timeout(PATIENCE, ask(&connector, address, &request)).await;
    let answer = asked.map_err(|_| failed(io::ErrorKind::TimedOut.into()))?.map_err(failed)?;
    if answer.is_empty() {
        return Err(JoinError::Refused);
    }
    let (joined, issued) = read(&answer)?;
    let path: PathBuf = directory.join(KEY_FILE);
    write_durably(&path, key.serialize_pem().as_bytes(), Readers::Owner)
        .map_err(|source| AuthorityError::Io { path, source })?;
    let identity = issued.write(directory).map_err(JoinError::from);
    let identity = identity.and_then(|()| Ok(Identity::read(directory, joined.store, joined.terminal)?));
    if identity.is_err() {
        // Nothing half written: the next try begins in an empty directory.
        let _ = fs::remove_dir_all(directory);
    }
    identity.map(|_| joined)
}

async fn ask(connector: &TlsConnector, address: &str, request: &[u8]) -> io::Result<Vec<u8>> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from(ENROLMENT_NAME).map_err(io::Error::other)?;
    let mut stream = connector.connect(name, stream).await?;
    frame::write(&mut stream, request).await?;
    frame::read(&mut stream, MAX_ANSWER).await
}

fn read(bytes: &[u8]) -> Result<(Joined, Issued), DecodeError> {
    Reader::all("answer", bytes, MAX_ANSWER, |input| {
        let (mut store, mut terminal, mut certificate, mut authority, mut roster) =
            (None, None, None, None, None);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        input.fields(|input, key| {
            match key {
                0 => store = Some(StoreId(input.fixed("store")?)),
                1 => terminal = Some(input.small("terminal")?),
                2 => certificate = Some(text(input.bytes("certificate", MAX_CERTIFICATE)?)),
                3 => authority = Some(text(input.bytes("authority", MAX_CERTIFICATE)?)),
                4 => roster = Some(input.bytes("roster", MAX_ROSTER)?.to_vec()),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let joined = Joined { store: input.required(store, 0)?, terminal: input.required(terminal, 1)? };
        let certificate = input.required(certificate, 2)?;
        let authority = input.required(authority, 3)?;
        Ok((joined, Issued { certificate, authority, roster: input.required(roster, 4)? }))
    })
}

/// Trusts the authority that a token names, and whoever it says may enrol.
#[derive(Debug)]
struct Pinned {
    token: Token,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        behind: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let authority = behind.iter().find(|certificate| self.token.pins(certificate));
        let authority = authority.ok_or(CertificateError::UnknownIssuer)?;
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone().into_owned())?;
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&self.provider));
        let verifier = verifier.build().map_err(|error| rustls::Error::General(error.to_string()))?;
        verifier.verify_server_cert(shown, &[], name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("TLS 1.2 is not spoken".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
