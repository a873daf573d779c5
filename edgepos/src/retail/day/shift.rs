//! Shifts: a cashier's time at a terminal, with what was in the drawers before and after.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use edgepos_core::{EventId, IdempotencyKey, ParseIdError, Space, Write, parse_hexadecimal};
use edgepos_wire::{from_cbor, to_cbor};
use minicbor::{Decode, Encode};

use super::body::{CashCount, asked};
use super::cash::{check_counts, check_operator, counted};
use crate::retail::counters::Counters;
use crate::retail::envelope::{Envelope, Mode, Ref, RefRole};
use crate::retail::kind::KnownKind;
use crate::retail::unreadable::Unreadable;
use crate::terminal::ledger::Entry;
use crate::terminal::refusal::Refusal;
use crate::terminal::turn::Turn;
use crate::terminal::unit_of_work::UnitOfWork;

/// Most shifts that are open at one terminal.
pub const MAX_SHIFTS: usize = 16;

/// The till's name for one shift, drawn by the till that opens it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(transparent)]
pub struct ShiftId(
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub [u8; 16],
);

impl fmt::Display for ShiftId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// 32 hexadecimal digits.
impl FromStr for ShiftId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        parse_hexadecimal(text).map(Self).ok_or(ParseIdError::new("32 hexadecimal digits"))
    }
}

impl fmt::Debug for ShiftId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ShiftId({self})")
    }
}

/// The body of [`Kind::SHIFT_OPENED`](crate::model::Kind::SHIFT_OPENED). Whose shift it is says the envelope's operator.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cbor(map)]
pub struct ShiftOpened {
    /// The till's name for it.
    #[n(0)]
    pub shift: ShiftId,
    /// What is in the drawers as it begins.
    #[n(1)]
    pub cash: Option<Vec<CashCount>>,
}

/// The body of [`Kind::SHIFT_CLOSED`](crate::model::Kind::SHIFT_CLOSED).
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cbor(map)]
pub struct ShiftClosed {
    /// The till's name for it, from its opening.
    #[n(0)]
    pub shift: ShiftId,
    /// What is in the drawers as it ends, beside what was expected there.
    #[n(1)]
    pub cash: Option<Vec<CashCount>>,
}

impl ShiftOpened {
    /// What the till asked for when it was recorded.
    pub(crate) fn as_asked(&self) -> Self {
        Self { cash: self.cash.as_deref().map(asked), ..self.clone() }
    }
}

impl ShiftClosed {
    /// What the till asked for when it was recorded.
    pub(crate) fn as_asked(&self) -> Self {
        Self { cash: self.cash.as_deref().map(asked), ..self.clone() }
    }
}

/// A shift begins or ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ShiftRecord {
    pub(crate) shift: ShiftId,
    pub(crate) change: ShiftChange,
    pub(crate) cash: Vec<CashCount>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum ShiftChange {
    /// It begins, of this operator.
    Opened(Option<String>),
    Closed,
}

/// A shift that is open at a terminal.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct OpenShift {
    /// The till's name for it.
    pub shift: ShiftId,
    /// Whose it is; of whoever has none of their own where absent.
    pub operator: Option<String>,
    /// Since when, milliseconds since 1970 UTC.
    pub since_ms: u64,
}

/// A row of [`Space::Shift`], by the name of the shift.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
struct Row {
    #[n(0)]
    operator: Option<String>,
    #[n(1)]
    since_ms: u64,
}

/// The shifts that are open at this terminal.
#[derive(Debug, Default)]
pub(super) struct Shifts {
    open: BTreeMap<ShiftId, Row>,
}

impl Shifts {
    /// A row of [`Space::Shift`] as it is on disk.
    pub(super) fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let shift = key.try_into().map_err(|_| Unreadable::NoName { what: "a shift" })?;
        self.open.insert(ShiftId(shift), from_cbor("open shift", value)?);
        Ok(())
    }

    /// Those that are open, by name.
    pub(super) fn open(&self) -> impl Iterator<Item = OpenShift> + '_ {
        self.open.iter().map(|(shift, row)| OpenShift {
            shift: *shift,
            operator: row.operator.clone(),
            since_ms: row.since_ms,
        })
    }

    /// The shift in which somebody works here: their own, or the one that is nobody's.
    pub(super) fn of(&self, operator: Option<&str>) -> Option<Ref> {
        let of = |operator: Option<&str>| {
            self.open.iter().find(|(_, row)| row.operator.as_deref() == operator).map(|(shift, _)| *shift)
        };
        let shift = of(operator).or_else(|| of(None))?;
        Some(Ref { role: RefRole::SHIFT, id: shift.0.to_vec() })
    }

    /// Records that one begins or ends, on this day.
    ///
    /// # Errors
    /// When it is open, or is not, or whose it is has one open, or a count is none; nothing was written then.
    pub(super) fn record(
        &mut self,
        turn: &mut Turn<'_>,
        counters: &Counters,
        (open, last): (Option<u32>, Option<u32>),
        record: ShiftRecord,
        (mode, key): (Mode, Option<IdempotencyKey>),
    ) -> Result<EventId, Refusal> {
        if mode == Mode::Training {
            return Err(Refusal::Day("a trainee neither opens nor closes a shift"));
        }
        let ShiftRecord { shift, change, cash } = record;
        check_counts(&cash)?;
        let begins = matches!(change, ShiftChange::Opened(_));
        let (day, operator) = match change {
            ShiftChange::Opened(operator) => {
                self.may_open(shift, operator.as_deref())?;
                let none = Refusal::Day("no business day is open: a shift begins on one");
                (Some(open.ok_or(none)?), operator)
            }
            ShiftChange::Closed => {
                let row = self.open.get(&shift).ok_or(Refusal::Day("this shift is not open here"))?;
                // A drawer may be counted once the day is closed: it is the shift of that day.
                (open.or(last), row.operator.clone())
            }
        };
        let (cash, effects) = counted(counters, &turn.config.own_drawer(), cash);
        let (kind, body) = match begins {
            true => (KnownKind::ShiftOpened, to_cbor(&ShiftOpened { shift, cash })),
            false => (KnownKind::ShiftClosed, to_cbor(&ShiftClosed { shift, cash })),
        };
        let refs = vec![Ref { role: RefRole::SHIFT, id: shift.0.to_vec() }];
        let row = Row { operator: operator.clone(), since_ms: turn.now.wall.0 };
        let entry = Entry { effects, operator, refs, key, ..Entry::new(day, kind, body) };
        let id = turn.ledger.record(turn.now, turn.config, entry)?;
        if begins {
            turn.out.write(Write::put(Space::Shift, shift.0, to_cbor(&row)));
            self.open.insert(shift, row);
        } else {
            self.is_closed(shift, turn.out);
        }
        Ok(id)
    }

    /// It has ended.
    pub(super) fn is_closed(&mut self, shift: ShiftId, out: &mut UnitOfWork) {
        if self.open.remove(&shift).is_some() {
            out.write(Write::delete(Space::Shift, shift.0));
        }
    }

    fn may_open(&self, shift: ShiftId, operator: Option<&str>) -> Result<(), Refusal> {
        check_operator(operator)?;
        if self.open.contains_key(&shift) {
            return Err(Refusal::Day("this shift is open"));
        }
        if self.open.values().any(|row| row.operator.as_deref() == operator) {
            return Err(Refusal::Day("this operator has a shift open here"));
        }
        if self.open.len() >= MAX_SHIFTS {
            return Err(Refusal::Full { what: "open shifts", limit: MAX_SHIFTS });
        }
        Ok(())
    }
}

/// The shift that an event belongs to.
pub(crate) fn shift_of(envelope: &Envelope) -> Option<ShiftId> {
    let named = envelope.refs.iter().find(|named| named.role == RefRole::SHIFT)?;
    named.id.as_slice().try_into().ok().map(ShiftId)
}
