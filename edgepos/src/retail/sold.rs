//! What may be returned of a sale: read from its event when it is first asked for.
//!
//! A line that was sold has no counter row until something comes back or a vendor's event moves it: a row for each line ever sold
//! would fill memory and disk for ever. Until then its value is what the sale's own effects say.

use std::collections::{BTreeMap, BTreeSet};

use edgepos_core::EventId;

use super::counters::Counters;
use super::effect::CounterRow;
use super::envelope::{Envelope, Mode};
use super::keys::Keys;
use super::keys::booked::{self, Booked};
use super::keys::found::Found;
use super::keys::lookup::Question;
use super::keys::name::BookedName;
use super::reissued::Reissued;
use super::sale::body::BasketId;
use super::stored_event::{self, Stored};
use super::sums::{SoldBy, Sums, basket_of, is_own, left, sums};
use super::unreadable::Unreadable;
use crate::ports::{Store, StoreError};
use crate::terminal::io::{Reply, RequestId};
use crate::terminal::refusal::Refusal;
use crate::terminal::unit_of_work::{UnitOfWork, Wants};

/// Questions about sold lines that may wait for their sales to be read at once.
const MAX_ASKED: usize = 1_024;

/// Sales that are being read, who asked for what, and sales that cannot be read yet since they are not durable.
#[derive(Debug, Default)]
pub(crate) struct Sold {
    reading: BTreeMap<BasketId, Reading>,
    /// Who asked what is left of a line whose sale is being read.
    asked: BTreeMap<BasketId, Vec<(RequestId, CounterRow)>>,
    fresh: BTreeMap<EventId, Sums>,
}

#[derive(Debug, Default)]
struct Reading {
    /// Events that are being read.
    missing: usize,
    /// Those of them that are damaged, or whose predecessor is: they are read again once something is mended.
    damaged: BTreeSet<EventId>,
    sales: Vec<SoldBy>,
}

impl Sold {
    /// Asks for the sales of a basket, unless that is under way. What was damaged may be mended.
    pub(crate) fn ask(&mut self, basket: BasketId, keys: &mut Keys, out: &mut UnitOfWork) {
        if let Some(reading) = self.reading.get_mut(&basket) {
            std::mem::take(&mut reading.damaged).into_iter().for_each(|event| ask_for(basket, event, out));
            return;
        }
        self.reading.insert(basket, Reading::default());
        keys.ask(Question::Sold(basket), None, Some(basket), out);
    }

    /// Asks for a counter's value, also of a line that was sold and has no row.
    pub(crate) fn ask_counter(
        &mut self,
        keys: &mut Keys,
        counters: &Counters,
        request: RequestId,
        row: CounterRow,
        out: &mut UnitOfWork,
    ) {
        match basket_of(&row.to_key()).filter(|_| counters.lacks_sale(&row)) {
            Some(_) if self.asked.values().map(Vec::len).sum::<usize>() >= MAX_ASKED => {
                let full = Refusal::Full { what: "questions about sold lines", limit: MAX_ASKED };
                out.reply(request, Err(full));
            }
            Some(basket) => {
                self.asked.entry(basket).or_default().push((request, row));
                self.ask(basket, keys, out);
            }
            None => out.reply(request, Ok(Reply::Counter(counters.get(&row)))),
        }
    }

    /// The sales of a basket are known, and counted: tells everybody who asked about its lines.
    pub(crate) fn known(
        &mut self,
        counters: &Counters,
        basket: BasketId,
        sales: &[SoldBy],
        out: &mut UnitOfWork,
    ) {
        for (request, row) in self.asked.remove(&basket).unwrap_or_default() {
            let value = counters.get(&row).or_else(|| left(sales, &row));
            out.reply(request, Ok(Reply::Counter(value)));
        }
    }

    /// Ends all that is under way. Whoever waits for it.
    pub(crate) fn stop(&mut self) -> Vec<RequestId> {
        std::mem::take(&mut self.asked).into_values().flatten().map(|(request, _)| request).collect()
    }

    /// What an event says of its own lines, which have no rows. Kept until the event is durable and can be read.
    pub(crate) fn note(&mut self, event: EventId, lines: Sums) {
        if !lines.is_empty() {
            self.fresh.insert(event, lines);
        }
    }

    /// The event is durable.
    pub(crate) fn durable(&mut self, event: EventId) {
        self.fresh.remove(&event);
    }

    /// The event counts no longer: whoever waits for the sales of its basket is not told of it.
    pub(crate) fn take_back(&mut self, event: EventId) {
        self.fresh.remove(&event);
        for reading in self.reading.values_mut() {
            reading.sales.retain(|sale| sale.event != event);
        }
    }

    /// The events that sold the basket, as the names say: they are read. All of them, where none must be.
    pub(crate) fn named(
        &mut self,
        basket: BasketId,
        found: &Result<Found, Unreadable>,
        out: &mut UnitOfWork,
    ) -> Option<Vec<SoldBy>> {
        let reading = self.reading.get_mut(&basket)?;
        for event in found.iter().flat_map(Found::events_of_basket) {
            if let Some(lines) = self.fresh.get(&event) {
                reading.sales.push(SoldBy { event, lines: lines.clone() });
            } else {
                reading.missing += 1;
                ask_for(basket, event, out);
            }
        }
        self.finished(basket)
    }

    /// One of them was read. All of them, where it was the last.
    pub(crate) fn loaded(
        &mut self,
        basket: BasketId,
        stored: &Stored,
        reissued: &Reissued,
    ) -> Option<Vec<SoldBy>> {
        let reading = self.reading.get_mut(&basket)?;
        reading.missing = reading.missing.saturating_sub(1);
        reading.sales.extend(sold_by(basket, stored, reissued));
        self.finished(basket)
    }

    /// One of them is damaged: the lines' rows wait for it until it is mended, and whoever asked is told.
    pub(crate) fn is_damaged(&mut self, basket: BasketId, event: EventId, out: &mut UnitOfWork) {
        if let Some(reading) = self.reading.get_mut(&basket) {
            reading.damaged.insert(event);
        }
        for (request, _) in self.asked.remove(&basket).unwrap_or_default() {
            let damaged = Refusal::Damaged { what: "what was sold of the line", reason: Unreadable::Altered };
            out.reply(request, Err(damaged));
        }
    }

    /// Something that was damaged is on disk as it was written: it may be what these waited for, or what stands before it.
    pub(crate) fn mended(&mut self, out: &mut UnitOfWork) {
        for (basket, reading) in &mut self.reading {
            std::mem::take(&mut reading.damaged).into_iter().for_each(|event| ask_for(*basket, event, out));
        }
    }

    fn finished(&mut self, basket: BasketId) -> Option<Vec<SoldBy>> {
        self.reading.get(&basket).filter(|reading| reading.missing == 0)?;
        self.reading.remove(&basket).map(|reading| reading.sales)
    }
}

/// Reads the sales of lines of which something came back, at once: while a terminal starts.
///
/// # Errors
/// When the store cannot be read.
pub(crate) fn settle(
    store: &dyn Store,
    counters: &mut Counters,
    reissued: &Reissued,
) -> Result<(), StoreError> {
    counters.look_for_unsold();
    for basket in counters.unsold() {
        // One that is not here, or is damaged, waits on, and is asked for again when the terminal runs.
        if let Some(sales) = read(store, basket, reissued)?.filter(|sales| !sales.is_empty()) {
            counters.settle(basket, &sales);
        }
    }
    Ok(())
}

/// Every sale of the basket; `None` where one of them is damaged.
fn read(store: &dyn Store, basket: BasketId, reissued: &Reissued) -> Result<Option<Vec<SoldBy>>, StoreError> {
    let name = BookedName::Basket(basket);
    let (space, from, to) = booked::range(name);
    let mut sales = Vec::new();
    for (row, value) in store.scan(space, &from, &to, u32::MAX)? {
        let Ok(booked) = Booked::from_row(name, &row, &value) else { continue };
        let stored = stored_event::read(store, booked.event())?;
        if stored == Stored::Damaged {
            return Ok(None);
        }
        sales.extend(sold_by(basket, &stored, reissued));
    }
    Ok(Some(sales))
}

fn ask_for(basket: BasketId, event: EventId, out: &mut UnitOfWork) {
    stored_event::ask(event, Wants::Sale(basket, event), out);
}

/// Reads an event; `None` where it sold nothing of this basket, or does not count: one sale that was written twice was sold once.
fn sold_by(basket: BasketId, stored: &Stored, reissued: &Reissued) -> Option<SoldBy> {
    let Stored::Whole(record, hash) = stored else { return None };
    let envelope = Envelope::decode(&record.payload).ok()?;
    let named = Booked::of(record.id, &envelope)?.basket();
    let counts = reissued.counts(record.id, &envelope)
        && reissued.counting((record.id, *hash)).is_none_or(|counting| counting == record.id);
    if named != Some(basket) || envelope.mode == Mode::Training || !counts {
        return None;
    }
    let mut lines = sums(&envelope.effects).ok()?;
    lines.retain(|row, (sum, _)| is_own(named, row, *sum));
    Some(SoldBy { event: record.id, lines })
}
