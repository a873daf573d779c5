//! Who may speak for which store.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use edgepos_core::{StoreId, parse_hexadecimal};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// Credentials of one store at most: one in use, one that takes its place, and some for machines of the back office.
const MAX_FOR_A_STORE: usize = 8;

/// A file with a line for each credential: the store, and the SHA-256 of its token in hexadecimal, so that the file itself opens nothing.
/// A third word `feed` makes it the head office's: it may publish what comes down to the store, and not upload; any other may upload, and
/// not publish. What follows a `#` is a remark. A store may have up to eight: a new one is added, the tills get it, and the old line goes. A store
/// without a line is refused.
#[derive(Debug)]
pub struct Credentials {
    path: PathBuf,
    known: RwLock<Known>,
}

type Known = BTreeMap<StoreId, Vec<([u8; 32], Role)>>;

/// What whoever shows a credential may do. Reading how far a store goes is for both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// The store's terminals: they upload.
    Terminals,
    /// The head office: it publishes what comes down.
    Publisher,
}

/// The file of credentials cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file that was named.
        path: PathBuf,
        /// What the call beneath it says.
        source: std::io::Error,
    },
    /// One of its lines says something else.
    #[error("{}, line {line}: {fault}", path.display())]
    Line {
        /// The file that was named.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        fault: &'static str,
    },
}

impl Credentials {
    /// Reads the file.
    ///
    /// # Errors
    /// [`CredentialsError`].
    pub fn read(path: &Path) -> Result<Self, CredentialsError> {
        let known = RwLock::new(known(path)?);
        Ok(Self { path: path.to_owned(), known })
    }

    /// Reads the file again. Where that fails, what was read before goes on to count.
    ///
    /// # Errors
    /// [`CredentialsError`].
    pub fn reread(&self) -> Result<(), CredentialsError> {
        let read = known(&self.path)?;
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    /// Whether the token is one of this store's, for one of these roles; `None` where it is none of the store's. Hashes are compared, whose
    /// bytes tell a guesser nothing about the token.
    pub(super) fn admit(&self, store: StoreId, token: &str, roles: &[Role]) -> Option<bool> {
        let shown: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let of_token = known.get(&store)?.iter().filter(|(hash, _)| *hash == shown);
        of_token.map(|(_, role)| roles.contains(role)).max()
    }
}

fn known(path: &Path) -> Result<Known, CredentialsError> {
    let path = path.to_owned();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) => return Err(CredentialsError::Unreadable { path, source }),
    };
    parse(&text).map_err(|(line, fault)| CredentialsError::Line { path, line, fault })
}

/// `Err`: the line, from 1, and what is wrong with it.
fn parse(text: &str) -> Result<Known, (usize, &'static str)> {
    let mut known = Known::new();
    for (line, content) in text.lines().enumerate() {
        let fault = |fault| (line + 1, fault);
        let content = content.split_once('#').map_or(content, |(content, _)| content);
        let mut words = content.split_whitespace();
        let Some(store) = words.next() else { continue };
        let store: StoreId = store.parse().map_err(|_| fault("expected a store of 32 hexadecimal digits"))?;
        let hash = words.next().and_then(parse_hexadecimal::<32>);
        let hash = hash.ok_or_else(|| fault("expected the SHA-256 of a token, 64 hexadecimal digits"))?;
        let role = match words.next() {
            None => Role::Terminals,
            Some("feed") if words.next().is_none() => Role::Publisher,
            Some(_) => {
                return Err(fault("expected a store, the SHA-256 of a token, and at most the word `feed`"));
            }
        };
        let hashes = known.entry(store).or_default();
        if hashes.len() == MAX_FOR_A_STORE {
            return Err(fault("more than eight credentials of one store"));
        }
        hashes.push((hash, role));
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    const A: &str = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a";

    fn hash(token: &str) -> String {
        Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn a_token_opens_its_own_store_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("credentials");
        let (a, b) = (StoreId([10; 16]), StoreId([11; 16]));
        std::fs::write(
            &path,
            format!("# stores\n{A} {}\n{A} {} # the next one\n\n", hash("one"), hash("two")),
        )
        .unwrap();
        let credentials = Credentials::read(&path).unwrap();
        let admits = |store, token| credentials.admit(store, token, &[Role::Terminals]).is_some();
        assert!(admits(a, "one") && admits(a, "two"));
        assert!(!admits(a, "three") && !admits(a, "") && !admits(b, "one"));
        std::fs::write(&path, format!("{A} {}\n", hash("two"))).unwrap();
        credentials.reread().unwrap();
        assert!(!admits(a, "one") && admits(a, "two"));
        // A file that is half written takes nobody's credential away.
        std::fs::write(&path, A).unwrap();
        let error = credentials.reread().unwrap_err().to_string();
        assert!(error.contains("line 1: expected the SHA-256"), "{error}");
        assert!(admits(a, "two"));
    }

    #[test]
    fn the_head_office_publishes_and_terminals_upload() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("credentials");
        std::fs::write(&path, format!("{A} {}\n{A} {} feed # head office\n", hash("till"), hash("office")))
            .unwrap();
        let credentials = Credentials::read(&path).unwrap();
        let may = |token, role| credentials.admit(StoreId([10; 16]), token, &[role]);
        assert_eq!(may("till", Role::Terminals), Some(true));
        assert_eq!(may("till", Role::Publisher), Some(false));
        assert_eq!(may("office", Role::Publisher), Some(true));
        assert_eq!(may("office", Role::Terminals), Some(false));
        assert_eq!(may("nobody", Role::Publisher), None);
    }

    #[test]
    fn lines_that_say_something_else_are_named() {
        let good = format!("{A} {}", hash("x"));
        assert_eq!(parse(&good).unwrap().len(), 1);
        assert_eq!(parse(&format!("{good}\nshop")).unwrap_err().0, 2);
        assert_eq!(parse(&format!("{good} more")).unwrap_err().0, 1);
        assert_eq!(parse(&format!("{good} feed more")).unwrap_err().0, 1);
        assert_eq!(parse(&format!("\n\n{A} secret")).unwrap_err().0, 3);
        let nine = vec![good; 9].join("\n");
        assert_eq!(parse(&nine).unwrap_err(), (9, "more than eight credentials of one store"));
    }
}
