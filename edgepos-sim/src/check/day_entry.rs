//! What events and rows say of business days.

use std::collections::BTreeSet;

use edgepos::crdt::VersionVector;
use edgepos::model::{
    ActionCode, CashMoved, DayClosed, Envelope, ExceptionResolved, KnownKind, RefRole, Reversal, ShiftId,
    Transaction,
};
use edgepos::{DayFigures, Store, StoreError};
use edgepos_core::{EventId, Space};

/// What an event says of a business day, read from its bytes.
#[derive(Clone, PartialEq, Debug)]
pub struct DayEntry {
    /// The event that says it.
    pub id: EventId,
    /// The name that it had first.
    pub first: EventId,
    /// The business day, as yyyymmdd.
    pub day: u32,
    /// The number of its terminal.
    pub terminal: u16,
    /// Who was signed in.
    pub operator: Option<String>,
    /// The drawer that cash went to.
    pub drawer: Option<String>,
    /// What was sold, where it is a receipt.
    pub sold: Option<Transaction>,
    /// What a decision of the store takes out of the day's sums, or puts back.
    pub taken_back: Option<TakenBack>,
    /// Cash that moved without a sale.
    pub moved: Option<CashMoved>,
    /// The shift in which it was done.
    pub shift: Option<ShiftId>,
    /// The stamp of a close, and what it says.
    pub closed: Option<(u64, DayClosed)>,
}

/// A decision that voids a sale, or undoes that.
#[derive(Clone, PartialEq, Debug)]
pub struct TakenBack {
    /// What it says that it does to the sums.
    pub reversal: Reversal,
    /// The sale that it voids.
    pub sale: Option<EventId>,
    /// Whether money goes back.
    pub refund: bool,
    /// The decision that it undoes.
    pub undoes: Option<EventId>,
}

impl TakenBack {
    fn of(id: EventId, envelope: &Envelope) -> Option<Self> {
        let resolved: ExceptionResolved = minicbor::decode(&envelope.body).ok()?;
        let counts = id.chain.replica.is_store() && resolved.refused.is_none();
        let undoes = resolved.of.filter(|_| resolved.action == ActionCode::UNDO);
        let (sale, refund) = (resolved.transaction, resolved.refund == Some(true));
        let reversal = *resolved.reversal.filter(|_| counts)?;
        Some(Self { reversal, sale, refund, undoes })
    }
}

impl DayEntry {
    /// Of an event that counts; nothing where it is no receipt of a day, no cash that moved and no close.
    pub(crate) fn of(id: EventId, envelope: &Envelope) -> Option<Self> {
        let first = envelope.reissue_of().map_or(id, |of| of.event);
        let entry = |day, sold, closed| Self {
            id,
            first,
            day,
            terminal: envelope.workstation,
            operator: envelope.operator.clone(),
            drawer: envelope.drawer.clone(),
            sold,
            taken_back: None,
            moved: None,
            shift: shift_of(envelope),
            closed,
        };
        match envelope.kind.known()? {
            KnownKind::Transaction => {
                let sold: Transaction = minicbor::decode(&envelope.body).ok()?;
                Some(entry(envelope.business_day?, Some(sold), None))
            }
            KnownKind::CashMoved => {
                let moved = Some(minicbor::decode(&envelope.body).ok()?);
                Some(Self { moved, ..entry(envelope.business_day?, None, None) })
            }
            KnownKind::DayClosed => {
                let closed: DayClosed = minicbor::decode(&envelope.body).ok()?;
                Some(entry(closed.day, None, Some((envelope.hlc().0, closed))))
            }
            KnownKind::ExceptionResolved => {
                let taken_back = TakenBack::of(id, envelope)?;
                let Reversal { day, terminal, operator, drawer, .. } = taken_back.reversal.clone();
                let taken_back = Some(taken_back);
                Some(Self { shift: None, terminal, operator, drawer, taken_back, ..entry(day, None, None) })
            }
            _ => None,
        }
    }
}

/// The shift that an event names.
fn shift_of(envelope: &Envelope) -> Option<ShiftId> {
    let named = envelope.refs.iter().find(|named| named.role == RefRole::SHIFT)?;
    named.id.as_slice().try_into().ok().map(ShiftId)
}

/// What a terminal's disk says of each day that it has rows of.
pub(super) fn days_on(disk: &dyn Store, durable: &VersionVector) -> Result<Vec<DayFigures>, StoreError> {
    let rows = disk.scan(Space::DayFigures, &[0], &[0xFF; 32], u32::MAX)?;
    let day = |(key, _): &(Vec<u8>, Vec<u8>)| key.first_chunk().map(|day| u32::from_be_bytes(*day));
    let days: BTreeSet<u32> = rows.iter().filter_map(day).collect();
    days.into_iter().map(|day| DayFigures::from_store(disk, day, None, durable)).collect()
}
