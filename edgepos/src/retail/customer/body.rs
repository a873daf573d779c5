//! What is said of customers.

use std::fmt;

use minicbor::{Decode, Encode};

/// The body of [`Kind::CUSTOMER_SET`](crate::model::Kind::CUSTOMER_SET): what is known of a customer, sealed. Of several the newest stamp
/// counts, until the customer is erased.
///
/// Events are kept by every terminal and by the cloud, in copies and under hashes: what must be forgotten may not be in one. So the fields
/// are here under a key that is in none, and erasing the customer is forgetting the key.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cbor(map)]
pub struct CustomerSet {
    /// The customer's pseudonym, as a sale names it. 1 to [`MAX_NAME`](Self::MAX_NAME) bytes.
    #[n(0)]
    pub customer: String,
    /// Which key opens it.
    #[n(1)]
    pub key: KeyId,
    /// Nonce (12 bytes) and ChaCha20-Poly1305 of the fields (RFC 8439), with `edgepos customer 1`, a zero byte and the pseudonym beside
    /// them.
    #[n(2)]
    #[cbor(with = "minicbor::bytes")]
    #[cfg_attr(feature = "serde", serde(with = "crate::shown::text::bytes"))]
    pub sealed: Vec<u8>,
}

impl CustomerSet {
    /// Longest pseudonym and longest other name, in bytes.
    pub const MAX_NAME: usize = 64;
    /// Most bytes of fields.
    pub const MAX_FIELDS: usize = 16 << 10;
}

/// The body of [`Kind::CUSTOMER_LINKED`](crate::model::Kind::CUSTOMER_LINKED) and of
/// [`Kind::CUSTOMER_UNLINKED`](crate::model::Kind::CUSTOMER_UNLINKED): another name finds the customer, from then on or no longer.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cbor(map)]
pub struct CustomerLink {
    /// The customer's pseudonym.
    #[n(0)]
    pub customer: String,
    /// The other name: a loyalty card, a pseudonym of before. It stays in the event, so it may be nothing that must be forgotten. 1 to
    /// [`MAX_NAME`](CustomerSet::MAX_NAME) bytes.
    #[n(1)]
    pub name: String,
}

/// The body of [`Kind::CUSTOMER_ERASED`](crate::model::Kind::CUSTOMER_ERASED): the customer is forgotten, for good. Whatever is said of one
/// later, or comes later, counts nothing.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cbor(map)]
pub struct CustomerErased {
    /// The customer's pseudonym.
    #[n(0)]
    pub customer: String,
}

/// Which key it is: the start of its SHA-256 behind `edgepos customer key`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cbor(transparent)]
pub struct KeyId(
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::shown::text::bytes::serialize"))]
    [u8; 16],
);

impl KeyId {
    /// The name of a key whose hash begins so.
    pub(super) fn new(id: [u8; 16]) -> Self {
        Self(id)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
