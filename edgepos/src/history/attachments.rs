//! What is attached to a basket.

use edgepos_core::Space;

use super::stored::HistoryError;
use crate::model::{BasketId, Body};
use crate::node::Node;
use crate::retail::attachment::body::Attached;
use crate::retail::attachment::{Row, Whole, hash_of};
use crate::retail::unreadable::Unreadable;

/// Bytes of rows that are read at a time: what the store's thread does between two sales.
const PIECE: u32 = 64 << 10;
/// Most things that are listed for one basket.
pub const MAX_ATTACHMENTS: usize = 64;

/// Something that is attached to a basket.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct AttachmentName {
    /// The SHA-256 of its bytes: its name.
    #[cfg_attr(feature = "serde", serde(with = "crate::shown::text::array"))]
    pub hash: [u8; 32],
    /// What it is called.
    pub name: String,
    /// Of which media type.
    pub media_type: String,
    /// How many bytes it has.
    pub size: u32,
    /// How many parts it has.
    pub parts: u16,
    /// How many of them have come here.
    pub held: u16,
}

/// The same with its bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Attachment {
    /// What it is.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub of: AttachmentName,
    /// Its bytes, in hexadecimal where they are shown; none while parts are missing.
    #[cfg_attr(feature = "serde", serde(with = "crate::shown::text::bytes"))]
    pub bytes: Vec<u8>,
}

/// Which thing of a basket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct AttachmentQuery {
    /// The basket that it belongs to.
    pub basket: BasketId,
    /// The SHA-256 of its bytes.
    #[cfg_attr(feature = "serde", serde(with = "crate::shown::text::array"))]
    pub hash: [u8; 32],
}

impl Node {
    /// What is attached to a basket, as far as it has come here, by rising hash; at most [`MAX_ATTACHMENTS`].
    ///
    /// # Errors
    /// When the terminal has stopped, or a row cannot be read.
    pub async fn attachments(&self, basket: BasketId) -> Result<Vec<AttachmentName>, HistoryError> {
        let mut found: Vec<AttachmentName> = Vec::new();
        while found.len() < MAX_ATTACHMENTS {
            let (from, to) = Row::range(basket, found.last().map(|last| last.hash));
            let next = self.rows_of(Space::Attachment, from, to, 1).await?;
            let Some((key, value)) = next.first() else { break };
            let first = row(key, value)?;
            found.push(name_of(&self.parts(basket, first.hash).await?).unwrap_or_else(|| named(first, 0)));
        }
        Ok(found)
    }

    /// Something that is attached to a basket, with its bytes once all parts have come here. `None`: nothing of it has.
    ///
    /// # Errors
    /// When the terminal has stopped, a row or an event cannot be read, or the bytes are not those that the hash names.
    pub async fn attachment(&self, asked: AttachmentQuery) -> Result<Option<Attachment>, HistoryError> {
        let AttachmentQuery { basket, hash } = asked;
        let parts = self.parts(basket, hash).await?;
        let Some(of) = name_of(&parts) else { return Ok(None) };
        if of.held < of.parts {
            return Ok(Some(Attachment { of, bytes: Vec::new() }));
        }
        let mut bytes = Vec::with_capacity((of.size as usize).min(Attached::MAX_SIZE));
        for Row { event, .. } in parts {
            let stored = self.event(event).await?.and_then(|stored| stored.envelope);
            let Some(Body::Attached(part)) = stored.and_then(|envelope| envelope.read_body().ok()) else {
                return Err(HistoryError::Missing { id: event });
            };
            bytes.extend(part.content);
        }
        if hash_of(&bytes) != hash {
            let reason = Unreadable::NoName { what: "an attachment" };
            return Err(HistoryError::Unreadable { what: "an attachment", reason });
        }
        Ok(Some(Attachment { of, bytes }))
    }

    /// The parts that are here, each once, in order. They are at most 86, and may have been recorded a few times.
    async fn parts(&self, basket: BasketId, hash: [u8; 32]) -> Result<Vec<Row>, HistoryError> {
        let mut parts: Vec<Row> = Vec::new();
        let (mut from, to) = Row::range_of(basket, hash);
        loop {
            let rows = self.rows_of(Space::Attachment, from, to.clone(), PIECE).await?;
            let Some((last, _)) = rows.last() else { return Ok(parts) };
            from = [last.as_slice(), &[0]].concat();
            for (key, value) in &rows {
                let next = row(key, value)?;
                // Who says another size of one hash is wrong, and the first part is as good as any other to tell.
                let fits = parts.first().is_none_or(|first| first.of.size == next.of.size);
                if fits && parts.last().is_none_or(|last| last.part < next.part) {
                    parts.push(next);
                }
            }
        }
    }
}

fn row(key: &[u8], value: &[u8]) -> Result<Row, HistoryError> {
    let what = "a row of an attachment";
    Row::read(key, value).map_err(|reason| HistoryError::Unreadable { what, reason })
}

fn name_of(parts: &[Row]) -> Option<AttachmentName> {
    let held = u16::try_from(parts.len()).unwrap_or(u16::MAX);
    parts.first().cloned().map(|first| named(first, held))
}

fn named(Row { hash, of, .. }: Row, held: u16) -> AttachmentName {
    let Whole { size, name, media_type } = of;
    AttachmentName { hash, name, media_type, size, parts: Attached::parts(size), held }
}
