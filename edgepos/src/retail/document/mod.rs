//! Documents: configuration, promotions, taxes, staff, manifests of models.
//!
//! Each version is a row that says which event it is, and nothing in memory: the bytes are the event's. Of the versions that are in force
//! the one that began last counts, and of those the one with the newest stamp: the rows of a document are in that order.

pub(crate) mod body;

use edgepos_core::{EventId, RepairGen, Space, Write};
use edgepos_crdt::Hlc;
use edgepos_wire::{from_cbor, to_cbor};

use self::body::DocumentSet;
use super::envelope::Envelope;
use super::kind::KnownKind;
use super::record::Record;
use super::redact::is_card_number;
use super::unreadable::{Unreadable, number};
use crate::terminal::refusal::Refusal;
use crate::terminal::unit_of_work::UnitOfWork;

/// Bytes of an event's name.
const EVENT: usize = 17;
/// Bytes behind the names in a row's key: a time, the repairs, a stamp and an event.
const TAIL: usize = 8 + 4 + 8 + EVENT;

/// Reads what an event says of a document.
pub(crate) fn read(envelope: &Envelope) -> Result<DocumentSet, Unreadable> {
    let set: DocumentSet = from_cbor("document", &envelope.body)?;
    if is_name(&set.namespace) && is_name(&set.key) {
        Ok(set)
    } else {
        Err(Unreadable::NoName { what: "a document" })
    }
}

fn is_name(name: &str) -> bool {
    (1..=DocumentSet::MAX_NAME).contains(&name.len())
}

/// An event that sets a document has its place.
pub(crate) fn note(id: EventId, envelope: &Envelope, set: &DocumentSet, out: &mut UnitOfWork) {
    let version = set.version.unwrap_or(envelope.hlc().ms());
    out.write(Write::put(Space::Document, key(id, envelope, set), version.to_be_bytes()));
}

/// It counts no longer.
pub(crate) fn take_back(id: EventId, envelope: &Envelope, set: &DocumentSet, out: &mut UnitOfWork) {
    out.write(Write::delete(Space::Document, key(id, envelope, set)));
}

fn key(id: EventId, envelope: &Envelope, set: &DocumentSet) -> Vec<u8> {
    let (RepairGen(repair), Hlc(hlc)) = (envelope.repair(), envelope.hlc());
    let mut key = prefix(&set.namespace);
    named(&mut key, &set.key);
    key.extend(set.effective_at.unwrap_or(0).to_be_bytes());
    key.extend(repair.to_be_bytes());
    key.extend(hlc.to_be_bytes());
    key.extend(id.to_key());
    key
}

/// The first bytes of the rows of a namespace.
pub(crate) fn prefix(namespace: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(2 * (1 + DocumentSet::MAX_NAME) + TAIL);
    named(&mut key, namespace);
    key
}

/// A name with its length before it, so that no name begins another.
fn named(key: &mut Vec<u8>, name: &str) {
    key.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
    key.extend(name.as_bytes());
}

/// The first bytes of the rows of a document.
pub(crate) fn prefix_of(namespace: &str, name: &str) -> Vec<u8> {
    let mut key = prefix(namespace);
    named(&mut key, name);
    key
}

/// A version of a document, as its row has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Row {
    pub(crate) key: String,
    pub(crate) effective_at: u64,
    pub(crate) version: u64,
    pub(crate) event: EventId,
}

impl Row {
    /// Reads a row of this namespace.
    ///
    /// # Errors
    /// When it is damaged.
    pub(crate) fn read(namespace: &str, key: &[u8], value: &[u8]) -> Result<Self, Unreadable> {
        let nameless = || Unreadable::NoName { what: "a document" };
        let rest = key.get(prefix(namespace).len()..).ok_or_else(nameless)?;
        let (&length, rest) = rest.split_first().ok_or_else(nameless)?;
        let (name, tail) = rest.split_at_checked(length.into()).ok_or_else(nameless)?;
        let name = String::from_utf8(name.to_vec()).map_err(|_| nameless())?;
        let event = tail.get(TAIL - EVENT..).and_then(EventId::from_key).ok_or_else(nameless)?;
        Ok(Self { key: name, effective_at: number(&tail[..8])?, version: number(value)?, event })
    }
}

impl Record {
    /// A version of a document. One without a name, or over a limit, is refused when it is recorded.
    pub fn document(set: &DocumentSet) -> Self {
        let bad = |field, reason| Self::refuse(Refusal::BadField { field, reason });
        if !is_name(&set.namespace) {
            return bad("namespace", "a name is 1 to 64 bytes");
        }
        if !is_name(&set.key) {
            return bad("key", "a name is 1 to 64 bytes");
        }
        if is_card_number(&set.namespace) || is_card_number(&set.key) {
            let field = if is_card_number(&set.key) { "key" } else { "namespace" };
            return bad(field, "it is a card number");
        }
        if set.content.len() > DocumentSet::MAX_CONTENT {
            return bad("content", "it has more than 61440 bytes: divide it");
        }
        Self::event(KnownKind::DocumentSet, to_cbor(set), Vec::new())
    }
}
