//! The roster: which keys belong to a store, as its authority has signed it.

use core::fmt;

use edgepos_core::{StoreId, WallMs};
use edgepos_wire::{DecodeError, Reader, put_bytes, put_encoded, put_u64, write};
use sha2::{Digest, Sha256};

/// Keys that a roster may list.
pub const MAX_MEMBERS: u32 = 128;
/// Largest signed roster, in bytes.
pub const MAX_ROSTER: u32 = 16 << 10;
/// Longest signature, in bytes: ECDSA on P-256 in DER takes 72.
const MAX_SIGNATURE: u32 = 128;
/// In front of what is signed: the authority's key signs certificates as well, and none begins so.
const CONTEXT: &[u8] = b"edgepos roster 1\0";

/// The name in a terminal's certificate, a DNS name that nobody resolves. It binds the store and the terminal, and says neither: whoever
/// calls is shown the certificate before it has shown its own.
pub fn subject(store: StoreId, terminal: u16) -> String {
    let mut sha = Sha256::new_with_prefix(b"edgepos subject");
    sha.update(store.0);
    sha.update(terminal.to_be_bytes());
    let digest: [u8; 32] = sha.finalize().into();
    let label: String = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{label}.edgepos.internal")
}

/// A public key, by the SHA-256 of its `SubjectPublicKeyInfo` in DER (RFC 5280).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 32]);

impl KeyId {
    /// That of a key in DER.
    pub fn of(public_key_info: &[u8]) -> Self {
        Self(Sha256::digest(public_key_info).into())
    }
}

/// The first 8 bytes, which tell keys of a store apart.
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..8].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// A key that belongs to the store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Member {
    /// Whoever has this key …
    pub key: KeyId,
    /// … is this terminal. A number may have several keys while one box takes the place of another.
    pub terminal: u16,
}

/// Which keys belong to a store. Whoever is not listed does not: that is how a stolen terminal is revoked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Roster {
    /// The store that it is for.
    pub store: StoreId,
    /// Rises with each change. Nobody goes back to a lower one.
    pub version: u64,
    /// When it was signed, by the authority's clock: a floor under the clocks of the terminals.
    pub signed_at: WallMs,
    /// Those that belong, at most [`MAX_MEMBERS`].
    pub members: Vec<Member>,
}

impl Roster {
    /// Whether this key is that of this terminal.
    pub fn lists(&self, key: KeyId, terminal: u16) -> bool {
        self.members.contains(&Member { key, terminal })
    }

    /// The terminal whose key this is.
    pub fn terminal_of(&self, key: KeyId) -> Option<u16> {
        self.members.iter().find(|member| member.key == key).map(|member| member.terminal)
    }

    /// What the authority signs.
    pub fn to_sign(&self) -> Vec<u8> {
        signed_part(&self.encode())
    }

    /// The roster with its signature, as it is kept and sent.
    pub fn sealed(&self, signature: &[u8]) -> Vec<u8> {
        write(|out| {
            out.map(2)?;
            put_bytes(out, 0, &self.encode())?;
            put_bytes(out, 1, signature)
        })
    }

    fn encode(&self) -> Vec<u8> {
        let member = |member: &Member| {
            write(|out| {
                out.map(2)?;
                put_bytes(out, 0, &member.key.0)?;
                put_u64(out, 1, u64::from(member.terminal))
            })
        };
        write(|out| {
            out.map(4)?;
            put_bytes(out, 0, &self.store.0)?;
            put_u64(out, 1, self.version)?;
            put_u64(out, 2, self.signed_at.0)?;
            put_encoded(out, 3, self.members.iter().map(member))
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Reader::all("roster", bytes, MAX_ROSTER, |input| {
            let (mut store, mut version, mut signed_at, mut members) = (None, None, None, None);
            input.fields(|input, key| {
                match key {
                    0 => store = Some(StoreId(input.fixed("store")?)),
                    1 => version = Some(input.u64()?),
                    2 => signed_at = Some(WallMs(input.u64()?)),
                    3 => members = Some(input.items("members", MAX_MEMBERS, member)?),
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
            Ok(Self {
                store: input.required(store, 0)?,
                version: input.required(version, 1)?,
                signed_at: input.required(signed_at, 2)?,
                members: input.required(members, 3)?,
            })
        })
    }
}

fn member(input: &mut Reader<'_>) -> Result<Member, DecodeError> {
    let (mut member_key, mut terminal) = (None, None);
    input.fields(|input, key| {
        match key {
            0 => member_key = Some(KeyId(input.fixed("key")?)),
            1 => terminal = Some(input.small("terminal")?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(Member { key: input.required(member_key, 0)?, terminal: input.required(terminal, 1)? })
}

fn signed_part(roster: &[u8]) -> Vec<u8> {
    [CONTEXT, roster].concat()
}

/// Bytes are not a signed roster.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RosterError {
    /// They do not decode, or are too many.
    #[error("it does not decode: {0}")]
    Malformed(#[from] DecodeError),
    /// The authority has not signed them.
    #[error("the store's authority has not signed it")]
    NotSigned,
}

/// Opens a signed roster: `has_signed` says whether the authority has signed a message. Nothing within is looked at before that.
pub(super) fn open(
    bytes: &[u8],
    has_signed: impl FnOnce(&[u8], &[u8]) -> bool,
) -> Result<Roster, RosterError> {
    let (roster, signature) = Reader::all("signed roster", bytes, MAX_ROSTER, |input| {
        let (mut roster, mut signature) = (None, None);
        input.fields(|input, key| {
            match key {
                0 => roster = Some(input.bytes("roster", MAX_ROSTER)?),
                1 => signature = Some(input.bytes("signature", MAX_SIGNATURE)?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok((input.required(roster, 0)?, input.required(signature, 1)?))
    })?;
    if !has_signed(&signed_part(roster), signature) {
        return Err(RosterError::NotSigned);
    }
    Ok(Roster::decode(roster)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    const STORE: StoreId = StoreId([7; 16]);
    const GOLDEN: &str = "a2005847a40050070707070707070707070707070707070109021b0000018bcfe568000381a2005820b413f47d13ee2f\
        e6c845b2ee141af81de858df4ec549a58b7970bb96645bc8d2010101420101";

    fn roster(members: u16) -> Roster {
        let members = (1..=members)
            .map(|terminal| Member { key: KeyId::of(&terminal.to_be_bytes()), terminal })
            .collect();
        Roster { store: STORE, version: 9, signed_at: WallMs(1_700_000_000_000), members }
    }

    /// What is on disks and signed: it changes by addition only.
    #[test]
    fn golden() {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(hex(&roster(1).sealed(&[1; 2])), GOLDEN);
        assert_eq!(subject(STORE, 3), "7c411ff489f3bffaff54f7efaabb00a1.edgepos.internal");
    }

    #[test]
    fn a_full_roster_fits_and_reads_back() {
        let full = roster(MAX_MEMBERS as u16);
        let sealed = full.sealed(&[1; 72]);
        assert!(sealed.len() <= MAX_ROSTER as usize, "{}", sealed.len());
        let signed = full.to_sign();
        assert_eq!(open(&sealed, |message, signature| message == signed && signature == [1; 72]), Ok(full));
    }

    #[test]
    fn what_the_authority_has_not_signed_is_refused() {
        let sealed = roster(2).sealed(&[1; 72]);
        assert_eq!(open(&sealed, |_, _| false), Err(RosterError::NotSigned));
        let crowded = roster(MAX_MEMBERS as u16 + 1).sealed(&[1; 72]);
        assert!(matches!(open(&crowded, |_, _| true), Err(RosterError::Malformed(_))));
    }

    /// Whatever is cut or changed, it is refused or says the same; it never panics.
    #[test]
    fn no_bytes_do_harm() {
        let (whole, signed) = (roster(3).sealed(&[1; 72]), roster(3).to_sign());
        for cut in 0..whole.len() {
            assert!(open(&whole[..cut], |_, _| true).is_err(), "{cut}");
        }
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0x41;
            assert!(
                open(&changed, |message, signature| message == signed && signature == [1; 72]).is_err(),
                "{at}"
            );
        }
    }

    #[test]
    fn a_subject_says_neither_store_nor_terminal() {
        let name = subject(STORE, 3);
        assert_eq!(name.len(), 32 + ".edgepos.internal".len());
        assert!(!name.contains("0707"));
        assert_ne!(name, subject(STORE, 4));
        assert_ne!(name, subject(StoreId([8; 16]), 3));
    }
}
