//! Who made a manifest: detached signatures in the format of minisign (ed25519 over BLAKE2b, with a signed comment).
//!
//! ```text
//! minisign -G -p vendor.pub -s vendor.key       # once
//! minisign -S -s vendor.key -m manifest.json    # writes manifest.json.minisig
//! ```

use std::fmt;
use std::path::Path;

use thiserror::Error;

/// The name of the signature beside a manifest.
pub const SIGNATURE_FILE: &str = "manifest.json.minisig";
/// A longer signature file is refused: 4 KiB.
pub(crate) const MAX_SIGNATURE_BYTES: u64 = 4096;

/// A key whose owner's manifests are trusted.
#[derive(Clone, PartialEq, Eq)]
pub struct TrustedKey {
    text: String,
    key: minisign_verify::PublicKey,
}

/// Why a manifest is not trusted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// Not a minisign public key.
    #[error("not a minisign public key")]
    Key,
    /// There is no signature.
    #[error("the manifest is not signed: {SIGNATURE_FILE} is missing")]
    Missing,
    /// The signature file is damaged.
    #[error("{SIGNATURE_FILE} is malformed")]
    Malformed,
    /// None of the trusted keys made it, or the manifest was changed afterwards.
    #[error("the signature is not by a trusted key, or the manifest was changed after signing")]
    Untrusted,
}

impl TrustedKey {
    /// Reads a public key: the line of 56 characters, or the whole file that minisign writes.
    ///
    /// # Errors
    /// [`SignatureError::Key`].
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        let line = text.lines().map(str::trim).rfind(|line| !line.is_empty()).ok_or(SignatureError::Key)?;
        let key = minisign_verify::PublicKey::from_base64(line).map_err(|_| SignatureError::Key)?;
        Ok(Self { text: line.to_owned(), key })
    }
}

impl fmt::Debug for TrustedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TrustedKey").field(&self.text).finish()
    }
}

/// Checks a detached signature of `content` against several keys; one suffices.
///
/// # Errors
/// [`SignatureError::Malformed`] or [`SignatureError::Untrusted`].
pub fn check_signature(content: &[u8], signature: &str, keys: &[TrustedKey]) -> Result<(), SignatureError> {
    let signature = minisign_verify::Signature::decode(signature).map_err(|_| SignatureError::Malformed)?;
    let trusted = keys.iter().any(|trusted| trusted.key.verify(content, &signature, false).is_ok());
    if trusted { Ok(()) } else { Err(SignatureError::Untrusted) }
}

/// Reads the signature beside the manifest in `dir` and checks it.
pub(crate) fn check_directory(dir: &Path, content: &[u8], keys: &[TrustedKey]) -> Result<(), SignatureError> {
    use std::io::Read;
    let file =
        crate::integrity::open_regular(&dir.join(SIGNATURE_FILE)).map_err(|_| SignatureError::Missing)?;
    let mut text = String::new();
    file.take(MAX_SIGNATURE_BYTES).read_to_string(&mut text).map_err(|_| SignatureError::Malformed)?;
    check_signature(content, &text, keys)
}
