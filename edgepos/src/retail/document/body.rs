//! What is said of documents.

use minicbor::{Decode, Encode};

/// The body of [`Kind::DOCUMENT_SET`](crate::model::Kind::DOCUMENT_SET): a version of a document, in force from a time on until a later one
/// is. What is in it is its reader's: configuration, promotions, taxes, staff, the manifest of a model.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cbor(map)]
pub struct DocumentSet {
    /// What it is for: one subsystem or vendor's name for its documents. 1 to [`MAX_NAME`](Self::MAX_NAME) bytes.
    #[n(0)]
    pub namespace: String,
    /// Which of them. 1 to [`MAX_NAME`](Self::MAX_NAME) bytes.
    #[n(1)]
    pub key: String,
    /// Which version it is, by whoever sets it. Where nobody says, when it was set, milliseconds since 1970 UTC.
    #[n(2)]
    pub version: Option<u64>,
    /// In force from this time on, milliseconds since 1970 UTC; from ever where absent.
    #[n(3)]
    pub effective_at: Option<u64>,
    /// The document, at most [`MAX_CONTENT`](Self::MAX_CONTENT) bytes. An empty one is in force as well: so one is withdrawn.
    #[n(4)]
    #[cbor(with = "minicbor::bytes")]
    #[cfg_attr(feature = "serde", serde(with = "crate::shown::text::bytes"))]
    pub content: Vec<u8>,
}

impl DocumentSet {
    /// Longest namespace and longest key, in bytes.
    pub const MAX_NAME: usize = 64;
    /// Largest document, in bytes: with its envelope it is an event, which has 64 KiB. A larger one goes in parts, each with a key.
    pub const MAX_CONTENT: usize = 60 << 10;
}
