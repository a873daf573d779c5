//! Cash that moved without a sale, and shifts, as their events say it.

use std::collections::BTreeMap;

use edgepos::ShiftFigures;
use edgepos::model::{CashMoved, Envelope, RefRole, ShiftClosed};

/// Figures as lines: what each is of, and its sum.
type Lines = BTreeMap<String, i128>;

/// Begins the lines of what was counted, which are no sums of a day.
const COUNTED: &str = "counted ";

/// Whether a line says what was counted.
pub(super) fn is_count(line: &str) -> bool {
    line.starts_with(COUNTED)
}

/// The shift that an event names, in hexadecimal.
pub(super) fn shift_of(envelope: &Envelope) -> Option<String> {
    let named = envelope.refs.iter().find(|named| named.role == RefRole::SHIFT)?;
    Some(named.id.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What cash that moves adds to its day.
pub(super) fn of_move(moved: &CashMoved) -> Lines {
    let CashMoved { reason, currency, amount, from, to, .. } = moved;
    let (amount, reason) = (i128::from(*amount), reason.name());
    let mut lines = Lines::from([
        (format!("{currency} {reason} movements"), 1),
        (format!("{currency} {reason} amount"), amount),
    ]);
    for (drawer, way) in [(from, "out"), (to, "in")] {
        if let Some(drawer) = drawer {
            *lines.entry(format!("{currency} drawer {drawer} {way}")).or_insert(0) += amount;
        }
    }
    lines
}

/// What was counted at the end of a shift.
pub(super) fn of_close(closed: &ShiftClosed, terminal: u16) -> Lines {
    let mut lines = Lines::new();
    for count in closed.cash.iter().flatten() {
        let drawer = count.drawer.clone().unwrap_or_else(|| format!("terminal-{terminal}"));
        let of = format!("{COUNTED}{drawer} {}", count.currency);
        let difference = i128::from(count.amount) - i128::from(count.expected.unwrap_or(0));
        lines.insert(format!("{of} amount"), count.amount.into());
        lines.insert(format!("{of} difference"), difference);
    }
    lines
}

/// The same as a terminal shows it.
pub(super) fn counted(figures: &ShiftFigures) -> Lines {
    let mut lines = Lines::new();
    for of in &figures.drawers {
        let drawer = format!("shift {} {COUNTED}{} {}", figures.shift, of.drawer, of.currency);
        lines.insert(format!("{drawer} amount"), of.counted.into());
        lines.insert(format!("{drawer} difference"), of.difference.into());
    }
    lines
}
