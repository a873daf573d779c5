//! What is said of things that are attached to a receipt.

use minicbor::{Decode, Encode};

/// The body of [`Kind::ATTACHED`](crate::model::Kind::ATTACHED): a part of a picture, a PDF or anything else that belongs to a basket. All
/// parts but the last have [`PART`](Self::PART) bytes.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cbor(map)]
pub struct Attached {
    /// The basket, which is the receipt's name too.
    #[n(0)]
    pub basket: crate::retail::sale::body::BasketId,
    /// The SHA-256 of the whole: its name.
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    #[cfg_attr(feature = "serde", serde(with = "crate::shown::text::array"))]
    pub hash: [u8; 32],
    /// Bytes of the whole, at most [`MAX_SIZE`](Self::MAX_SIZE).
    #[n(2)]
    pub size: u32,
    /// Which part this is, from 0.
    #[n(3)]
    pub part: u16,
    /// What it is called, 1 to [`MAX_NAME`](Self::MAX_NAME) bytes.
    #[n(4)]
    pub name: String,
    /// Of which media type, as `image/jpeg`.
    #[n(5)]
    pub media_type: String,
    /// The bytes of this part.
    #[n(6)]
    #[cbor(with = "minicbor::bytes")]
    #[cfg_attr(feature = "serde", serde(with = "crate::shown::text::bytes"))]
    pub content: Vec<u8>,
}

impl Attached {
    /// Bytes of each part but the last, which has what is left: with its envelope a part is an event, which has 64 KiB.
    pub const PART: usize = 48 << 10;
    /// Bytes of the largest thing that is attached: 86 parts.
    pub const MAX_SIZE: usize = 4 << 20;
    /// Longest name and longest media type, in bytes.
    pub const MAX_NAME: usize = 64;

    /// How many parts something of this size has.
    pub const fn parts(size: u32) -> u16 {
        // At most 4 MiB are 86 parts.
        (size as usize).div_ceil(Self::PART) as u16
    }

    /// How many bytes this part has.
    pub(crate) fn length(&self) -> usize {
        (self.size as usize).saturating_sub(usize::from(self.part) * Self::PART).min(Self::PART)
    }
}
