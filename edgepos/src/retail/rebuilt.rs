//! Which rows of the store a terminal starts from, and what of them follows from its events alone, so that it is made again where rows
//! are gone.

use edgepos_core::{EventId, ReplicaId, Seq, Space, Write};
use edgepos_crdt::VersionVector;
use edgepos_sync::EventRecord;

use super::customer;
use super::envelope::Envelope;
use super::figures::row::Row;
use super::keys::booked::{self, Booked};
use super::uncounted;

/// Spaces whose rows do: all of them but [`KEPT`] go where one is gone, and each event does again what it did. Names of events are not among them:
/// they must be there before anybody asks, and are written beside each event, as is who was erased.
pub(crate) const DERIVED: [Space; 18] = [
    Space::Counter,
    Space::Register,
    Space::Exception,
    Space::Reissued,
    Space::Resolution,
    Space::ExceptionEnd,
    Space::Applied,
    Space::Refunded,
    Space::Parked,
    Space::BesideReceipt,
    Space::DayFigures,
    Space::FiguresKnown,
    Space::Customer,
    Space::ErasedCustomer,
    Space::Document,
    Space::StockCount,
    Space::Attachment,
    Space::SharedNumber,
];

/// Those of them whose rows name an event or a stamp each, so that an event that does again what it did changes nothing: what can be read
/// of them stays. Others add up, and nobody can tell which events are in a sum of which a part is gone.
pub(crate) const KEPT: [Space; 5] =
    [Space::Register, Space::Customer, Space::ErasedCustomer, Space::Document, Space::Attachment];

/// Spaces whose rows each follow from one event, are as many as there are events, and are seldom read once it is old: a store may put
/// them closer together then. None of them is read at a start.
pub(crate) const OF_OLD_EVENTS: [Space; 3] = [Space::IdempotencyKey, Space::BookedBasket, Space::DayFigures];

/// The event that a row of those spaces follows from.
pub(crate) fn event_of(space: Space, key: &[u8], value: &[u8]) -> Option<EventId> {
    match space {
        Space::IdempotencyKey | Space::BookedBasket => booked::event_of(key, value),
        Space::DayFigures => Row::event(key),
        _ => None,
    }
}

/// The spaces whose rows the rooms start from.
pub(crate) const RESTORED: [Space; 23] = [
    Space::Basket,
    Space::Series,
    Space::Day,
    Space::ClosedDay,
    Space::StoreDay,
    Space::Shift,
    Space::StockCount,
    Space::FiguresKnown,
    Space::Refunded,
    Space::Counter,
    Space::Applied,
    Space::Register,
    Space::Exception,
    Space::Quarantine,
    Space::BookedTwice,
    Space::ExceptionEnd,
    Space::Resolution,
    Space::Reissued,
    Space::SetAside,
    Space::Payment,
    Space::Unsigned,
    Space::ErasedCustomer,
    Space::SharedNumber,
];

/// The rows of an event that must be there before anybody asks, for the terminal `me`: its names, and who it erases.
pub(crate) fn at_once(record: &EventRecord, me: ReplicaId) -> Vec<Write> {
    let Ok(envelope) = Envelope::decode(&record.payload) else { return Vec::new() };
    let mut rows: Vec<_> = customer::erasure(record.id, &envelope).into_iter().collect();
    rows.extend(Booked::of(record.id, &envelope).map(|booked| booked.rows(me)).unwrap_or_default());
    rows
}

/// The rows with which a terminal that starts without any of [`DERIVED`] counts all events up to `held`.
pub(crate) fn to_be_counted(held: &VersionVector) -> Vec<Write> {
    let of = |(chain, last)| uncounted::row(EventId::new(chain, Seq(1)), last);
    held.iter().filter(|(_, last)| *last > Seq::ZERO).map(of).collect()
}
