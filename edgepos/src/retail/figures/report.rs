//! What a business day comes to, as it is shown.

use edgepos_core::{EventId, Lane, Space};
use edgepos_crdt::VersionVector;
use edgepos_wire::from_cbor;

use super::row::{Booked, Closed, Moved, Opened, Row, Says};
use super::shifts::{OfShifts, ShiftFigures};
use super::sums::{Adding, Sums};
use crate::ports::{Store, StoreError};
use crate::retail::day::body::CashCount;
use crate::retail::money::Currency;
use crate::retail::unreadable::Unreadable;

/// Most late sales that are listed one by one; all of them are in the sums.
pub const MAX_LATE: usize = 1_000;

/// What a business day comes to. While it is open these are the X figures, of what this terminal holds; once it is closed, the Z figures:
/// what the close had seen is on time, everything else came late and is listed besides. All terminals that hold the same say the same.
///
/// Where several terminals closed one day, for the store or each its own, the first close by its stamp decides over a sale that it
/// concerns: one of the store over all, one of a terminal over its own.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct DayFigures {
    /// The business day, as yyyymmdd.
    pub day: u32,
    /// Of which terminal; absent for the whole store.
    pub terminal: Option<u16>,
    /// Whether each terminal that has something on this day is closed. Until then everything that no close concerns counts as on time.
    pub closed: bool,
    /// Whether this terminal holds all that the closes had seen, and has looked at all that it holds. Until then the figures are too low.
    pub complete: bool,
    /// What is in them: up to which event of each chain this terminal held when they were made.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::shown::text::vector::serialize"))]
    pub seen: VersionVector,
    /// The openings, by terminal.
    pub openings: Vec<DayOpening>,
    /// The closes, the first by its stamp first.
    pub closes: Vec<DayClose>,
    /// What is on time.
    pub figures: Sums,
    /// What came after the close that concerns it.
    pub late: Sums,
    /// Its receipts, at most [`MAX_LATE`], by rising event.
    pub late_sales: Vec<LateSale>,
    /// What each shift comes to on this day, by name. They are in the sums above.
    pub shifts: Vec<ShiftFigures>,
}

/// A business day began.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct DayOpening {
    /// The event that says so.
    #[cfg_attr(feature = "serde", serde(with = "crate::shown::text"))]
    pub event: EventId,
    /// The terminal's number.
    pub terminal: u16,
    /// Cash of a currency that nobody named.
    pub float: i64,
    /// What was in the drawers.
    pub cash: Vec<CashCount>,
}

/// A business day ended.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct DayClose {
    /// The event that says so.
    #[cfg_attr(feature = "serde", serde(with = "crate::shown::text"))]
    pub event: EventId,
    /// The terminal's number.
    pub terminal: u16,
    /// Whether it is of the store, and not of the terminal alone.
    pub store: bool,
    /// When, by that terminal's clock, milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// Cash of a currency that nobody named.
    pub counted: i64,
    /// What was counted in the drawers, beside what was expected there.
    pub cash: Vec<CashCount>,
    /// What it had seen.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::shown::text::vector::serialize"))]
    pub watermark: VersionVector,
}

/// A receipt that came after the close.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct LateSale {
    /// The event that booked it.
    #[cfg_attr(feature = "serde", serde(with = "crate::shown::text"))]
    pub event: EventId,
    /// The terminal's number.
    pub terminal: u16,
    /// The receipt series.
    pub series: String,
    /// Its number there.
    pub number: u64,
    /// The currency of its total.
    pub currency: Currency,
    /// What it comes to, in minor units.
    pub total: i64,
}

/// Figures that are being made of a day's rows, in the order of their keys.
#[derive(Debug)]
pub(crate) struct Making {
    day: u32,
    terminal: Option<u16>,
    seen: VersionVector,
    openings: Vec<DayOpening>,
    closes: Vec<(u64, DayClose)>,
    on_time: Adding,
    late: Adding,
    late_sales: Vec<LateSale>,
    shifts: OfShifts,
    /// Whether something is here that no close concerns.
    is_open: bool,
}

impl DayFigures {
    /// Those of a store's rows, for whoever has a loop of their own: of what `seen` covers, which is
    /// [`Terminal::durable`](crate::Terminal::durable).
    ///
    /// # Errors
    /// When the store or a row cannot be read.
    pub fn from_store(
        store: &dyn Store,
        day: u32,
        terminal: Option<u16>,
        seen: &VersionVector,
    ) -> Result<Self, StoreError> {
        let (from, to) = Row::range(day);
        let mut making = Making::new(day, terminal, seen.clone());
        for (key, value) in store.scan(Space::DayFigures, &from, &to, u32::MAX)? {
            making.row(&key, &value).map_err(|error| StoreError::new("a row of a day's figures", error))?;
        }
        Ok(making.finish(true))
    }
}

impl Making {
    pub(crate) fn new(day: u32, terminal: Option<u16>, seen: VersionVector) -> Self {
        Self {
            day,
            terminal,
            seen,
            openings: Vec::new(),
            closes: Vec::new(),
            on_time: Adding::default(),
            late: Adding::default(),
            late_sales: Vec::new(),
            shifts: OfShifts::default(),
            is_open: false,
        }
    }

    /// The next row. One that `seen` does not cover is left out.
    pub(crate) fn row(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let event = Row::event(key).ok_or(Unreadable::NoName { what: "an event" })?;
        let Row { terminal, first, says } = from_cbor("row of a day's figures", value)?;
        let asked = self.terminal.is_none_or(|asked| asked == terminal);
        let of_store = matches!(&says, Says::Closed(Closed { of_store: true, .. }));
        if !self.seen.covers(event) || !(asked || of_store) {
            return Ok(());
        }
        match says {
            Says::Closed(closed) => self.closed(event, terminal, closed),
            Says::Opened(Opened { float, cash }) => {
                self.openings.push(DayOpening { event, terminal, float, cash });
            }
            Says::Booked(booked) => {
                self.shifts.booked(terminal, &booked);
                if self.is_late(first.unwrap_or(event), terminal) {
                    self.late.add(terminal, &booked);
                    self.list(event, terminal, booked);
                } else {
                    self.on_time.add(terminal, &booked);
                }
            }
            Says::Voided if self.is_late(first.unwrap_or(event), terminal) => self.late.void(),
            Says::Voided => self.on_time.void(),
            Says::Moved(Moved { moved, shift }) => {
                self.shifts.moved(terminal, shift, &moved);
                match self.is_late(first.unwrap_or(event), terminal) {
                    true => self.late.move_cash(&moved),
                    false => self.on_time.move_cash(&moved),
                }
            }
            Says::ShiftOpened(counts) => self.shifts.opened(event, terminal, counts),
            Says::ShiftClosed(counts) => self.shifts.closed(event, terminal, counts),
        }
        Ok(())
    }

    fn closed(&mut self, event: EventId, terminal: u16, closed: Closed) {
        let watermark = closed.watermark();
        let Closed { hlc, at_ms, of_store: store, counted, cash, .. } = closed;
        self.closes.push((hlc, DayClose { event, terminal, store, at_ms, counted, cash, watermark }));
        // Few rows, and all of them before any that they decide over.
        self.closes.sort_by_key(|(hlc, close)| (*hlc, close.event));
    }

    /// Whether an event of a terminal came after the close that concerns it.
    fn is_late(&mut self, first: EventId, terminal: u16) -> bool {
        let mut concerning =
            self.closes.iter().filter(|(_, close)| close.store || close.terminal == terminal);
        let close = concerning.next();
        self.is_open |= close.is_none();
        close.is_some_and(|(_, close)| !close.watermark.covers(first))
    }

    fn list(&mut self, event: EventId, terminal: u16, booked: Booked) {
        let Booked { series, number, currency, total, .. } = booked;
        if self.late_sales.len() < MAX_LATE {
            self.late_sales.push(LateSale { event, terminal, series, number, currency, total });
        }
    }

    /// Every row was read. `whole`: each event that is held has its row.
    pub(crate) fn finish(mut self, whole: bool) -> DayFigures {
        self.openings.sort_by_key(|opening| (opening.terminal, opening.event));
        let closes: Vec<DayClose> = self.closes.into_iter().map(|(_, close)| close).collect();
        let concerns = |close: &DayClose, chain: edgepos_core::Chain| {
            // The store's chain has the sales that were voided, of whichever terminal.
            let own = chain.replica.terminal() == close.terminal || chain.replica.is_store();
            chain.lane == Lane::Transactions && (close.store || own)
        };
        let has_seen = |close: &DayClose| {
            let positions = close.watermark.iter().filter(|(chain, _)| concerns(close, *chain));
            positions.into_iter().all(|(chain, seq)| self.seen.get(chain) >= seq)
        };
        DayFigures {
            day: self.day,
            terminal: self.terminal,
            closed: !closes.is_empty() && !self.is_open,
            complete: whole && closes.iter().all(has_seen),
            openings: self.openings,
            figures: self.on_time.finish(),
            late: self.late.finish(),
            late_sales: self.late_sales,
            shifts: self.shifts.finish(),
            closes,
            seen: self.seen,
        }
    }
}
