//! What an engine asks its caller to write down and to read back.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// Numbers the [`Persist`]s of one engine: 1, 2, 3 … without gaps, from 1 again after each start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct PersistId(pub u64);

/// Numbers the [`Load`]s of one engine: 1, 2, 3 … without gaps, from 1 again after each start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct LoadId(pub u64);

/// Where a row lives: one key space for each kind of state.
///
/// The numbers are on disk: they are never changed and never used again. Keys sort by their bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[repr(u8)]
pub enum Space {
    /// Who this terminal is: its incarnation and the store's genesis record.
    Identity = 0,
    /// The election's term, vote, commit and applied index.
    Election = 1,
    /// The entries of the store-wide log, by index (8 bytes, big endian).
    ElectionLog = 2,
    /// The store-wide log's latest snapshot.
    ElectionSnapshot = 3,
    /// Events, by [`EventId::to_key`](crate::EventId::to_key).
    Event = 4,
    /// The head of each chain, by [`Chain::to_key`](crate::Chain::to_key).
    Head = 5,
    /// The rows of all counters.
    Counter = 6,
    /// The first receipt given for each idempotency key.
    IdempotencyKey = 7,
    /// Baskets that were begun and neither committed nor abandoned.
    Basket = 8,
    /// The next number of each receipt series.
    Series = 9,
    /// Last-writer-wins registers: products, prices.
    Register = 10,
    /// What the cloud has acknowledged.
    Cloud = 11,
    /// Events that this version cannot read, with the reason.
    Quarantine = 12,
    /// Exceptions, by episode.
    Exception = 13,
    /// The business day.
    Day = 14,
    /// The hybrid logical clock's ceiling.
    Clock = 15,
    /// Who writes this terminal's chains, and what of earlier chains waits to be written again.
    Author = 16,
    /// Events that were written again under another name, by the event that they repeat.
    Reissued = 17,
    /// What was proposed and decided about exceptions, by event.
    Resolution = 18,
    /// The sale of each basket, by basket and event.
    BookedBasket = 19,
    /// Up to where keys and baskets are known, and those that were booked twice.
    BookedTwice = 20,
    /// What became of exceptions, by episode.
    ExceptionEnd = 21,
    /// Up to which event of each chain the counter rows on disk count.
    Applied = 22,
    /// Terminals whose place another box takes.
    Replacement = 23,
    /// Events of branches that lost, by event and hash.
    SetAside = 24,
    /// How the last business day was closed.
    ClosedDay = 25,
    /// Money that came back of receipt lines.
    Refunded = 26,
    /// Parked baskets, and who took them.
    Parked = 27,
    /// Positions of chains whose bytes are lost, and events that counter rows lack since their bytes could not be read.
    Lost = 28,
    /// Payments of this terminal that no sale has yet.
    Payment = 29,
    /// Receipts that are booked and wait for their signatures, by basket.
    Unsigned = 30,
    /// What was said of receipts after they were booked, by basket.
    BesideReceipt = 31,
    /// What each event of a business day adds to its figures, by day.
    DayFigures = 32,
    /// The business day of the store, where it has one for all its terminals.
    StoreDay = 33,
    /// Up to where events have their rows among the figures of days.
    FiguresKnown = 34,
    /// The shifts that are open at this terminal.
    Shift = 36,
    /// What was said of customers, by pseudonym and event, and their other names.
    Customer = 38,
    /// Customers that were erased.
    ErasedCustomer = 39,
    /// The keys to customers' fields that this terminal was given.
    CustomerKey = 40,
    /// The versions of each document, by name, the time from which it is in force, and event.
    Document = 41,
    /// Counts of goods, by event, and what became of them.
    StockCount = 42,
    /// The parts of what is attached to baskets, by basket, hash, part and event.
    Attachment = 43,
    /// Receipts whose number another may have, by number and event, and from where on each sale of a chain is one of them.
    SharedNumber = 44,
}

impl Space {
    /// Every space, by rising number.
    pub const ALL: [Self; 43] = [
        Self::Identity,
        Self::Election,
        Self::ElectionLog,
        Self::ElectionSnapshot,
        Self::Event,
        Self::Head,
        Self::Counter,
        Self::IdempotencyKey,
        Self::Basket,
        Self::Series,
        Self::Register,
        Self::Cloud,
        Self::Quarantine,
        Self::Exception,
        Self::Day,
        Self::Clock,
        Self::Author,
        Self::Reissued,
        Self::Resolution,
        Self::BookedBasket,
        Self::BookedTwice,
        Self::ExceptionEnd,
        Self::Applied,
        Self::Replacement,
        Self::SetAside,
        Self::ClosedDay,
        Self::Refunded,
        Self::Parked,
        Self::Lost,
        Self::Payment,
        Self::Unsigned,
        Self::BesideReceipt,
        Self::DayFigures,
        Self::StoreDay,
        Self::FiguresKnown,
        Self::Shift,
        Self::Customer,
        Self::ErasedCustomer,
        Self::CustomerKey,
        Self::Document,
        Self::StockCount,
        Self::Attachment,
        Self::SharedNumber,
    ];

    /// The number on disk.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The space with this number on disk.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|space| space.code() == code)
    }
}

/// One row to write or to remove.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Write {
    /// Insert the row, or replace it.
    Put {
        /// Which key space.
        space: Space,
        /// At most 1 KiB.
        key: Vec<u8>,
        /// The whole row.
        value: Vec<u8>,
    },
    /// Remove the row; nothing happens when there is none.
    Delete {
        /// Which key space.
        space: Space,
        /// At most 1 KiB.
        key: Vec<u8>,
    },
}

impl Write {
    /// A row to insert or replace.
    pub fn put(space: Space, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        Self::Put { space, key: key.into(), value: value.into() }
    }

    /// A row to remove.
    pub fn delete(space: Space, key: impl Into<Vec<u8>>) -> Self {
        Self::Delete { space, key: key.into() }
    }
}

/// Writes that become durable together or not at all, in order; later writes of one list win over earlier ones on the same row.
///
/// Answer with `Persisted(id)` once they would survive a power cut. The engine holds back what depends on them until then.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Persist {
    /// To be told back.
    pub id: PersistId,
    /// What to write, in order; never empty.
    pub writes: Vec<Write>,
}

/// Rows to read: those of `space` with `from <= key <= to`, by rising key, until the keys and values read exceed `max_bytes`.
///
/// The first row is returned however large it is. Answer with `Loaded(id, rows)`; no rows is a valid answer. Only rows that were
/// reported as persisted need to be seen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Load {
    /// To be told back.
    pub id: LoadId,
    /// Which key space.
    pub space: Space,
    /// First key, inclusive.
    pub from: Vec<u8>,
    /// Last key, inclusive.
    pub to: Vec<u8>,
    /// Stop after the row that reaches this many bytes of keys and values.
    pub max_bytes: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_rise_and_lead_back() {
        assert!(Space::ALL.is_sorted_by(|a, b| a.code() < b.code()), "a number is used once");
        for space in Space::ALL {
            assert_eq!(Space::from_code(space.code()), Some(space));
        }
        assert_eq!(Space::from_code(u8::MAX), None);
    }
}
