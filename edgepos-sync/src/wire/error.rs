//! Why bytes do not decode.

/// Why bytes are no message, batch, request or row.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Not CBOR, or not the shape that this place asks for.
    #[error("malformed at byte {at}")]
    Malformed {
        /// Offset in the bytes given.
        at: usize,
    },
    /// A map lacks a key that it must have.
    #[error("key {key} is missing")]
    Missing {
        /// The integer key.
        key: u64,
    },
    /// Larger than its limit.
    #[error("{what} exceeds its limit of {limit}")]
    TooLarge {
        /// What is counted.
        what: &'static str,
        /// The limit, in bytes or items.
        limit: u64,
    },
    /// Well-formed, and yet no honest writer writes it.
    #[error("{what} is impossible")]
    Impossible {
        /// Which value.
        what: &'static str,
    },
    /// A batch of a later format.
    #[error("batch format {version} is unknown")]
    UnknownVersion {
        /// The format's number.
        version: u64,
    },
    /// A body in a codec that this build does not have.
    #[error("codec {codec} is unknown")]
    UnknownCodec {
        /// The codec's number.
        codec: u64,
    },
    /// A body compressed with a dictionary that this build does not have.
    #[error("dictionary {dictionary} is unknown")]
    UnknownDictionary {
        /// The dictionary's number.
        dictionary: u64,
    },
    /// The body does not decompress.
    #[error("compressed body is damaged")]
    Damaged,
}
