//! What the shifts of a business day come to.

use std::collections::BTreeMap;

use edgepos_core::EventId;

use super::row::{Booked, ShiftCounts};
use super::sums::{Adding, Sums};
use crate::retail::day::body::CashCount;
use crate::retail::day::cash::CashMoved;
use crate::retail::day::shift::ShiftId;
use crate::retail::money::Currency;

/// Most shifts of a day that are listed, the first by name; what belongs to others is in the sums of the day alone.
pub const MAX_SHIFTS_LISTED: usize = 1_000;

/// What a shift comes to on one business day. One that goes on over the close of a day has its part on each.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ShiftFigures {
    /// The till's name for it.
    pub shift: ShiftId,
    /// The terminal's number.
    pub terminal: u16,
    /// Whose it is; absent where it is nobody's, or began on another day.
    pub operator: Option<String>,
    /// How it began; absent where that was on another day, or has not come here.
    pub opened: Option<ShiftCount>,
    /// How it ended; absent while it is open, and where that was on another day.
    pub closed: Option<ShiftCount>,
    /// What was counted at its end, beside what was expected.
    pub drawers: Vec<CountedDrawer>,
    /// What was sold and moved in it on this day, late or not.
    pub figures: Sums,
}

/// A shift began or ended.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ShiftCount {
    /// The event that says so.
    #[cfg_attr(feature = "serde", serde(with = "crate::shown::text"))]
    pub event: EventId,
    /// When, by that terminal's clock, milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// What was in the drawers.
    pub cash: Vec<CashCount>,
}

/// A drawer that was counted at the end of a shift, in minor units.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CountedDrawer {
    /// The name of the drawer.
    pub drawer: String,
    /// Of which currency.
    pub currency: Currency,
    /// What was in it when the shift began, where that was counted on this day.
    pub opening: Option<i64>,
    /// What its counter said before it was counted.
    pub expected: i64,
    /// What was counted.
    pub counted: i64,
    /// By how much more that is than expected: below zero where money is missing.
    pub difference: i64,
}

/// The shifts of a day that are being summed up.
#[derive(Debug, Default)]
pub(super) struct OfShifts {
    shifts: BTreeMap<ShiftId, OfShift>,
}

#[derive(Debug, Default)]
struct OfShift {
    terminal: u16,
    operator: Option<String>,
    opened: Option<ShiftCount>,
    closed: Option<ShiftCount>,
    sums: Adding,
}

impl OfShifts {
    /// One that began.
    pub(super) fn opened(&mut self, event: EventId, terminal: u16, counts: ShiftCounts) {
        let ShiftCounts { shift, at_ms, operator, cash } = counts;
        if let Some(of) = self.entry(shift, terminal) {
            of.operator = operator;
            of.opened = Some(ShiftCount { event, at_ms, cash });
        }
    }

    /// One that ended.
    pub(super) fn closed(&mut self, event: EventId, terminal: u16, counts: ShiftCounts) {
        let ShiftCounts { shift, at_ms, operator, cash } = counts;
        if let Some(of) = self.entry(shift, terminal) {
            of.operator = of.operator.take().or(operator);
            of.closed = Some(ShiftCount { event, at_ms, cash });
        }
    }

    /// What was booked in one.
    pub(super) fn booked(&mut self, terminal: u16, booked: &Booked) {
        if let Some(of) = booked.shift.and_then(|shift| self.entry(shift, terminal)) {
            of.sums.add(terminal, booked);
        }
    }

    /// Cash that moved in one.
    pub(super) fn moved(&mut self, terminal: u16, shift: Option<ShiftId>, moved: &CashMoved) {
        if let Some(of) = shift.and_then(|shift| self.entry(shift, terminal)) {
            of.sums.move_cash(moved);
        }
    }

    /// As they are shown, by name.
    pub(super) fn finish(self) -> Vec<ShiftFigures> {
        self.shifts.into_iter().map(|(shift, of)| of.finish(shift)).collect()
    }

    fn entry(&mut self, shift: ShiftId, terminal: u16) -> Option<&mut OfShift> {
        if self.shifts.len() >= MAX_SHIFTS_LISTED && !self.shifts.contains_key(&shift) {
            return None;
        }
        Some(self.shifts.entry(shift).or_insert_with(|| OfShift { terminal, ..OfShift::default() }))
    }
}

impl OfShift {
    fn finish(self, shift: ShiftId) -> ShiftFigures {
        let Self { terminal, operator, opened, closed, sums } = self;
        let named =
            |count: &CashCount| count.drawer.clone().unwrap_or_else(|| format!("terminal-{terminal}"));
        let before = |drawer: &str, currency| {
            let counts = opened.iter().flat_map(|opened| &opened.cash);
            let mut of_it = counts.filter(|count| count.currency == currency && named(count) == drawer);
            of_it.next().map(|count| count.amount)
        };
        let counted = |count: &CashCount| {
            let (drawer, expected) = (named(count), count.expected.unwrap_or(0));
            CountedDrawer {
                opening: before(&drawer, count.currency),
                drawer,
                currency: count.currency,
                expected,
                counted: count.amount,
                difference: count.amount.saturating_sub(expected),
            }
        };
        let drawers = closed.iter().flat_map(|closed| &closed.cash).map(counted).collect();
        ShiftFigures { shift, terminal, operator, drawers, figures: sums.finish(), opened, closed }
    }
}
