//! What an event adds to its business day: a row under the day.

use edgepos_core::EventId;
use edgepos_crdt::VersionVector;
use edgepos_wire::{from_cbor, to_cbor};
use minicbor::{Decode, Encode};

use crate::retail::day::body::{CashCount, DayClosed, DayOpened};
use crate::retail::day::cash::CashMoved;
use crate::retail::day::shift::{ShiftClosed, ShiftId, ShiftOpened, shift_of};
use crate::retail::envelope::Envelope;
use crate::retail::exception::resolution::ExceptionResolved;
use crate::retail::exception::reversal::Reversal;
use crate::retail::kind::KnownKind;
use crate::retail::money::Currency;
use crate::retail::sale::body::{DocType, NumberVoided, Tax, TenderType, Transaction};

/// Closes come before everything else of their day: what is on time follows from them.
const CLOSED: u8 = 0;
const OPENED: u8 = 1;
const BOOKED: u8 = 2;
const VOIDED: u8 = 3;
const MOVED: u8 = 4;
const SHIFT_OPENED: u8 = 5;
const SHIFT_CLOSED: u8 = 6;

/// What an event says of its day.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Row {
    /// The terminal's number.
    #[n(0)]
    pub(crate) terminal: u16,
    /// The name that the event had first, where it was written again.
    #[n(1)]
    #[cbor(with = "edgepos_wire::optional_event_id")]
    pub(crate) first: Option<EventId>,
    #[n(2)]
    pub(crate) says: Says,
}

/// By the kind of the event.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub(crate) enum Says {
    #[n(0)]
    Closed(#[n(0)] Closed),
    #[n(1)]
    Opened(#[n(0)] Opened),
    #[n(2)]
    Booked(#[n(0)] Booked),
    #[n(3)]
    Voided,
    #[n(4)]
    Moved(#[n(0)] Moved),
    #[n(5)]
    ShiftOpened(#[n(0)] ShiftCounts),
    #[n(6)]
    ShiftClosed(#[n(0)] ShiftCounts),
}

/// Cash that moved without a sale.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Moved {
    #[n(0)]
    pub(crate) moved: CashMoved,
    #[n(1)]
    pub(crate) shift: Option<ShiftId>,
}

/// A shift that begins or ends.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub(crate) struct ShiftCounts {
    #[n(0)]
    pub(crate) shift: ShiftId,
    #[n(1)]
    pub(crate) at_ms: u64,
    #[n(2)]
    pub(crate) operator: Option<String>,
    #[n(3)]
    pub(crate) cash: Vec<CashCount>,
}

/// A close, with what its terminal had seen.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Closed {
    #[n(0)]
    pub(crate) hlc: u64,
    #[n(1)]
    pub(crate) at_ms: u64,
    #[n(2)]
    pub(crate) of_store: bool,
    #[n(3)]
    pub(crate) counted: i64,
    #[n(4)]
    pub(crate) cash: Vec<CashCount>,
    #[n(5)]
    #[cbor(with = "edgepos_wire::event_ids")]
    watermark: Vec<EventId>,
}

/// An opening.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Opened {
    #[n(0)]
    pub(crate) float: i64,
    #[n(1)]
    pub(crate) cash: Vec<CashCount>,
}

/// A booked transaction, or the reversal of one by the store: all that the figures are made of.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Booked {
    #[n(0)]
    pub(crate) doc_type: DocType,
    #[n(1)]
    pub(crate) series: String,
    #[n(2)]
    pub(crate) number: u64,
    #[n(3)]
    pub(crate) currency: Currency,
    #[n(4)]
    pub(crate) total: i64,
    #[n(5)]
    pub(crate) rounding: i64,
    #[n(6)]
    pub(crate) change: i64,
    #[n(7)]
    pub(crate) tenders: Vec<(TenderType, i64)>,
    #[n(8)]
    pub(crate) taxes: Vec<Tax>,
    #[n(9)]
    pub(crate) operator: Option<String>,
    #[n(10)]
    pub(crate) drawer: Option<String>,
    #[n(11)]
    pub(crate) shift: Option<ShiftId>,
}

impl Closed {
    /// What its terminal had seen.
    pub(crate) fn watermark(&self) -> VersionVector {
        self.watermark.iter().map(|id| (id.chain, id.seq)).collect()
    }
}

impl Row {
    /// The row of an event and its key; nothing where it says nothing of a day, or is none that can be read.
    pub(crate) fn of(id: EventId, envelope: &Envelope) -> Option<(Vec<u8>, Vec<u8>)> {
        let body = &envelope.body;
        let mut terminal = envelope.workstation;
        let (day, tag, says) = match envelope.kind.known()? {
            KnownKind::DayClosed => {
                let closed: DayClosed = from_cbor("close of a day", body).ok()?;
                (closed.day, CLOSED, Says::Closed(Closed::of(closed, envelope)))
            }
            KnownKind::DayOpened => {
                let DayOpened { day, float, cash, .. } = from_cbor("opening of a day", body).ok()?;
                (day, OPENED, Says::Opened(Opened { float, cash: cash.unwrap_or_default() }))
            }
            KnownKind::Transaction => {
                let transaction: Transaction = from_cbor("transaction", body).ok()?;
                (envelope.business_day?, BOOKED, Says::Booked(Booked::of(transaction, envelope)))
            }
            KnownKind::NumberVoided => {
                let _voided: NumberVoided = from_cbor("number that is not used", body).ok()?;
                (envelope.business_day?, VOIDED, Says::Voided)
            }
            KnownKind::ExceptionResolved => {
                let resolved: ExceptionResolved = from_cbor("resolution", body).ok()?;
                let counts = id.chain.replica.is_store() && resolved.refused.is_none();
                let reversal = resolved.reversal.filter(|_| counts)?;
                terminal = reversal.terminal;
                (reversal.day, BOOKED, Says::Booked(Booked::of_reversal(*reversal)))
            }
            KnownKind::CashMoved => {
                let moved: CashMoved = from_cbor("cash that moves", body).ok()?;
                let shift = shift_of(envelope);
                (envelope.business_day?, MOVED, Says::Moved(Moved { moved, shift }))
            }
            KnownKind::ShiftOpened => {
                let ShiftOpened { shift, cash } = from_cbor("opening of a shift", body).ok()?;
                let counts = ShiftCounts::of(shift, cash, envelope);
                (envelope.business_day?, SHIFT_OPENED, Says::ShiftOpened(counts))
            }
            KnownKind::ShiftClosed => {
                let ShiftClosed { shift, cash } = from_cbor("close of a shift", body).ok()?;
                let counts = ShiftCounts::of(shift, cash, envelope);
                (envelope.business_day?, SHIFT_CLOSED, Says::ShiftClosed(counts))
            }
            KnownKind::StockMoved
            | KnownKind::StockCounted
            | KnownKind::CountSettled
            | KnownKind::Attached
            | KnownKind::ProductSet
            | KnownKind::PriceSet
            | KnownKind::ExceptionRaised
            | KnownKind::ExceptionEnded
            | KnownKind::PaymentIntent
            | KnownKind::PaymentOutcome
            | KnownKind::BasketParked
            | KnownKind::BasketClaimed
            | KnownKind::BasketClosed
            | KnownKind::FiscalSigned
            | KnownKind::ReceiptPrinted
            | KnownKind::CustomerSet
            | KnownKind::CustomerLinked
            | KnownKind::CustomerUnlinked
            | KnownKind::CustomerErased
            | KnownKind::DocumentSet
            | KnownKind::ResolutionProposed
            | KnownKind::Custom => return None,
        };
        let first = envelope.reissue_of().map(|of| of.event);
        let row = Self { terminal, first, says };
        Some(([day.to_be_bytes().as_slice(), &[tag], &id.to_key()].concat(), to_cbor(&row)))
    }

    /// The first and the last key of a day.
    pub(crate) fn range(day: u32) -> (Vec<u8>, Vec<u8>) {
        let day = day.to_be_bytes();
        (day.to_vec(), [day.as_slice(), &[0xFF; 18]].concat())
    }

    /// The event of a row's key.
    pub(crate) fn event(key: &[u8]) -> Option<EventId> {
        EventId::from_key(key.get(5..)?)
    }
}

impl Closed {
    fn of(closed: DayClosed, envelope: &Envelope) -> Self {
        let watermark = closed.watermark().iter().map(|(chain, seq)| EventId::new(chain, seq)).collect();
        Self {
            hlc: envelope.hlc().0,
            at_ms: envelope.utc_ms,
            of_store: closed.store == Some(true),
            counted: closed.counted,
            cash: closed.cash.unwrap_or_default(),
            watermark,
        }
    }
}

impl ShiftCounts {
    fn of(shift: ShiftId, cash: Option<Vec<CashCount>>, envelope: &Envelope) -> Self {
        let (at_ms, operator) = (envelope.utc_ms, envelope.operator.clone());
        Self { shift, at_ms, operator, cash: cash.unwrap_or_default() }
    }
}

impl Booked {
    fn of(transaction: Transaction, envelope: &Envelope) -> Self {
        let Transaction { doc_type, series, number, currency, total, rounding, change, .. } = transaction;
        Self {
            doc_type,
            series,
            number,
            currency,
            total,
            rounding,
            change: change.unwrap_or(0),
            tenders: transaction.tenders.iter().map(|tender| (tender.kind, tender.amount)).collect(),
            taxes: transaction.taxes,
            operator: envelope.operator.clone(),
            drawer: envelope.drawer.clone(),
            shift: shift_of(envelope),
        }
    }

    /// A sale that the store's log has voided, or the undoing of that: a document of its own, as where a till voids one.
    fn of_reversal(reversal: Reversal) -> Self {
        let Reversal { series, number, currency, total, rounding, change, .. } = reversal;
        Self {
            doc_type: DocType::Void,
            series,
            number,
            currency,
            total,
            rounding,
            change,
            tenders: reversal.tenders.iter().map(|tender| (tender.kind, tender.amount)).collect(),
            taxes: reversal.taxes,
            operator: reversal.operator,
            drawer: reversal.drawer,
            // The store has taken it back, and nobody in a shift of theirs.
            shift: None,
        }
    }
}
