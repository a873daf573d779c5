//! An event as sync sees it: a name, opaque bytes, and the hash that links it to its predecessor.

use core::fmt;
use core::str::FromStr;

use edgepos_core::{EventId, ParseIdError, parse_hexadecimal};
use sha2::{Digest, Sha256};

/// One immutable record of one chain. What the payload means is nobody's business here: an event that this version cannot read
/// is stored, hashed and passed on like any other, so that it blocks nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventRecord {
    /// The chain and the position in it, from 1.
    pub id: EventId,
    /// Opaque bytes. At most [`Config::max_event_bytes`](crate::Config::max_event_bytes) where it is recorded, at most
    /// [`Limits::max_event_bytes`](crate::Limits::max_event_bytes) where it is received.
    pub payload: Vec<u8>,
}

impl EventRecord {
    /// The row of `Space::Event`: the chain's hash up to this event (32 bytes), then the payload. The key is
    /// [`EventId::to_key`].
    ///
    /// The hash is on disk, although it could be derived, so that a batch that ends anywhere can state its head without reading
    /// the chain from its start, and so that a damaged row is noticed when it is read.
    pub fn to_row(&self, hash: Hash) -> Vec<u8> {
        [hash.0.as_slice(), &self.payload].concat()
    }

    /// Reads a row that [`to_row`](Self::to_row) wrote. `None`: this is no such row. The hash is returned as stored, unchecked.
    pub fn from_row(key: &[u8], value: &[u8]) -> Option<(Self, Hash)> {
        let id = EventId::from_key(key)?;
        let (hash, payload) = value.split_first_chunk::<32>()?;
        Some((Self { id, payload: payload.to_vec() }, Hash(*hash)))
    }
}

/// SHA-256 over a chain up to one of its events: `h(n) = SHA-256(h(n-1) ‖ id.to_key() ‖ payload)`, `h(0)` is 32 zero bytes.
///
/// Two chains with equal hashes at one position are equal up to it, so one hash vouches for a whole run of events.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Before the first event.
    pub const ZERO: Self = Self([0; 32]);

    /// The hash after the event `id` that follows on this one.
    pub fn link(self, id: EventId, payload: &[u8]) -> Self {
        let mut sha = Sha256::new();
        sha.update(self.0);
        sha.update(id.to_key());
        sha.update(payload);
        Self(sha.finalize().into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// 64 hexadecimal digits.
impl FromStr for Hash {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        parse_hexadecimal(text).map(Self).ok_or(ParseIdError::new("64 hexadecimal digits"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Chain, Lane, ReplicaId, Seq};

    use super::*;

    fn id(seq: u64) -> EventId {
        EventId::new(Chain::new(ReplicaId::new(1, 7), Lane::Stock), Seq(seq))
    }

    #[test]
    fn the_link_covers_history_name_and_payload() {
        let one = Hash::ZERO.link(id(1), b"a");
        assert_ne!(one, Hash::ZERO.link(id(2), b"a"));
        assert_ne!(one, Hash::ZERO.link(id(1), b"b"));
        assert_ne!(one.link(id(2), b"c"), Hash::ZERO.link(id(2), b"c"));
    }

    #[test]
    fn a_row_reads_back() {
        let record = EventRecord { id: id(3), payload: b"bread".to_vec() };
        let hash = Hash::ZERO.link(record.id, &record.payload);
        let row = record.to_row(hash);
        assert_eq!(EventRecord::from_row(&record.id.to_key(), &row), Some((record, hash)));
        assert_eq!(EventRecord::from_row(&id(3).to_key(), &row[..31]), None);
    }
}
