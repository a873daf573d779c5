//! What is attached to a basket.

use std::collections::BTreeMap;

use edgepos_core::{EventId, Space};

use super::stored::HistoryError;
use crate::model::{BasketId, Body};
use crate::node::Node;
use crate::retail::attachment::body::Attached;
use crate::retail::attachment::{Row, Whole, hash_of};
use crate::retail::unreadable::Unreadable;

/// Bytes of rows that are read at a time: what the store's thread does between two sales.
const PIECE: u32 = 64 << 10;
/// Most contents of one part that are looked at, the latest by their events' names.
const MAX_RECORDED: usize = 8;
/// Most ways in which contents are put together.
const MAX_TRIED: usize = 64;
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
            let parts = self.parts(basket, first.hash).await?;
            found.push(parts.name().unwrap_or_else(|| named(first, 0)));
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
        let Some(of) = parts.name() else { return Ok(None) };
        let mut missing = None;
        for of_size in parts.0.values().filter(|of_size| of_size.is_whole()) {
            let mut contents = Vec::with_capacity(of_size.parts.len());
            for rows in of_size.parts.values() {
                contents.push(self.contents(rows, &mut missing).await?);
            }
            if let Some((bytes, of)) = right(&contents, hash).zip(of_size.name()) {
                return Ok(Some(Attachment { of, bytes }));
            }
        }
        match missing {
            _ if of.held < of.parts => Ok(Some(Attachment { of, bytes: Vec::new() })),
            Some(id) => Err(HistoryError::Missing { id }),
            None => Err(HistoryError::Unreadable { what: "an attachment", reason: Unreadable::Altered }),
        }
    }

    /// What was recorded as one part, each once: the same at two tills, or other bytes that somebody has put right since. An event that
    /// cannot be read hides no other, and is `missing`.
    async fn contents(
        &self,
        rows: &[Row],
        missing: &mut Option<EventId>,
    ) -> Result<Vec<Vec<u8>>, HistoryError> {
        let mut contents: Vec<Vec<u8>> = Vec::new();
        for Row { event, .. } in rows.iter().rev().take(MAX_RECORDED) {
            let stored = self.event(*event).await?.and_then(|stored| stored.envelope);
            match stored.and_then(|envelope| envelope.read_body().ok()) {
                Some(Body::Attached(part)) if !contents.contains(&part.content) => {
                    contents.push(part.content)
                }
                Some(Body::Attached(_)) => {}
                _ => *missing = Some(*event),
            }
        }
        Ok(contents)
    }

    /// The parts that are here. They are at most 86, and may have been recorded a few times.
    async fn parts(&self, basket: BasketId, hash: [u8; 32]) -> Result<Parts, HistoryError> {
        let mut parts = Parts::default();
        let (mut from, to) = Row::range_of(basket, hash);
        loop {
            let rows = self.rows_of(Space::Attachment, from, to.clone(), PIECE).await?;
            let Some((last, _)) = rows.last() else { return Ok(parts) };
            from = [last.as_slice(), &[0]].concat();
            for (key, value) in &rows {
                let next = row(key, value)?;
                let of_size = parts.0.entry(next.of.size).or_default();
                of_size.parts.entry(next.part).or_default().push(next);
            }
        }
    }
}

/// What was recorded under one hash, by the size that it is said to have: who says another one is wrong.
#[derive(Debug, Default)]
struct Parts(BTreeMap<u32, OfSize>);

/// The parts of one size, by their places.
#[derive(Debug, Default)]
struct OfSize {
    parts: BTreeMap<u16, Vec<Row>>,
}

impl Parts {
    /// What it is, by the size of which most is here.
    fn name(&self) -> Option<AttachmentName> {
        self.0.values().max_by_key(|of_size| (of_size.is_whole(), of_size.held()))?.name()
    }
}

impl OfSize {
    /// What its first part says of it.
    fn name(&self) -> Option<AttachmentName> {
        let first = self.parts.first_key_value()?.1.first()?.clone();
        Some(named(first, self.held()))
    }

    fn held(&self) -> u16 {
        u16::try_from(self.parts.len()).unwrap_or(u16::MAX)
    }

    fn is_whole(&self) -> bool {
        let size = self.parts.values().flatten().map(|row| row.of.size).next();
        size.is_some_and(|size| self.held() == Attached::parts(size))
    }
}

/// The bytes of this hash, put together of one content of each part. At most [`MAX_TRIED`] ways are tried: each part alone has been put
/// right in most, and two in few.
fn right(contents: &[Vec<Vec<u8>>], hash: [u8; 32]) -> Option<Vec<u8>> {
    let mut choice = vec![0; contents.len()];
    for _ in 0..MAX_TRIED {
        let bytes = contents.iter().zip(&choice).map(|(of, at)| of.get(*at).map(Vec::as_slice));
        let bytes: Vec<u8> = bytes.collect::<Option<Vec<_>>>()?.concat();
        if hash_of(&bytes) == hash {
            return Some(bytes);
        }
        // The next way, as one counts.
        let next = (0..choice.len()).find(|part| choice[*part] + 1 < contents[*part].len())?;
        choice[..next].fill(0);
        choice[next] += 1;
    }
    None
}

fn row(key: &[u8], value: &[u8]) -> Result<Row, HistoryError> {
    let what = "a row of an attachment";
    Row::read(key, value).map_err(|reason| HistoryError::Unreadable { what, reason })
}

fn named(Row { hash, of, .. }: Row, held: u16) -> AttachmentName {
    let Whole { size, name, media_type } = of;
    AttachmentName { hash, name, media_type, size, parts: Attached::parts(size), held }
}
