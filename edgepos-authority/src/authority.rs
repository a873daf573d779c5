//! The authority's directory, and what it does.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use edgepos::core::{ReplicaId, StoreId, WallMs};
use edgepos::identity::{
    AUTHORITY_FILE, CERTIFICATE_FILE, KEY_FILE, KeyId, MAX_MEMBERS, MAX_ROSTER, Member, ROSTER_FILE, Readers,
    Roster, RosterError, open_roster, write_durably,
};
use rcgen::{KeyPair, PublicKeyData, SigningKey};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::ParsedCertificate;
use thiserror::Error;

use crate::certify::{self, CertifyError, PublicKey, new_key};

/// Its private key, beside [`AUTHORITY_FILE`] and [`ROSTER_FILE`].
const AUTHORITY_KEY_FILE: &str = "authority-key.pem";
/// Largest PEM file that is read.
const MAX_FILE: u64 = 64 << 10;

/// Who holds a terminal's number already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Holder {
    /// Nobody may: the number is new, or its box was revoked.
    First,
    /// A box that goes on: another one takes its place in a planned way, and is listed beside it.
    Beside,
    /// A box that is dead or stolen: its key is taken off the roster.
    InPlace,
}

/// What a terminal is given.
#[derive(Clone, Debug)]
pub struct Issued {
    /// Its certificate, in PEM.
    pub certificate: String,
    /// That of the authority, in PEM.
    pub authority: String,
    /// The signed roster that lists it.
    pub roster: Vec<u8>,
}

/// The authority of a store.
pub struct Authority {
    directory: PathBuf,
    key: KeyPair,
    certificate: String,
    roster: Roster,
    sealed: Vec<u8>,
}

/// Without the key: it would end in a log.
impl core::fmt::Debug for Authority {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Authority").field("roster", &self.roster).finish_non_exhaustive()
    }
}

/// The authority cannot do it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AuthorityError {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Where the file should be.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Nothing is overwritten.
    #[error("{}: is there already", .0.display())]
    Exists(PathBuf),
    /// A file of the authority, or a terminal's certificate, holds something else.
    #[error("{}: {reason}", path.display())]
    Invalid {
        /// Where the file should be.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The roster in its directory is not its own.
    #[error("the roster: {0}")]
    Roster(#[from] RosterError),
    /// A certificate cannot be made.
    #[error(transparent)]
    Certify(#[from] CertifyError),
    /// The number is taken: say what becomes of the one that has it.
    #[error(
        "terminal {0} is on the roster: say whether the other box goes on beside it (--beside) or it comes in its place (--in-place)"
    )]
    Taken(u16),
    /// No such number is on the roster.
    #[error("terminal {0} is not on the roster")]
    NotListed(u16),
    /// No terminal may have this number.
    #[error("terminal: {0} is no number of a terminal: they go from 1 to {last}", last = ReplicaId::LAST_TERMINAL)]
    NoNumber(u16),
    /// The roster is full.
    #[error("a roster lists {MAX_MEMBERS} keys at most")]
    Full,
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> AuthorityError + '_ {
    |source| AuthorityError::Io { path: path.to_owned(), source }
}

fn read(path: &Path, limit: u64) -> Result<Vec<u8>, AuthorityError> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(io_error(path))?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(io_error(path))?;
    if bytes.len() as u64 > limit {
        return Err(AuthorityError::Invalid {
            path: path.to_owned(),
            reason: format!("is over {limit} bytes"),
        });
    }
    Ok(bytes)
}

fn read_text(path: &Path) -> Result<String, AuthorityError> {
    let invalid = |_| AuthorityError::Invalid { path: path.to_owned(), reason: "is not text".into() };
    String::from_utf8(read(path, MAX_FILE)?).map_err(invalid)
}

fn write(path: &Path, contents: &[u8], readers: Readers) -> Result<(), AuthorityError> {
    write_durably(path, contents, readers).map_err(io_error(path))
}

/// A directory that holds nothing yet, for its owner alone where the system knows such rights.
pub(crate) fn new_directory(path: &Path) -> Result<(), AuthorityError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(io_error(path))?;
    if fs::read_dir(path).map_err(io_error(path))?.next().is_some() {
        return Err(AuthorityError::Exists(path.to_owned()));
    }
    Ok(())
}

impl Authority {
    /// Makes the authority of a store, with a new key that its owner alone may read, in a directory that is new or empty.
    ///
    /// # Errors
    /// When something is there already, or the directory cannot be written.
    pub fn create(directory: &Path, store: StoreId, now: WallMs) -> Result<Self, AuthorityError> {
        new_directory(directory)?;
        let key = new_key()?;
        let certificate = certify::authority(&key, now)?;
        let roster = Roster { store, version: now.0 / 1_000, signed_at: now, members: Vec::new() };
        let sealed = sign(&key, &roster)?;
        write(&directory.join(AUTHORITY_KEY_FILE), key.serialize_pem().as_bytes(), Readers::Owner)?;
        write(&directory.join(AUTHORITY_FILE), certificate.as_bytes(), Readers::All)?;
        write(&directory.join(ROSTER_FILE), &sealed, Readers::All)?;
        Ok(Self { directory: directory.to_owned(), key, certificate, roster, sealed })
    }

    /// Opens the directory of one.
    ///
    /// # Errors
    /// When a file is absent, holds something else, or the key does not belong to the roster.
    pub fn open(directory: &Path) -> Result<Self, AuthorityError> {
        let at = |name: &str| directory.join(name);
        let certificate = read_text(&at(AUTHORITY_FILE))?;
        let invalid = |error: rcgen::Error| AuthorityError::Invalid {
            path: at(AUTHORITY_KEY_FILE),
            reason: error.to_string(),
        };
        let key = KeyPair::from_pem(&read_text(&at(AUTHORITY_KEY_FILE))?).map_err(invalid)?;
        let sealed = read(&at(ROSTER_FILE), u64::from(MAX_ROSTER))?;
        let roster = open_roster(&sealed, certificate.as_bytes())?;
        Ok(Self { directory: directory.to_owned(), key, certificate, roster, sealed })
    }

    /// Who belongs to the store.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// The same, signed, as terminals take it.
    pub fn sealed_roster(&self) -> &[u8] {
        &self.sealed
    }

    /// Its own certificate, in PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Makes a key and a certificate for a terminal, lists it, and writes its identity to a directory that is new or empty: for one that is
    /// set up here, or whose directory is carried to it. Which roster counts is written first, in the authority's own directory.
    ///
    /// # Errors
    /// When the number is taken and `holder` does not say what becomes of who has it, or a directory cannot be written.
    pub fn issue(
        &mut self,
        terminal: u16,
        holder: Holder,
        directory: &Path,
        now: WallMs,
    ) -> Result<KeyId, AuthorityError> {
        self.may_hold(terminal, holder)?;
        new_directory(directory)?;
        let key = new_key()?;
        let public = key.subject_public_key_info();
        let issued = self.certify(terminal, holder, &public, now)?;
        write(&directory.join(KEY_FILE), key.serialize_pem().as_bytes(), Readers::Owner)?;
        issued.write(directory)?;
        Ok(KeyId::of(&public))
    }

    /// Certifies the key of a terminal, `SubjectPublicKeyInfo` in DER of a key on P-256, and lists it. Asked twice for one key it lists it
    /// once.
    ///
    /// # Errors
    /// As [`issue`](Self::issue); when it is another kind of key.
    pub fn certify(
        &mut self,
        terminal: u16,
        holder: Holder,
        public_key: &[u8],
        now: WallMs,
    ) -> Result<Issued, AuthorityError> {
        let key = KeyId::of(public_key);
        if !self.roster.lists(key, terminal) {
            self.may_hold(terminal, holder)?;
        }
        let public = PublicKey::from_der(public_key)?;
        let certificate = certify::terminal(&self.key, &public, (self.roster.store, terminal), now)?.pem();
        let goes =
            |member: &Member| member.key == key || (holder == Holder::InPlace && member.terminal == terminal);
        let mut members: Vec<Member> =
            self.roster.members.iter().copied().filter(|member| !goes(member)).collect();
        members.push(Member { key, terminal });
        members.sort_unstable_by_key(|member| (member.terminal, member.key));
        self.publish(members, now)?;
        Ok(Issued { certificate, authority: self.certificate.clone(), roster: self.sealed.clone() })
    }

    /// A new certificate for the key of an identity, in its directory or in a copy of it without the private key. It counts from the
    /// terminal's next start. The roster stays: it lists keys. Whose key it is.
    ///
    /// # Errors
    /// When the key is not on the roster: a revoked terminal is not renewed.
    pub fn renew(&self, directory: &Path, now: WallMs) -> Result<u16, AuthorityError> {
        let path = directory.join(CERTIFICATE_FILE);
        let invalid = |reason: String| AuthorityError::Invalid { path: path.clone(), reason };
        let old = CertificateDer::from_pem_slice(&read(&path, MAX_FILE)?);
        let old = old.map_err(|error| invalid(error.to_string()))?;
        let old = ParsedCertificate::try_from(&old).map_err(|error| invalid(error.to_string()))?;
        let public = old.subject_public_key_info();
        let terminal = self.roster.terminal_of(KeyId::of(&public));
        let terminal = terminal.ok_or_else(|| invalid("its key is not on the roster".into()))?;
        let public = PublicKey::from_der(&public)?;
        let certificate = certify::terminal(&self.key, &public, (self.roster.store, terminal), now)?;
        write(&path, certificate.pem().as_bytes(), Readers::All)?;
        Ok(terminal)
    }

    /// Takes every key of a terminal off the roster, for good: it is refused by whoever hears the new one. How many there were.
    ///
    /// # Errors
    /// When none is there, or the roster cannot be written.
    pub fn revoke(&mut self, terminal: u16, now: WallMs) -> Result<usize, AuthorityError> {
        let (gone, stay): (Vec<_>, Vec<_>) =
            self.roster.members.iter().copied().partition(|member| member.terminal == terminal);
        if gone.is_empty() {
            return Err(AuthorityError::NotListed(terminal));
        }
        self.publish(stay, now)?;
        Ok(gone.len())
    }

    /// Whether somebody may come to a number.
    pub(crate) fn may_hold(&self, terminal: u16, holder: Holder) -> Result<(), AuthorityError> {
        let taken = self.roster.members.iter().any(|member| member.terminal == terminal);
        match (terminal, taken, holder) {
            _ if !ReplicaId::is_terminal_number(terminal) => Err(AuthorityError::NoNumber(terminal)),
            (_, true, Holder::First) => Err(AuthorityError::Taken(terminal)),
            _ => Ok(()),
        }
    }

    /// Signs a new roster and writes it down. Versions rise with the clock as well, so that an authority whose directory was put back from
    /// a copy does not number two rosters alike.
    fn publish(&mut self, members: Vec<Member>, now: WallMs) -> Result<(), AuthorityError> {
        if members.len() > MAX_MEMBERS as usize {
            return Err(AuthorityError::Full);
        }
        let version = (self.roster.version + 1).max(now.0 / 1_000);
        let roster = Roster { store: self.roster.store, version, signed_at: now, members };
        let sealed = sign(&self.key, &roster)?;
        write(&self.directory.join(ROSTER_FILE), &sealed, Readers::All)?;
        (self.roster, self.sealed) = (roster, sealed);
        Ok(())
    }

    /// A certificate of this name and its key, for the authority itself: it is on no roster.
    pub(crate) fn own(
        &self,
        name: String,
        now: WallMs,
    ) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), AuthorityError> {
        let key = new_key()?;
        let public = key.subject_public_key_info();
        let certificate = certify::signed(&self.key, &PublicKey::from_der(&public)?, name, now)?;
        Ok((certificate.der().clone(), PrivatePkcs8KeyDer::from(key.serialize_der()).into()))
    }

    pub(crate) fn certificate_der(&self) -> Result<CertificateDer<'static>, AuthorityError> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes()).map_err(|error| AuthorityError::Invalid {
            path: self.directory.join(AUTHORITY_FILE),
            reason: error.to_string(),
        })
    }
}

impl Issued {
    /// Writes it to the directory of an identity, where the key is already.
    pub(crate) fn write(&self, directory: &Path) -> Result<(), AuthorityError> {
        write(&directory.join(AUTHORITY_FILE), self.authority.as_bytes(), Readers::All)?;
        write(&directory.join(CERTIFICATE_FILE), self.certificate.as_bytes(), Readers::All)?;
        write(&directory.join(ROSTER_FILE), &self.roster, Readers::All)
    }
}

fn sign(key: &KeyPair, roster: &Roster) -> Result<Vec<u8>, CertifyError> {
    Ok(roster.sealed(&key.sign(&roster.to_sign())?))
}
