//! Who a terminal is, as the authority of its store has signed it: a directory with four files.
//!
//! | file | what |
//! |---|---|
//! | `authority.pem` | the certificate of the store's authority, whose key is on no terminal |
//! | `certificate.pem` | that of this terminal: its key, bound to store and number by [`subject`] |
//! | `key.pem` | its private key, which nobody but its owner may read |
//! | `roster` | the newest signed [`Roster`] that it has heard |

mod durable;
pub(crate) mod roster;
pub(crate) mod roster_file;

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use edgepos_core::StoreId;
use thiserror::Error;

pub use self::durable::{Readers, write_durably};
pub use self::roster::{KeyId, MAX_MEMBERS, MAX_ROSTER, Member, Roster, RosterError, subject};
use self::roster_file::{RosterFile, TakeError};
use crate::tls::TlsError;
use crate::tls::certificate::Certificate;
use crate::tls::peers::PeerTls;

/// The certificate of the store's authority, in an identity's directory.
pub const AUTHORITY_FILE: &str = "authority.pem";
/// The terminal's certificate, beside [`AUTHORITY_FILE`].
pub const CERTIFICATE_FILE: &str = "certificate.pem";
/// The terminal's private key, beside [`AUTHORITY_FILE`].
pub const KEY_FILE: &str = "key.pem";
/// The signed roster, beside [`AUTHORITY_FILE`].
pub const ROSTER_FILE: &str = "roster";

/// How long a certificate holds.
pub const LIFETIME: Duration = Duration::from_secs(400 * 86_400);
/// How long before it was made it holds already: clocks differ.
pub const BACKDATED: Duration = Duration::from_secs(48 * 3_600);
/// The part of its lifetime that is left when it is due to be renewed: a third.
const RENEW_BEFORE: Duration = Duration::from_secs(400 * 86_400 / 3);
/// Largest PEM file that is read.
const MAX_PEM: u64 = 64 << 10;

/// Who a terminal is.
#[derive(Debug)]
pub struct Identity {
    pub(crate) store: StoreId,
    pub(crate) tls: PeerTls,
    pub(crate) roster: RosterFile,
    key: KeyId,
    terminal: u16,
}

/// A directory does not say who a terminal is.
#[derive(Debug, Error)]
#[error("{}: {what}", path.display())]
pub struct IdentityError {
    path: PathBuf,
    what: IdentityFault,
}

#[derive(Debug, Error)]
enum IdentityFault {
    #[error("cannot be read: {0}")]
    Read(#[source] io::Error),
    #[error("is larger than {MAX_PEM} bytes")]
    TooLarge,
    #[cfg(unix)]
    #[error("others may read it: take their rights away (chmod 600)")]
    Exposed,
    #[error(transparent)]
    Tls(TlsError),
    #[error("is not of terminal {terminal} of store {store}")]
    OtherTerminal { terminal: u16, store: StoreId },
    #[error(transparent)]
    Roster(TakeError),
}

impl Identity {
    /// Reads the directory of a terminal. An own certificate that has ended is taken: others refuse it, and the terminal sells alone.
    ///
    /// # Errors
    /// When a file is absent or holds something else, others than its owner may read the key, or it is another terminal's. The path is
    /// named.
    pub fn read(directory: &Path, store: StoreId, terminal: u16) -> Result<Self, IdentityError> {
        let at = |name: &str| directory.join(name);
        let fault = |name: &str, what| IdentityError { path: at(name), what };
        let pem = |name: &str| read_limited(&at(name)).map_err(|what| fault(name, what));
        let certificate = |name: &str| {
            let certificate = Certificate::from_pem(&pem(name)?);
            certificate.map_err(|error| fault(name, IdentityFault::Tls(error)))
        };
        let authority = certificate(AUTHORITY_FILE)?;
        let own = certificate(CERTIFICATE_FILE)?;
        if !own.is_of(store, terminal) {
            return Err(fault(CERTIFICATE_FILE, IdentityFault::OtherTerminal { terminal, store }));
        }
        owner_only(&at(KEY_FILE)).map_err(|what| fault(KEY_FILE, what))?;
        let tls = PeerTls::new(store, &authority, &own, &pem(KEY_FILE)?);
        let tls = tls.map_err(|error| fault(KEY_FILE, IdentityFault::Tls(error)))?;
        let roster = RosterFile::read(at(ROSTER_FILE), store, authority);
        let roster = roster.map_err(|error| fault(ROSTER_FILE, IdentityFault::Roster(error)))?;
        tls.has_been(roster.held().roster.signed_at);
        Ok(Self { store, key: own.key(), tls, roster, terminal })
    }

    /// What somebody must act on, in English: that this terminal's certificate ends soon, that it is not listed, or that its disk does not
    /// take the newest roster.
    pub(crate) fn finding(&self) -> Option<String> {
        let held = self.roster.held();
        if !held.roster.lists(self.key, self.terminal) {
            return Some(format!("key {} is not on roster {}", self.key, held.roster.version));
        }
        if let Some(error) = &*self.roster.watch_failures().borrow() {
            return Some(format!(
                "a newer roster than {} cannot be written down: {error}",
                held.roster.version
            ));
        }
        if !self.tls.holds_after(Duration::ZERO) {
            return Some(format!("the certificate of key {} is not taken at this time", self.key));
        }
        let due = !self.tls.holds_after(RENEW_BEFORE);
        due.then(|| format!("the certificate of key {} is due to be renewed", self.key))
    }

    /// Takes a roster that somebody has sent, where it is newer. Whether it was. Blocks on the disk.
    pub(crate) fn take_roster(&self, sealed: &[u8]) -> Result<bool, TakeError> {
        let newer = self.roster.take(sealed)?;
        if newer {
            self.tls.has_been(self.roster.held().roster.signed_at);
        }
        Ok(newer)
    }
}

/// Opens a signed roster with the certificate of its authority, in PEM. Nothing within is looked at before its signature.
///
/// # Errors
/// [`RosterError::NotSigned`] also where the text holds no certificate.
pub fn open_roster(sealed: &[u8], authority: &[u8]) -> Result<Roster, RosterError> {
    let authority = Certificate::from_pem(authority).map_err(|_| RosterError::NotSigned)?;
    roster::open(sealed, |message, signature| authority.has_signed(message, signature))
}

fn read_limited(path: &Path) -> Result<Vec<u8>, IdentityFault> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(IdentityFault::Read)?;
    file.take(MAX_PEM + 1).read_to_end(&mut bytes).map_err(IdentityFault::Read)?;
    if bytes.len() as u64 > MAX_PEM { Err(IdentityFault::TooLarge) } else { Ok(bytes) }
}

#[cfg(unix)]
fn owner_only(path: &Path) -> Result<(), IdentityFault> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).map_err(IdentityFault::Read)?.permissions().mode();
    if mode & 0o077 == 0 { Ok(()) } else { Err(IdentityFault::Exposed) }
}

/// Who may read a file is the system's affair elsewhere.
#[cfg(not(unix))]
fn owner_only(_: &Path) -> Result<(), IdentityFault> {
    Ok(())
}
