//! The token that whoever calls the till's port from elsewhere has.

use std::path::Path;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use edgepos::{TokenFileError, read_token};
use sha2::{Digest, Sha256};

/// A token, by its hash. Shown without it.
#[derive(Clone, PartialEq, Eq)]
pub struct TillToken([u8; 32]);

impl std::fmt::Debug for TillToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TillToken")
    }
}

impl TillToken {
    /// Reads a file, which nobody but its owner may read where the system knows such rights.
    ///
    /// # Errors
    /// [`TokenFileError`].
    pub fn read(path: &Path) -> Result<Self, TokenFileError> {
        Ok(Self::of(read_token(path)?.as_bytes()))
    }

    /// The token itself, which is forgotten.
    pub(crate) fn of(token: &[u8]) -> Self {
        Self(Sha256::digest(token).into())
    }

    /// Whether a call shows it, as `Authorization: Bearer TOKEN`. Hashes are compared: how far they agree says nothing of the token.
    pub(crate) fn is_shown(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return false };
        let token = value
            .as_bytes()
            .split_at_checked(7)
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer "));
        token.is_some_and(|(_, token)| Self::of(token) == *self)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use std::fs;

    use axum::http::HeaderValue;

    use super::*;

    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn it_is_shown_whole_and_once() {
        let token = TillToken::of(TOKEN.as_bytes());
        let shown = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            }
            token.is_shown(&headers)
        };
        let right = format!("Bearer {TOKEN}");
        assert!(shown(&[&right]) && shown(&[&right.replace("Bearer", "bearer")]));
        for wrong in [
            "",
            "Bearer",
            "Bearer ",
            TOKEN,
            &right[..right.len() - 1],
            &format!("{right}0"),
            &format!("Basic {TOKEN}"),
        ] {
            assert!(!shown(&[wrong]), "{wrong}");
        }
        assert!(!shown(&[]) && !shown(&[&right, &right]));
        assert!(!format!("{token:?}").contains("0123"));
    }

    #[test]
    fn a_file_holds_enough_and_is_its_owner_s() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("till.token");
        let read = |text: &str, mode: u32| {
            fs::write(&path, text).unwrap();
            #[cfg(unix)]
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
            TillToken::read(&path)
        };
        assert_eq!(read(&format!("{TOKEN}\n"), 0o600).unwrap(), TillToken::of(TOKEN.as_bytes()));
        for (text, mode) in
            [("short", 0o600), (&TOKEN.repeat(9), 0o600), ("0123456789abcdef 0123456789abcdef", 0o600)]
        {
            assert!(matches!(read(text, mode), Err(TokenFileError::Unfit)), "{text}");
        }
        #[cfg(unix)]
        assert!(matches!(read(TOKEN, 0o644), Err(TokenFileError::Exposed)));
        assert!(matches!(TillToken::read(&folder.path().join("absent")), Err(TokenFileError::Read(_))));
    }
}
