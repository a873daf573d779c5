//! Why bytes do not decode.

/// Why bytes are no message, batch, request or row.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Not CBOR, or not the shape that this place asks for.
    #[error("malformed at byte {at}")]
    Malformed {
        /// The offset in the bytes that were given.
        at: usize,
    },
    /// A map lacks a key that it must have.
    #[error("key {key} is missing")]
    Missing {
        /// The integer key that is missing.
        key: u64,
    },
    /// Larger than its limit.
    #[error("{what} exceeds its limit of {limit}")]
    TooLarge {
        /// What the limit is about.
        what: &'static str,
        /// The limit, in bytes or in items.
        limit: u64,
    },
    /// Well-formed, and yet no honest writer writes it.
    #[error("{what} is impossible")]
    Impossible {
        /// Which value that is.
        what: &'static str,
    },
    /// A batch of a later format.
    #[error("batch format {version} is unknown")]
    UnknownVersion {
        /// The number of the format.
        version: u64,
    },
    /// A body in a codec that this build does not have.
    #[error("codec {codec} is unknown")]
    UnknownCodec {
        /// The number of the codec.
        codec: u64,
    },
    /// A body compressed with a dictionary that this build does not have.
    #[error("dictionary {dictionary} is unknown")]
    UnknownDictionary {
        /// The number of the dictionary.
        dictionary: u64,
    },
    /// The body does not decompress.
    #[error("compressed body is damaged")]
    Damaged,
}
