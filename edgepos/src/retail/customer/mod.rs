//! Customers by pseudonym: what is said of them is sealed, and forgotten by forgetting the key.
//!
//! What is said has a row each, which names the event; the bytes are the event's. A key is a row of this terminal alone. Who is erased stays
//! so for good: the set only grows, on every terminal that hears of it, whatever is put back.

pub(crate) mod body;
pub(crate) mod sealing;

use std::collections::BTreeSet;

use edgepos_core::{EventId, RepairGen, Space, Write};
use edgepos_crdt::Hlc;
use edgepos_wire::{from_cbor, to_cbor};

use self::body::{CustomerErased, CustomerLink, CustomerSet};
use self::sealing::CustomerKey;
use super::envelope::Envelope;
use super::kind::KnownKind;
use super::record::Record;
use super::redact::is_card_number;
use super::unreadable::Unreadable;
use crate::terminal::refusal::Refusal;
use crate::terminal::unit_of_work::UnitOfWork;

/// The first byte of a row's key: what was said of a customer, or of another name.
const SAID: u8 = b's';
const NAMED: u8 = b'n';
/// Bytes of an event's name.
const EVENT: usize = 17;

/// Who is erased.
#[derive(Debug, Default)]
pub(crate) struct Customers {
    erased: BTreeSet<String>,
}

/// What an event says of a customer.
#[derive(Debug)]
pub(crate) enum Change {
    Set(CustomerSet),
    Linked(CustomerLink),
    Unlinked(CustomerLink),
    Erased(CustomerErased),
}

impl Change {
    /// Reads what an event of one of these kinds says.
    pub(crate) fn read(kind: KnownKind, envelope: &Envelope) -> Result<Self, Unreadable> {
        let body = &envelope.body;
        let change = match kind {
            KnownKind::CustomerErased => Self::Erased(from_cbor("erased customer", body)?),
            KnownKind::CustomerLinked => Self::Linked(from_cbor("customer's name", body)?),
            KnownKind::CustomerUnlinked => Self::Unlinked(from_cbor("customer's name", body)?),
            _ => Self::Set(from_cbor("customer", body)?),
        };
        let names = match &change {
            Self::Set(CustomerSet { customer, .. }) | Self::Erased(CustomerErased { customer }) => {
                [customer; 2]
            }
            Self::Linked(link) | Self::Unlinked(link) => [&link.customer, &link.name],
        };
        if names.iter().all(|name| is_name(name)) {
            Ok(change)
        } else {
            Err(Unreadable::NoName { what: "a customer" })
        }
    }

    /// The row of what is said, where it has one of its own.
    fn row(&self, id: EventId, envelope: &Envelope) -> Option<(Vec<u8>, Vec<u8>)> {
        let (first, name, value) = match self {
            Self::Set(set) => (SAID, &set.customer, Vec::new()),
            Self::Linked(link) => (NAMED, &link.name, to_cbor(&(&link.customer, true))),
            Self::Unlinked(link) => (NAMED, &link.name, to_cbor(&(&link.customer, false))),
            Self::Erased(_) => return None,
        };
        let (RepairGen(repair), Hlc(hlc)) = (envelope.repair(), envelope.hlc());
        let tail = [repair.to_be_bytes().as_slice(), &hlc.to_be_bytes(), &id.to_key()].concat();
        Some(([prefix(first, name), tail].concat(), value))
    }
}

fn is_name(name: &str) -> bool {
    (1..=CustomerSet::MAX_NAME).contains(&name.len())
}

/// A name with its length before it, so that no name begins another.
fn prefix(first: u8, name: &str) -> Vec<u8> {
    let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
    [&[first, length], name.as_bytes()].concat()
}

impl Customers {
    /// Takes a row of who is erased.
    pub(crate) fn restore(&mut self, key: &[u8]) -> Result<(), Unreadable> {
        let customer =
            String::from_utf8(key.to_vec()).map_err(|_| Unreadable::NoName { what: "a customer" })?;
        self.erased.insert(customer);
        Ok(())
    }

    /// Whether the customer was erased, as far as this terminal has heard.
    pub(crate) fn is_erased(&self, customer: &str) -> bool {
        self.erased.contains(customer)
    }

    /// An event has its place.
    pub(crate) fn apply(&mut self, id: EventId, envelope: &Envelope, change: &Change, out: &mut UnitOfWork) {
        if let Some((key, value)) = change.row(id, envelope) {
            out.write(Write::put(Space::Customer, key, value));
        }
        if let Change::Erased(CustomerErased { customer }) = change {
            if self.erased.insert(customer.clone()) {
                out.write(erased_row(customer, id));
            }
            out.write(Write::delete(Space::CustomerKey, customer.as_bytes()));
        }
    }

    /// An event counts no longer. Who was erased stays so.
    pub(crate) fn take_back(id: EventId, envelope: &Envelope, change: &Change, out: &mut UnitOfWork) {
        if let Some((key, _)) = change.row(id, envelope) {
            out.write(Write::delete(Space::Customer, key));
        }
    }

    /// Keeps a key on this terminal's disk, until its customer is erased.
    ///
    /// # Errors
    /// When the customer was erased, or has no name.
    pub(crate) fn keep(&self, key: &CustomerKey, out: &mut UnitOfWork) -> Result<(), Refusal> {
        self.check(key.customer())?;
        out.write(Write::put(Space::CustomerKey, key.customer().as_bytes(), key.secret()));
        Ok(())
    }

    /// Whether something may be said of the customer, or a key be kept.
    pub(crate) fn check(&self, customer: &str) -> Result<(), Refusal> {
        if self.is_erased(customer) {
            return bad("customer", "it was erased, for good: a customer who comes back is another");
        }
        check_name("customer", customer)
    }
}

fn check_name(field: &'static str, name: &str) -> Result<(), Refusal> {
    if !is_name(name) {
        return bad(field, "a name is 1 to 64 bytes");
    }
    if is_card_number(name) { bad(field, "it is the number of a payment card") } else { Ok(()) }
}

fn bad<T>(field: &'static str, reason: &'static str) -> Result<T, Refusal> {
    Err(Refusal::BadField { field, reason })
}

/// The row that an event of erasure leaves.
pub(crate) fn erasure(id: EventId, envelope: &Envelope) -> Option<Write> {
    let kind = envelope.kind.known().filter(|kind| *kind == KnownKind::CustomerErased)?;
    let Ok(Change::Erased(CustomerErased { customer })) = Change::read(kind, envelope) else { return None };
    Some(erased_row(&customer, id))
}

fn erased_row(customer: &str, id: EventId) -> Write {
    Write::put(Space::ErasedCustomer, customer.as_bytes(), id.to_key())
}

/// The rows of a name: of what was said of a customer, or of who has another name.
pub(crate) fn rows_of(name: &str, is_link: bool) -> (Space, Vec<u8>, Vec<u8>) {
    let from = prefix(if is_link { NAMED } else { SAID }, name);
    let to = [from.as_slice(), &[u8::MAX; 4 + 8 + EVENT]].concat();
    (Space::Customer, from, to)
}

/// Which event one of these rows is of.
pub(crate) fn event_of(key: &[u8]) -> Result<EventId, Unreadable> {
    let event = key.len().checked_sub(EVENT).and_then(|at| EventId::from_key(&key[at..]));
    event.ok_or(Unreadable::NoName { what: "an event" })
}

/// Whose a name is behind this row, in the order of the rows: one customer may only give up what is its own.
pub(crate) fn owner(before: Option<String>, value: &[u8]) -> Result<Option<String>, Unreadable> {
    let (customer, has_it): (String, bool) = from_cbor("row of a customer's name", value)?;
    Ok(if has_it { Some(customer) } else { before.filter(|owner| *owner != customer) })
}

impl Record {
    /// What is known of a customer, sealed with the key, which this terminal keeps. `fields` are the vendor's, at most
    /// [`CustomerSet::MAX_FIELDS`] bytes.
    pub fn customer(fields: &[u8], key: CustomerKey) -> Self {
        if fields.len() > CustomerSet::MAX_FIELDS {
            return Self::refuse_field("fields", "they have more than 16384 bytes");
        }
        if let Err(refusal) = check_name("customer", key.customer()) {
            return Self::refuse(refusal);
        }
        let set = key.seal(fields);
        Self::event(KnownKind::CustomerSet, to_cbor(&set), Vec::new()).keeping(key)
    }

    /// Another name finds the customer from here on: a loyalty card, a pseudonym of before. It stays in the event for good.
    pub fn customer_linked(link: &CustomerLink) -> Self {
        let checked = check_name("customer", &link.customer).and_then(|()| check_name("name", &link.name));
        match checked {
            Ok(()) => Self::event(KnownKind::CustomerLinked, to_cbor(link), Vec::new()),
            Err(refusal) => Self::refuse(refusal),
        }
    }

    /// A name finds the customer no longer.
    pub fn customer_unlinked(link: &CustomerLink) -> Self {
        // A name that an earlier version took is let go, whatever it looks like.
        if !is_name(&link.customer) || !is_name(&link.name) {
            return Self::refuse_field("name", "a name is 1 to 64 bytes");
        }
        Self::event(KnownKind::CustomerUnlinked, to_cbor(link), Vec::new())
    }

    /// Forgets a customer, for good: every terminal drops the key when it hears of it. Sales keep the pseudonym.
    pub fn customer_erased(customer: &str) -> Self {
        if !is_name(customer) {
            return Self::refuse_field("customer", "a name is 1 to 64 bytes");
        }
        let erased = CustomerErased { customer: customer.to_owned() };
        Self::event(KnownKind::CustomerErased, to_cbor(&erased), Vec::new())
    }

    fn refuse_field(field: &'static str, reason: &'static str) -> Self {
        Self::refuse(Refusal::BadField { field, reason })
    }
}
