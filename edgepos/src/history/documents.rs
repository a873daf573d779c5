//! Documents as they are in force at a moment.

use edgepos_core::{EventId, Space};

use super::stored::HistoryError;
use crate::model::Body;
use crate::node::Node;
use crate::retail::document::{Row, prefix, prefix_of};
use crate::terminal::MAX_PAGE;

/// Bytes of rows that are read at a time: what the store's thread does between two sales.
const PIECE: u32 = 64 << 10;

/// Which document, and when.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct DocumentQuery {
    /// What it is for.
    pub namespace: String,
    /// Which of those.
    pub key: String,
    /// The moment, milliseconds since 1970 UTC.
    pub at_ms: u64,
}

/// The documents of which namespace, and when.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct DocumentsQuery {
    /// What they are for.
    pub namespace: String,
    /// The moment, milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// The key that the page before ended with; absent for the first.
    #[cfg_attr(feature = "serde", serde(default))]
    pub after: Option<String>,
}

/// The version of a document that is in force.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct DocumentName {
    /// Which of its namespace.
    pub key: String,
    /// Which version it is.
    pub version: u64,
    /// Since when it is in force, milliseconds since 1970 UTC; 0 for ever.
    pub effective_at: u64,
    /// The event that says so.
    #[cfg_attr(feature = "serde", serde(with = "crate::shown::text"))]
    pub event: EventId,
}

/// A document with its contents.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Document {
    /// Which, and which version.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub name: DocumentName,
    /// Its contents, where they are text.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub text: Option<String>,
    /// Its contents, where they are not, in hexadecimal where they are shown.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Vec::is_empty"))]
    #[cfg_attr(feature = "serde", serde(with = "crate::shown::text::bytes"))]
    pub bytes: Vec<u8>,
}

impl Node {
    /// A document as it is in force at a moment: of its versions the one whose time began last, and of those the newest stamp. `None`: none
    /// of this name is in force then, as far as this terminal has heard.
    ///
    /// # Errors
    /// When the terminal has stopped, a row cannot be read, or the event's bytes are damaged.
    pub async fn document(&self, asked: DocumentQuery) -> Result<Option<Document>, HistoryError> {
        let DocumentQuery { namespace, key, at_ms } = asked;
        let from = prefix_of(&namespace, &key);
        let to = [from.as_slice(), &at_ms.to_be_bytes(), &[u8::MAX; 32]].concat();
        let mut in_force = None;
        self.versions(&namespace, from, to, |row| {
            in_force = Some(row);
            true
        })
        .await?;
        let Some(row) = in_force else { return Ok(None) };
        let id = row.event;
        let stored = self.event(id).await?.and_then(|stored| stored.envelope);
        let missing = HistoryError::Missing { id };
        let Some(Body::DocumentSet(set)) = stored.and_then(|envelope| envelope.read_body().ok()) else {
            return Err(missing);
        };
        let (text, bytes) = match String::from_utf8(set.content) {
            Ok(text) => (Some(text), Vec::new()),
            Err(bytes) => (None, bytes.into_bytes()),
        };
        Ok(Some(Document { name: row.into(), text, bytes }))
    }

    /// The documents of a namespace that are in force at a moment, by rising key, at most [`MAX_PAGE`] behind [`after`](DocumentsQuery::after).
    /// Keys rise by their length first.
    ///
    /// # Errors
    /// When the terminal has stopped, or a row cannot be read.
    pub async fn documents(&self, asked: DocumentsQuery) -> Result<Vec<DocumentName>, HistoryError> {
        let DocumentsQuery { namespace, at_ms, after } = asked;
        let all = prefix(&namespace);
        let from = match after {
            Some(after) => [prefix_of(&namespace, &after).as_slice(), &[u8::MAX; 40]].concat(),
            None => all.clone(),
        };
        let to = [all.as_slice(), &[u8::MAX; 104]].concat();
        let mut found: Vec<DocumentName> = Vec::new();
        self.versions(&namespace, from, to, |row| {
            let is_new = found.last().is_none_or(|last| last.key != row.key);
            if is_new && found.len() == MAX_PAGE {
                return false;
            }
            if row.effective_at <= at_ms {
                if !is_new {
                    found.pop();
                }
                found.push(row.into());
            }
            true
        })
        .await?;
        Ok(found)
    }

    /// Reads rows of versions, in order, while they are wanted.
    async fn versions(
        &self,
        namespace: &str,
        mut from: Vec<u8>,
        to: Vec<u8>,
        mut wants_more: impl FnMut(Row) -> bool,
    ) -> Result<(), HistoryError> {
        loop {
            let rows = self.rows_of(Space::Document, from, to.clone(), PIECE).await?;
            let Some((last, _)) = rows.last() else { return Ok(()) };
            from = [last.as_slice(), &[0]].concat();
            for (key, value) in &rows {
                let what = "a row of a document";
                let row = Row::read(namespace, key, value);
                if !wants_more(row.map_err(|reason| HistoryError::Unreadable { what, reason })?) {
                    return Ok(());
                }
            }
        }
    }
}

impl From<Row> for DocumentName {
    fn from(Row { key, effective_at, version, event }: Row) -> Self {
        Self { key, version, effective_at, event }
    }
}
