//! Cash in drawers: what is counted there, and what moves without a sale.

use std::collections::BTreeSet;

use edgepos_core::{EventId, IdempotencyKey};
use edgepos_wire::to_cbor;
use minicbor::{Decode, Encode};

use super::body::CashCount;
use crate::retail::counters::Counters;
use crate::retail::effect::{CounterRow, Effect};
use crate::retail::envelope::{Mode, Ref};
use crate::retail::kind::KnownKind;
use crate::retail::money::{Currency, MAX_MAGNITUDE};
use crate::retail::redact::{is_card_number, mask_card_numbers};
use crate::terminal::ledger::Entry;
use crate::terminal::refusal::Refusal;
use crate::terminal::turn::Turn;

/// Most counts of one opening or close: drawers times currencies.
const MAX_COUNTS: usize = 64;
/// Longest note, in bytes.
const MAX_NOTE: usize = 256;
/// Longest name of an operator, in bytes.
const MAX_OPERATOR: usize = 64;

/// Why cash moved without a sale.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode)]
#[cbor(transparent)]
pub struct CashReason(#[n(0)] pub u8);

impl CashReason {
    /// Change money is put into a drawer.
    pub const FLOAT: Self = Self(0);
    /// Money comes in that nobody paid for goods with.
    pub const PAY_IN: Self = Self(1);
    /// Money is paid out: for petty expenses, to a supplier.
    pub const PAY_OUT: Self = Self(2);
    /// Notes are taken off, to the safe or the bank.
    pub const SKIM: Self = Self(3);
    /// Money goes from one drawer into another.
    pub const TRANSFER: Self = Self(4);

    /// The reasons that this version knows.
    pub const ALL: [Self; 5] = [Self::FLOAT, Self::PAY_IN, Self::PAY_OUT, Self::SKIM, Self::TRANSFER];

    /// Its name in reports, in snake case; `unknown` for one of a later version.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FLOAT => "float",
            Self::PAY_IN => "pay_in",
            Self::PAY_OUT => "pay_out",
            Self::SKIM => "skim",
            Self::TRANSFER => "transfer",
            _ => "unknown",
        }
    }
}

/// The body of [`Kind::CASH_MOVED`](crate::model::Kind::CASH_MOVED): cash goes into a drawer, out of one, or from one into another.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cbor(map)]
pub struct CashMoved {
    /// Why it moved.
    #[n(0)]
    pub reason: CashReason,
    /// Of which currency.
    #[n(1)]
    pub currency: Currency,
    /// How much, in minor units; above zero.
    #[n(2)]
    pub amount: i64,
    /// The drawer that it left; absent where it came from none.
    #[n(3)]
    pub from: Option<String>,
    /// The drawer that it went into; absent where it went into none.
    #[n(4)]
    pub to: Option<String>,
    /// What somebody noted about it, card numbers masked.
    #[n(5)]
    pub note: Option<String>,
}

impl CashMoved {
    /// So much for this reason, between the terminal's own drawer and none.
    pub fn new(reason: CashReason, currency: Currency, amount: i64) -> Self {
        Self { reason, currency, amount, from: None, to: None, note: None }
    }

    /// The same out of this drawer.
    #[must_use]
    pub fn from_drawer(self, drawer: impl Into<String>) -> Self {
        Self { from: Some(drawer.into()), ..self }
    }

    /// The same into this drawer.
    #[must_use]
    pub fn into_drawer(self, drawer: impl Into<String>) -> Self {
        Self { to: Some(drawer.into()), ..self }
    }

    /// The drawers that it names, with the terminal's own where its reason needs one that is not named.
    fn named(self, own: &str) -> Result<Self, Refusal> {
        let bad = |field, reason| Err(Refusal::BadField { field, reason });
        let Self { reason, currency, amount, from, to, note } = self;
        if !CashReason::ALL.contains(&reason) {
            return bad("reason", "cash moves as float, pay_in, pay_out, skim or transfer");
        }
        if amount <= 0 || amount.unsigned_abs() > MAX_MAGNITUDE {
            return bad("amount", "cash that moves is 1 to 10^12");
        }
        for (field, name) in [("from", &from), ("to", &to)] {
            if name.as_deref().is_some_and(|name| !CounterRow::is_drawer(name)) {
                return bad(field, "a drawer's name is 1 to 64 bytes of text");
            }
        }
        if note.as_ref().is_some_and(|note| note.len() > MAX_NOTE) {
            return bad("note", "a note has at most 256 bytes");
        }
        let own = || Some(own.to_owned());
        let (from, to) = match reason {
            CashReason::FLOAT | CashReason::PAY_IN => (from, to.or_else(own)),
            CashReason::PAY_OUT | CashReason::SKIM => (from.or_else(own), to),
            _ if from.is_none() && to.is_none() => {
                return bad("to", "a transfer names a drawer beside the terminal's own");
            }
            _ => (from.or_else(own), to.or_else(own)),
        };
        if from == to {
            return bad("to", "cash moves between two drawers");
        }
        let note = note.as_deref().map(mask_card_numbers);
        Ok(Self { reason, currency, amount, from, to, note })
    }

    /// By how much each drawer's counter moves.
    fn effects(&self) -> Vec<Effect> {
        let of = |drawer: &Option<String>, delta| {
            drawer.as_deref().map(|drawer| Effect::new(CounterRow::cash(drawer, self.currency), delta, None))
        };
        [of(&self.from, -self.amount), of(&self.to, self.amount)].into_iter().flatten().collect()
    }
}

/// Cash that moves, and who moves it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct CashRecord {
    pub(crate) moved: CashMoved,
    pub(crate) operator: Option<String>,
}

impl CashRecord {
    /// The body that it becomes at a terminal with this drawer, where it is recorded.
    pub(crate) fn body(&self, own_drawer: &str) -> Vec<u8> {
        to_cbor(&self.moved.clone().named(own_drawer).unwrap_or_else(|_| self.moved.clone()))
    }
}

/// Records that cash moves, for the shift of whoever moves it.
///
/// # Errors
/// When a trainee moves it, the amount is none, or a drawer has no name; nothing was written then.
pub(super) fn record(
    turn: &mut Turn<'_>,
    (day, shift): (Option<u32>, Option<Ref>),
    CashRecord { moved, operator }: CashRecord,
    mode: Mode,
    key: Option<IdempotencyKey>,
) -> Result<EventId, Refusal> {
    if mode == Mode::Training {
        return Err(Refusal::Day("a trainee moves no cash"));
    }
    check_operator(operator.as_deref())?;
    let moved = moved.named(&turn.config.own_drawer())?;
    let (effects, refs) = (moved.effects(), shift.into_iter().collect());
    let entry =
        Entry { effects, operator, refs, key, ..Entry::new(day, KnownKind::CashMoved, to_cbor(&moved)) };
    turn.ledger.record(turn.now, turn.config, entry)
}

/// Refuses what names nobody, and a card number, which no event has.
pub(super) fn check_operator(operator: Option<&str>) -> Result<(), Refusal> {
    let bad = |reason| Err(Refusal::BadField { field: "operator", reason });
    match operator {
        Some(name) if !(1..=MAX_OPERATOR).contains(&name.len()) => bad("a name is 1 to 64 bytes"),
        Some(name) if is_card_number(name) => bad("it is a card number"),
        _ => Ok(()),
    }
}

/// Refuses counts that no drawer can hold, and two of one drawer and currency.
pub(super) fn check_counts(counts: &[CashCount]) -> Result<(), Refusal> {
    let bad = |reason| Err(Refusal::BadField { field: "cash", reason });
    if counts.iter().any(|count| !may_be_counted(count.amount)) {
        return bad("an amount that is counted is 0 to 10^12");
    }
    if counts.len() > MAX_COUNTS {
        return bad("more than 64 counts");
    }
    let mut seen = BTreeSet::new();
    for count in counts {
        if count.drawer.as_deref().is_some_and(|name| !CounterRow::is_drawer(name)) {
            return bad("a drawer's name is 1 to 64 bytes of text");
        }
        if !seen.insert((&count.drawer, count.currency)) {
            return bad("a drawer is counted twice in one currency");
        }
    }
    Ok(())
}

/// Whether somebody may have counted so much.
pub(super) fn may_be_counted(amount: i64) -> bool {
    amount >= 0 && amount.unsigned_abs() <= MAX_MAGNITUDE
}

/// What was counted beside what was expected, and the effects that make each drawer's counter say what was counted.
pub(super) fn counted(
    counters: &Counters,
    own_drawer: &str,
    counts: Vec<CashCount>,
) -> (Option<Vec<CashCount>>, Vec<Effect>) {
    let mut effects = Vec::new();
    let counts: Vec<_> = counts
        .into_iter()
        .map(|count| {
            let row = CounterRow::cash(count.drawer.as_deref().unwrap_or(own_drawer), count.currency);
            let expected = counters.get(&row).unwrap_or(0);
            let delta = count.amount.saturating_sub(expected);
            if delta != 0 {
                effects.push(Effect::new(row, delta, None));
            }
            CashCount { expected: Some(expected), ..count }
        })
        .collect();
    ((!counts.is_empty()).then_some(counts), effects)
}
