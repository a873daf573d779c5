//! Why something that is stored cannot be interpreted here.

use edgepos_crdt::ApplyError;
use edgepos_wire::DecodeError;
use thiserror::Error;

/// Bytes of an event or a row that this version cannot read, or that contradict what is there.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// The bytes do not have the form.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A key or a value that is no name.
    #[error("{what} is not named by these bytes")]
    NoName {
        /// What it should name: a chain, a counter, an event, a series.
        what: &'static str,
    },
    /// A number of another size than this version writes.
    #[error("expected {expected} bytes, found {found}")]
    Length {
        /// How many bytes the number has.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// The effects of one event on one counter leave 64 bits.
    #[error("the effects on one counter overflow")]
    EffectsOverflow,
    /// The counter would leave 64 bits, or was moved by this event or a later one of its chain.
    #[error("a counter overflows or was already moved")]
    CounterOverflow,
    /// The bytes of an event are not those that the hash of its chain is of.
    #[error("it is not as it was written")]
    Altered,
    /// A row of a counter that contradicts the table.
    #[error(transparent)]
    Counter(#[from] ApplyError),
}

/// A number as this version writes it: 8 bytes, big endian.
pub(crate) fn number(value: &[u8]) -> Result<u64, Unreadable> {
    let bytes = value.try_into().map_err(|_| Unreadable::Length { expected: 8, found: value.len() })?;
    Ok(u64::from_be_bytes(bytes))
}
