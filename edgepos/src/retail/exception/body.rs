//! A counter fell below its floor.

use edgepos_core::EventId;
use minicbor::{Decode, Encode};

use crate::retail::effect::{Counter, CounterRow};
use crate::retail::keys::name::BookedName;
use crate::retail::sale::number::ReceiptNumber;

/// What the row of a name begins with: no counter row does, by its seventh byte.
const NAME: [u8; 7] = [u8::MAX; 7];
/// What follows in that of a receipt's number.
const NUMBER: u8 = b'n';

/// What went wrong.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode)]
#[cbor(transparent)]
pub struct ExceptionType(#[n(0)] pub u8);

impl ExceptionType {
    /// More was sold than there was.
    pub const OVERSOLD: Self = Self(0);
    /// More of a receipt line came back than was sold.
    pub const RETURNED_TWICE: Self = Self(1);
    /// Points or a gift card are overdrawn.
    pub const OVERDRAWN: Self = Self(2);
    /// A coupon was used too often.
    pub const COUPON_REUSED: Self = Self(3);
    /// Any other counter is below its floor.
    pub const BELOW_FLOOR: Self = Self(4);
    /// Goods came back on a receipt that nobody has.
    pub const UNREFERENCED: Self = Self(6);
    /// The payments of a sale did not come to its total, and the store books that.
    pub const TENDER_DIFFERENCE: Self = Self(7);
    /// One basket, or one key, was booked more than once, by terminals that could not hear each other.
    pub const DUPLICATE: Self = Self(5);

    /// Two receipts of one terminal and series have one number.
    pub const SAME_NUMBER: Self = Self(8);
    /// More money was paid back on a receipt line than it came to, by terminals that could not hear each other.
    pub const REFUNDED_TWICE: Self = Self(9);

    /// What a counter below its floor means.
    pub const fn of(counter: Counter) -> Self {
        match counter {
            Counter::STOCK => Self::OVERSOLD,
            Counter::RETURNABLE => Self::RETURNED_TWICE,
            Counter::POINTS | Counter::STORED_VALUE => Self::OVERDRAWN,
            Counter::COUPON_USE => Self::COUPON_REUSED,
            Counter::DIFFERENCE => Self::TENDER_DIFFERENCE,
            Counter::REFUNDABLE => Self::REFUNDED_TWICE,
            _ => Self::BELOW_FLOOR,
        }
    }

    /// Its name in reports, in snake case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OVERSOLD => "oversold",
            Self::RETURNED_TWICE => "returned_twice",
            Self::OVERDRAWN => "overdrawn",
            Self::COUPON_REUSED => "coupon_reused",
            Self::DUPLICATE => "duplicate",
            Self::UNREFERENCED => "unreferenced_return",
            Self::TENDER_DIFFERENCE => "tender_difference",
            Self::SAME_NUMBER => "same_number",
            Self::REFUNDED_TWICE => "refunded_twice",
            _ => "below_floor",
        }
    }
}

/// The body of [`Kind::EXCEPTION_RAISED`](crate::model::Kind::EXCEPTION_RAISED). The store's log decides it, so that there is one for
/// each episode, whoever led when it was found.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct ExceptionRaised {
    /// What went wrong.
    #[n(0)]
    pub exception: ExceptionType,
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    row: Vec<u8>,
    /// Counts the exceptions of one row, from 1: the next follows when this one is resolved.
    #[n(2)]
    pub episode: u32,
    /// The value that was seen; for a duplicate and for a number, how many events there are.
    #[n(3)]
    pub value: i64,
    /// The value that it must not fall below; for a duplicate and for a number, how many events there may be.
    #[n(4)]
    pub floor: i64,
    /// The latest event of each chain that moved the row; for a duplicate and for a number, the events that were booked. At most 64.
    #[n(5)]
    #[cbor(with = "edgepos_wire::event_ids")]
    pub involved: Vec<EventId>,
    /// For a duplicate, those of the involved that are no sale: the outcomes of payments that were taken beside what booked the basket.
    #[n(6)]
    #[cbor(with = "edgepos_wire::event_ids", default, skip_if = "Vec::is_empty")]
    pub payments: Vec<EventId>,
}

impl ExceptionRaised {
    /// Most events that are named.
    pub const MAX_INVOLVED: usize = 64;

    /// The first exception of `row`.
    pub fn new(row: &CounterRow, value: i64, floor: i64, mut involved: Vec<EventId>) -> Self {
        involved.truncate(Self::MAX_INVOLVED);
        Self {
            exception: ExceptionType::of(row.counter),
            row: row.to_key(),
            episode: 1,
            value,
            floor,
            involved,
            payments: Vec::new(),
        }
    }

    /// The exception of a name that these events have, by rising id.
    pub fn duplicate(name: BookedName, mut involved: Vec<EventId>) -> Self {
        let value = i64::try_from(involved.len()).unwrap_or(i64::MAX);
        involved.truncate(Self::MAX_INVOLVED);
        let row = [NAME.as_slice(), &name.to_bytes()].concat();
        let payments = Vec::new();
        Self { exception: ExceptionType::DUPLICATE, row, episode: 1, value, floor: 1, involved, payments }
    }

    /// The same, where these of the involved are outcomes of payments.
    pub fn with_payments(mut self, payments: &[EventId]) -> Self {
        self.payments = self.involved.iter().copied().filter(|event| payments.contains(event)).collect();
        self
    }

    /// The sales and records among the involved.
    pub(super) fn booked(&self) -> impl DoubleEndedIterator<Item = EventId> {
        self.involved.iter().copied().filter(|event| !self.payments.contains(event))
    }

    /// The name that was booked more than once; `None` for an exception of a counter.
    pub fn booked_twice(&self) -> Option<BookedName> {
        BookedName::from_bytes(self.row.strip_prefix(&NAME)?)
    }

    /// The exception of a number that the receipts of these events have, by rising id.
    pub fn same_number(number: &ReceiptNumber, mut involved: Vec<EventId>) -> Self {
        let value = i64::try_from(involved.len()).unwrap_or(i64::MAX);
        involved.truncate(Self::MAX_INVOLVED);
        let row = [NAME.as_slice(), &[NUMBER], &number.to_bytes()].concat();
        let payments = Vec::new();
        Self { exception: ExceptionType::SAME_NUMBER, row, episode: 1, value, floor: 1, involved, payments }
    }

    /// The number that more than one receipt has; `None` for any other exception.
    pub fn receipt_number(&self) -> Option<ReceiptNumber> {
        let (kind, number) = self.row.strip_prefix(&NAME)?.split_first()?;
        (*kind == NUMBER).then(|| ReceiptNumber::from_bytes(number)).flatten()
    }

    /// What the exception is about, as bytes: the key of a counter's row, of a name, or of a receipt's number.
    pub fn subject(&self) -> &[u8] {
        &self.row
    }

    /// The counter row; `None` when a later version wrote one that this version cannot read.
    pub fn row(&self) -> Option<CounterRow> {
        CounterRow::from_key(&self.row)
    }

    /// Names the episode: the row, then the episode's number, big endian.
    pub fn episode_key(&self) -> Vec<u8> {
        episode_key(&self.row, self.episode)
    }
}

/// The body of [`Kind::EXCEPTION_ENDED`](crate::model::Kind::EXCEPTION_ENDED): the counter is at its floor again, and the next fall
/// raises the next episode. The store's log decides it, so that raising and ending alternate.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct ExceptionEnded {
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    row: Vec<u8>,
    /// Which exception of the row has ended.
    #[n(1)]
    pub episode: u32,
    /// The value that was seen.
    #[n(2)]
    pub value: i64,
}

impl ExceptionEnded {
    /// The end of an exception, at this value.
    pub fn new(raised: &ExceptionRaised, value: i64) -> Self {
        Self { row: raised.row.clone(), episode: raised.episode, value }
    }

    /// What the exception is about: see [`ExceptionRaised::subject`].
    pub fn subject(&self) -> &[u8] {
        &self.row
    }
}

/// Names an episode of a row.
pub(super) fn episode_key(row: &[u8], episode: u32) -> Vec<u8> {
    [row, &episode.to_be_bytes()].concat()
}
