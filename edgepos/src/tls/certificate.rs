//! A certificate (X.509, RFC 5280), and what is asked of it.

use std::fmt;

use edgepos_core::StoreId;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use webpki::EndEntityCert;
use webpki::ring::ECDSA_P256_SHA256;

use super::TlsError;
use crate::identity::roster::{KeyId, subject};

/// A certificate that is well formed. Whether anybody vouches for it is another question.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Certificate(CertificateDer<'static>);

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({:?})", self.key())
    }
}

impl Certificate {
    /// Takes the bytes of one in DER.
    pub(super) fn from_der(der: CertificateDer<'static>) -> Result<Self, TlsError> {
        EndEntityCert::try_from(&der).map_err(|error| TlsError::NoCertificate(error.to_string()))?;
        Ok(Self(der))
    }

    /// Reads the first one of a PEM text (RFC 7468).
    pub(crate) fn from_pem(text: &[u8]) -> Result<Self, TlsError> {
        let der = CertificateDer::from_pem_slice(text);
        Self::from_der(der.map_err(|error| TlsError::NoCertificate(error.to_string()))?)
    }

    pub(super) fn der(&self) -> &CertificateDer<'static> {
        &self.0
    }

    fn parsed(&self) -> EndEntityCert<'_> {
        EndEntityCert::try_from(&self.0).expect("it was parsed when it was made")
    }

    /// Which key it is about.
    pub(crate) fn key(&self) -> KeyId {
        KeyId::of(&self.parsed().subject_public_key_info())
    }

    /// Whether it binds its key to this terminal of this store.
    pub(crate) fn is_of(&self, store: StoreId, terminal: u16) -> bool {
        let name = ServerName::try_from(subject(store, terminal));
        name.is_ok_and(|name| self.parsed().verify_is_valid_for_subject_name(&name).is_ok())
    }

    /// Whether the holder of its key has signed this message (ECDSA on P-256 with SHA-256).
    pub(crate) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        self.parsed().verify_signature(ECDSA_P256_SHA256, message, signature).is_ok()
    }
}
