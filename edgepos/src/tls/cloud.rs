//! TLS to a cloud: who vouches for it.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore};

use super::TlsError;

/// Who may vouch for a cloud.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CloudRoots<'a> {
    /// Whoever the system trusts.
    System,
    /// The certificates of this PEM file alone.
    Pinned(&'a Path),
    /// Nobody: nothing is encrypted.
    Nobody,
}

/// What a client is told. Roots are read once, when it is made.
pub(crate) fn client(roots: CloudRoots<'_>) -> Result<ClientConfig, TlsError> {
    let unusable = |error: rustls::Error| TlsError::Unusable(error.to_string());
    let roots = match roots {
        CloudRoots::System => system()?,
        CloudRoots::Pinned(path) => pinned(path)?,
        CloudRoots::Nobody => RootCertStore::empty(),
    };
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .map_err(unusable)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

fn pinned(path: &Path) -> Result<RootCertStore, TlsError> {
    let text = std::fs::read(path).map_err(TlsError::Read)?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|error| TlsError::NoCertificate(error.to_string()))?;
        roots.add(certificate).map_err(|error| TlsError::Unusable(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(TlsError::NoCertificate("there is not one in the file".into()));
    }
    Ok(roots)
}

/// What the system has that cannot be read is passed over, as long as something is left.
fn system() -> Result<RootCertStore, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found.errors.first().map_or("there are none".to_owned(), ToString::to_string);
        return Err(TlsError::NoSystemRoots(why));
    }
    Ok(roots)
}
