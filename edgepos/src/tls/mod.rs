//! TLS 1.3 (RFC 8446): between terminals with a certificate at both ends, and to a cloud.

pub(crate) mod certificate;
pub(crate) mod cloud;
pub(crate) mod peers;

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};

/// A connection, encrypted or not.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// What was given cannot be used for TLS.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("holds no certificate: {0}")]
    NoCertificate(String),
    #[error("holds no private key: {0}")]
    NoKey(String),
    #[error("cannot be used: {0}")]
    Unusable(String),
    #[error("the certificates that the system trusts cannot be read: {0}")]
    NoSystemRoots(String),
    #[error("cannot be read: {0}")]
    Read(#[source] io::Error),
}
