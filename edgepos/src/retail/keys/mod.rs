//! Who was booked under which key, and which basket: known on each terminal that holds the event.
//!
//! How it is kept is nobody else's business. Today it is a row for each name, beside the event and in its transaction. What is here
//! outlives the event: a key answers also when its event is pruned.

pub(crate) mod booked;
mod coverage;
pub(crate) mod found;
pub(crate) mod lookup;
pub(crate) mod name;
pub(crate) mod told;

use std::collections::BTreeSet;

use edgepos_core::{EventId, IdempotencyKey, ReplicaId, Time, Write};
use edgepos_crdt::VersionVector;
use edgepos_sync::EventRecord;

use self::booked::Booked;
use self::coverage::Coverage;
use self::found::Found;
use self::lookup::{Lookups, Question};
use self::name::{BookedName, LookupId, Named};
use self::told::Told;
use super::envelope::Envelope;
use super::sale::body::BasketId;
use crate::ports::Rows;
use crate::retail::unreadable::Unreadable;
use crate::terminal::unit_of_work::{Then, UnitOfWork};

/// Keys and baskets.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    me: ReplicaId,
    lookups: Lookups,
    coverage: Coverage,
    told: Told,
    /// Events of this terminal that others are told of once they are durable.
    to_tell: BTreeSet<EventId>,
    /// What they are told at once.
    said: Vec<Booked>,
}

impl Keys {
    /// A row of [`Space::BookedTwice`](edgepos_core::Space::BookedTwice): whether it is one of these.
    pub(crate) fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<bool, Unreadable> {
        if key != coverage::KEY {
            return Ok(false);
        }
        self.coverage.restore(value).map(|()| true)
    }

    /// Begins to read the events whose names an earlier version, or an earlier life, did not note.
    pub(crate) fn start(&mut self, me: ReplicaId, held: &VersionVector, out: &mut UnitOfWork) {
        self.me = me;
        self.coverage.start(held, out);
    }

    /// An event has its place; `None` is one that cannot be read. Its names are written in its own transaction.
    /// The basket that it sold.
    pub(crate) fn note(
        &mut self,
        id: EventId,
        envelope: Option<&Envelope>,
        out: &mut UnitOfWork,
    ) -> Option<BasketId> {
        self.coverage.note(id);
        self.told.came(id);
        self.to_tell.extend((id.chain.replica == self.me && told::is_told(id)).then_some(id));
        // This terminal books nothing without asking first, unless it was restored.
        let foreign = id.chain.replica != self.me;
        let check = foreign || envelope.is_some_and(|envelope| envelope.duplicate_of.is_some());
        let basket = self.add(id, envelope, check, out);
        self.settle(out);
        basket
    }

    /// This terminal goes on under another name.
    pub(crate) fn rename(&mut self, me: ReplicaId) {
        self.me = me;
    }

    /// The names of an event, where it has any: it is asked whether others have them, for it is to be written again.
    pub(crate) fn ask_for_reissue(&mut self, id: EventId, envelope: &Envelope, out: &mut UnitOfWork) -> bool {
        let Some(booked) = Booked::of(id, envelope) else { return false };
        let names: Vec<BookedName> = booked.named().names().collect();
        let any = !names.is_empty();
        if any {
            self.lookups.ask(Question::Reissue(id), names, out);
        }
        any
    }

    /// The event loses its name; the rows of what it is booked as go with it.
    pub(crate) fn take_back(&self, id: EventId, envelope: &Envelope, out: &mut UnitOfWork) {
        let Some(booked) = Booked::of(id, envelope) else { return };
        // The key of an own event has a row without the event in it, which the new name's row replaces.
        for row in booked.rows(id.chain.replica).into_iter().chain(booked.rows(self.me)) {
            if let Write::Put { space, key, .. } = row
                && key.len() > 16
            {
                out.write(Write::delete(space, key));
            }
        }
    }

    /// Events that were stored before this start.
    pub(crate) fn read_older(&mut self, rows: &Rows, out: &mut UnitOfWork) {
        let mut reached = None;
        for (key, value) in rows {
            reached = EventId::from_key(key).or(reached);
            let Some((record, _)) = EventRecord::from_row(key, value) else { continue };
            self.add(record.id, Envelope::decode(&record.payload).ok().as_ref(), true, out);
        }
        self.coverage.read(reached, self.lookups.last());
        self.settle(out);
    }

    fn add(
        &mut self,
        id: EventId,
        envelope: Option<&Envelope>,
        check: bool,
        out: &mut UnitOfWork,
    ) -> Option<BasketId> {
        let booked = envelope.and_then(|envelope| Booked::of(id, envelope))?;
        let named = booked.named();
        for row in booked.rows(self.me) {
            out.write(row);
        }
        self.lookups.add(&booked);
        out.then(Then::Named(named));
        if check {
            self.lookups.ask(Question::Twice(named), named.names().collect(), out);
        }
        named.basket
    }

    /// Asks who was booked under these names; [`loaded`](Self::loaded) answers.
    pub(crate) fn ask(
        &mut self,
        question: Question,
        key: Option<IdempotencyKey>,
        basket: Option<BasketId>,
        out: &mut UnitOfWork,
    ) {
        let key = key.map(BookedName::Key);
        let names = key.into_iter().chain(basket.map(BookedName::Basket)).collect();
        self.lookups.ask(question, names, out);
    }

    /// The rows of one name; the answer, once it is whole.
    pub(crate) fn loaded(
        &mut self,
        now: Time,
        id: LookupId,
        name: BookedName,
        rows: &Rows,
    ) -> Option<(Question, Result<Found, Unreadable>)> {
        self.lookups.loaded(id, name, rows, |name| self.told.of(now, name))
    }

    /// What an event is booked as is durable.
    pub(crate) fn durable(&mut self, named: Named) {
        let said = self.to_tell.remove(&named.event).then(|| self.lookups.fresh(named)).flatten();
        self.said.extend(said.cloned());
        self.lookups.durable(named);
    }

    /// What the connected terminals are to be told of this terminal's own.
    pub(crate) fn take_said(&mut self) -> Vec<Booked> {
        std::mem::take(&mut self.said)
    }

    /// Other terminals' word of what they have booked.
    pub(crate) fn told(&mut self) -> &mut Told {
        &mut self.told
    }

    /// Whether the event may be missing on disk.
    pub(crate) fn is_fresh(&self, booked: &Booked) -> bool {
        self.lookups.is_fresh(booked)
    }

    /// Makes the next write carry what an answer says, where that may not be durable yet.
    pub(crate) fn keep(&self, booked: &Booked, out: &mut UnitOfWork) -> bool {
        let fresh = self.lookups.is_fresh(booked);
        if fresh {
            booked.rows(self.me).into_iter().for_each(|row| out.write(row));
        }
        fresh
    }

    /// Writes down how far names are known, once what was asked about them is answered.
    pub(crate) fn settle(&mut self, out: &mut UnitOfWork) {
        let Self { lookups, coverage, .. } = self;
        coverage.settle(lookups.last(), |id| lookups.is_answered(id), out);
    }
}
