//! Why a request was not done.

use edgepos_core::{Chain, EventId};
use edgepos_sync::RecordError;
use thiserror::Error;

use crate::retail::effect::Counter;
use crate::retail::exception::resolution::ResolveError;
use crate::retail::payment::name::PaymentId;
use crate::retail::sale::body::BasketId;
use crate::retail::sale::receipt::Receipt;
use crate::retail::sale::tenders::TendersError;
use crate::retail::unreadable::Unreadable;

/// Why a request was not done. Nothing of it was written.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A field is over its limit.
    #[error("{field} is over its limit of {limit}")]
    TooLarge {
        /// The name of the field.
        field: &'static str,
        /// How much it may be.
        limit: usize,
    },
    /// A line says what it may not.
    #[error("line {line}: {reason}")]
    BadLine {
        /// The line's number.
        line: u16,
        /// What is wrong.
        reason: &'static str,
    },
    /// Amounts do not fit 64 bits.
    #[error("an amount or a quantity overflows")]
    Overflow,
    /// More of a receipt line would come back than may.
    #[error("line {line}: only {remaining} may still be returned")]
    NotReturnable {
        /// The line's number in the new draft.
        line: u16,
        /// How many may.
        remaining: i64,
    },
    /// More money of a receipt line would come back than was paid for it.
    #[error("line {line}: only {left} minor units may still be paid back")]
    NotRefundable {
        /// The line's number in the new draft.
        line: u16,
        /// How many minor units may.
        left: i64,
    },
    /// There is no such open basket, and its key was never committed here.
    #[error("basket {0} is not open")]
    UnknownBasket(BasketId),
    /// The basket is open with other contents.
    #[error("basket {0} is already open with other contents")]
    BasketExists(BasketId),
    /// The basket was parked, and another till has recalled it, where it goes on or has ended.
    #[error("basket {0} goes on at another till, or has ended there")]
    BasketElsewhere(BasketId),
    /// The basket is parked: it is claimed, and not begun.
    #[error("basket {0} is parked: claim it")]
    BasketParked(BasketId),
    /// The basket was parked, this till has recalled it, and it is not open any more.
    #[error("basket {0} was recalled here, and is paid or given up")]
    BasketEnded(BasketId),
    /// Goods would come back of a basket that is open here: it is paid first.
    #[error("basket {0}, of which goods would come back, is not paid: it is open here")]
    UnpaidReceipt(BasketId),
    /// The driver answered another question, which is a fault of the SDK. Whether what was asked is done is not known: ask again.
    #[error("another question was answered: {0}")]
    MixedUp(String),
    /// A commit for this basket is under way.
    #[error("basket {0} is being committed")]
    BasketBusy(BasketId),
    /// The till's key belongs to another basket. Nothing of the call is booked, and its basket stays open.
    #[error("basket {asked} cannot be committed under this key: it is the key of basket {basket}")]
    KeyOfAnotherBasket {
        /// The basket of this call.
        asked: BasketId,
        /// The basket that the key was used for.
        basket: BasketId,
    },
    /// The payments are not those of the basket, which stays open.
    #[error(transparent)]
    Tenders(#[from] TendersError),
    /// Nobody has intended this payment for this basket, or it is settled.
    #[error("payment {0} is not known for this basket, or settled")]
    UnknownPayment(PaymentId),
    /// The name of a payment is in use: another attempt has another name.
    #[error("payment {0} was intended before")]
    PaymentExists(PaymentId),
    /// Money was taken for the basket: it is committed, or the money is given back first.
    #[error("basket {basket} is neither given up nor parked: money was taken for it, by payment {payment}")]
    MoneyTaken {
        /// The basket that money was taken for.
        basket: BasketId,
        /// One of its payments.
        payment: PaymentId,
    },
    /// What was begun with the basket stays as it is while it is open: its document, series, currency and mode.
    #[error("basket {0}: document, series, currency and mode stay as they were begun")]
    BasketIsOther(BasketId),
    /// A draft names the effect on a counter that follows from its lines and payments.
    #[error("the effect on counter {} follows from lines and payments", .0.0)]
    DerivedCounter(Counter),
    /// The basket is sold, here or at another terminal, under another key.
    #[error("basket {basket} is booked already, as receipt {series} {number} ({event})", basket = .0.basket, series = .0.series, number = .0.number, event = .0.event)]
    BasketBooked(Receipt),
    /// Another terminal says that it has booked the basket, and the sale itself is on its way: the same call gets the receipt as soon as it
    /// is here, after one or two times [`Config::flush_interval`](crate::Config::flush_interval). Whoever knows that it was not booked says so:
    /// [`Draft::anyway`](crate::Draft::anyway).
    #[error("terminal {terminal} says that it has booked basket {basket} as receipt {series} {number} ({event}), which is not here yet", terminal = .0.event.chain.replica.terminal(), basket = .0.basket, series = .0.series, number = .0.number, event = .0.event)]
    BookedElsewhere(Receipt),
    /// Another terminal says that it has recorded this under the key, and the event itself is on its way: the same call gets it as soon as
    /// it is here.
    #[error("terminal {} says that it has recorded this as {event}, which is not here yet", .event.chain.replica.terminal())]
    RecordedElsewhere {
        /// The event that was told.
        event: EventId,
    },
    /// The till's key belongs to another record. Nothing of the call is recorded.
    #[error("the key belongs to event {event}, which is something else")]
    KeyInUse {
        /// The event that the key was used for.
        event: EventId,
    },
    /// Something else is being recorded under this key.
    #[error("something else is being recorded under this key")]
    KeyBusy,
    /// A wrong clock has written the register so far ahead that no stamp is above: see
    /// [`Record::repairing`](crate::Record::repairing).
    #[error("the register was last written at the end of all time, by {by}: it must be repaired")]
    RegisterAtCeiling {
        /// Whose clock it was.
        by: Chain,
    },
    /// A product or a price was changed since somebody looked, who [said so](crate::Record::based_on). Nothing is recorded.
    #[error("version {found} is in force here, and not {base}: look again")]
    OtherVersion {
        /// The version that the change was made from; 0 for none.
        base: u64,
        /// The version that is in force here; 0 for none.
        found: u64,
    },
    /// The basket takes more from a gift card, points or a coupon than is known to be there, less what other open baskets take.
    #[error("only {left} is left of what the basket takes from {}", .counter.in_words())]
    Overdrawn {
        /// What it takes from.
        counter: Counter,
        /// How much there is above the floor that the till named: minor units, points or uses.
        left: i64,
    },
    /// The clock of this terminal is off: set it. [`Record::whatever_clock`](crate::Record::whatever_clock) sets the price all the same.
    #[error("the clock of this terminal is off by {} s against {reference}: set it first", .ahead_ms.unsigned_abs().div_ceil(1_000))]
    ClockOff {
        /// By how many ms it is ahead; negative: behind.
        ahead_ms: i64,
        /// What it was compared with.
        reference: &'static str,
    },
    /// Not all terminals of the store know what was asked for.
    #[error("the store is at feature level {level}, and this needs level {needs}")]
    BelowLevel {
        /// The store's level.
        level: u32,
        /// The level that is needed.
        needs: u32,
    },
    /// An exception is not resolved.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// Too much is open at once.
    #[error("{what}: the limit of {limit} is reached")]
    Full {
        /// What there is too much of.
        what: &'static str,
        /// How much there may be.
        limit: usize,
    },
    /// The disk is full. What was begun before can be paid and booked; nothing further is promised until there is room.
    #[error("the disk is full: nothing further is begun until there is room")]
    DiskFull,
    /// What the business days allow: one is open, none is, baskets are, or the date is not after the last.
    #[error("{0}")]
    Day(&'static str),
    /// What should be a business day is no date of the calendar.
    #[error("{field}: {given} is no date of the calendar, as yyyymmdd")]
    NoDate {
        /// The name of the field.
        field: &'static str,
        /// What it says.
        given: u32,
    },
    /// The business day, as yyyymmdd, is closed: a sale begins on the next one.
    #[error("business day {0} is closed: open the next one")]
    DayClosed(u32),
    /// A field says what it may not.
    #[error("{field}: {reason}")]
    BadField {
        /// The name of the field.
        field: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// What was recorded of a product, its price or its stock names a label, and each label would be a product of its own.
    #[error("product: it is a label with a price, a weight or a count in it; its item is {item}")]
    LabelNamesItem {
        /// The product that it is: the number with a value of zero.
        item: String,
    },
    /// What moves a counter may not be what is sent last and dropped first.
    #[error("an event with effects does not travel in the telemetry lane")]
    EffectsInTelemetry,
    /// What is stored cannot be read.
    #[error("{what} cannot be read")]
    Damaged {
        /// What was asked for.
        what: &'static str,
        /// What is wrong with it.
        #[source]
        reason: Unreadable,
    },
    /// The event log does not take an event of this terminal.
    #[error(transparent)]
    Log(#[from] RecordError),
    /// The terminal has stopped: its store failed, or its identity is in doubt.
    #[error("the terminal has stopped: {0}")]
    Stopped(String),
}
