//! The one error of reading.

use alloc::string::{String, ToString};

use thiserror::Error;

/// Bytes that are not what they should be: what was read, where, and what is wrong.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{place} does not decode at byte {at}: {fault}")]
pub struct DecodeError {
    /// What was being read: a message, or a part of one that has a limit of its own.
    pub place: &'static str,
    /// The offset in the bytes that were given to be read.
    pub at: usize,
    /// What is wrong there.
    pub fault: DecodeFault,
}

/// What is wrong with bytes.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum DecodeFault {
    /// Not CBOR, or not the shape that this place asks for.
    #[error("expected {0}")]
    Expected(&'static str),
    /// The same, in the words of a derived reader.
    #[error("{0}")]
    Malformed(String),
    /// A map ended without a key that it must have.
    #[error("key {key} is missing")]
    Missing {
        /// The integer key.
        key: u64,
    },
    /// Larger than its limit. Nothing was allocated for it.
    #[error("over its limit of {limit}")]
    TooLarge {
        /// The limit, in bytes or items.
        limit: u64,
    },
    /// Well-formed, and yet no honest writer writes it.
    #[error("no such value is written")]
    Impossible,
    /// A number for something that this version does not know: a format, a kind, a codec, a dictionary.
    #[error("{code} is unknown")]
    Unknown {
        /// The number that stands there.
        code: u64,
    },
    /// A packed body that does not unpack.
    #[error("damaged")]
    Damaged,
}

impl DecodeError {
    /// A fault at a place.
    pub const fn new(place: &'static str, at: usize, fault: DecodeFault) -> Self {
        Self { place, at, fault }
    }

    /// A map, which is the whole of a place, without a key that it must have.
    pub const fn missing(place: &'static str, key: u64) -> Self {
        Self::new(place, 0, DecodeFault::Missing { key })
    }

    /// What a derived reader says about bytes of `length`.
    pub(crate) fn derived(place: &'static str, length: usize, error: &minicbor::decode::Error) -> Self {
        // At the end of the input there is no position.
        let at = error.position().unwrap_or(length);
        Self::new(place, at, DecodeFault::Malformed(error.to_string()))
    }
}
