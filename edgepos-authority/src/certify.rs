//! Certificates (X.509, RFC 5280): ECDSA on P-256 with SHA-256, which secure elements know as well.

use edgepos::core::{StoreId, WallMs};
use edgepos::identity::{BACKDATED, LIFETIME, subject};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm,
};
use thiserror::Error;
use time::{Duration, OffsetDateTime};

/// The same for every store: it stands in each certificate, which strangers are shown.
const AUTHORITY_NAME: &str = "edgepos authority";
/// The authority's own certificate is compared byte by byte, and its end is looked at by nobody: so long a store is expected to last.
const AUTHORITY_YEARS: i64 = 50;
/// `SubjectPublicKeyInfo` of a key on P-256, up to the point itself (RFC 5480).
const P256_HEAD: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// An uncompressed point of that curve.
const P256_POINT: usize = 65;

/// A certificate cannot be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CertifyError {
    /// The library beneath says so.
    #[error("a certificate cannot be made: {0}")]
    Refused(#[from] rcgen::Error),
    /// Other keys cannot be certified.
    #[error("a public key is none of ECDSA on P-256 in DER")]
    OtherKey,
    /// The clock is wrong.
    #[error("{0} ms since 1970 is no time for a certificate")]
    Time(u64),
}

/// A new key pair.
pub(crate) fn new_key() -> Result<KeyPair, CertifyError> {
    Ok(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?)
}

/// A public key of another machine.
pub(crate) struct PublicKey<'a> {
    point: &'a [u8],
}

impl<'a> PublicKey<'a> {
    /// Reads `SubjectPublicKeyInfo` in DER.
    pub(crate) fn from_der(der: &'a [u8]) -> Result<Self, CertifyError> {
        let point =
            der.strip_prefix(&P256_HEAD[..]).filter(|point| point.len() == P256_POINT && point[0] == 4);
        point.map(|point| Self { point }).ok_or(CertifyError::OtherKey)
    }
}

impl PublicKeyData for PublicKey<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.point
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

/// The authority's own certificate, in PEM.
pub(crate) fn authority(key: &KeyPair, now: WallMs) -> Result<String, CertifyError> {
    let mut params = authority_params()?;
    let made = moment(now)?;
    params.not_before = made - backdated();
    params.not_after = made + Duration::days(366 * AUTHORITY_YEARS);
    Ok(params.self_signed(key)?.pem())
}

fn authority_params() -> Result<CertificateParams, CertifyError> {
    let mut params = named(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    Ok(params)
}

fn named(names: Vec<String>) -> Result<CertificateParams, CertifyError> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, AUTHORITY_NAME);
    Ok(params)
}

/// The name of whoever enrols terminals. The authority alone makes a certificate of it, so that no terminal can be asked for a token.
pub(crate) const ENROLMENT_NAME: &str = "enrolment.edgepos.internal";

/// A certificate by the authority that binds a key to a terminal. Terminal 0 is the authority itself, as it calls one.
pub(crate) fn terminal(
    authority: &KeyPair,
    key: &PublicKey<'_>,
    (store, number): (StoreId, u16),
    now: WallMs,
) -> Result<Certificate, CertifyError> {
    signed(authority, key, subject(store, number), now)
}

/// A certificate by the authority that binds a key to a name.
pub(crate) fn signed(
    authority: &KeyPair,
    key: &PublicKey<'_>,
    name: String,
    now: WallMs,
) -> Result<Certificate, CertifyError> {
    let mut params = named(vec![name])?;
    let made = moment(now)?;
    params.not_before = made - backdated();
    params.not_after = made + Duration::seconds(LIFETIME.as_secs() as i64);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params.signed_by(key, &Issuer::new(authority_params()?, authority))?)
}

fn moment(now: WallMs) -> Result<OffsetDateTime, CertifyError> {
    let seconds = i64::try_from(now.0 / 1_000).map_err(|_| CertifyError::Time(now.0))?;
    // So that its end can be written down.
    let latest = OffsetDateTime::from_unix_timestamp(seconds).ok().filter(|made| made.year() < 9_000);
    latest.ok_or(CertifyError::Time(now.0))
}

fn backdated() -> Duration {
    Duration::seconds(BACKDATED.as_secs() as i64)
}
