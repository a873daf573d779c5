//! Asking the disk who was booked under a name, while more is being booked.
//!
//! The disk need not show what is not durable yet. So an event stays in memory until it is, and until every question that was asked
//! before is answered.

use std::collections::{BTreeMap, VecDeque};

use edgepos_core::{EventId, IdempotencyKey};

use super::booked::{self, Booked};
use super::found::Found;
use super::name::{BookedName, LookupId, Named, Wanted};
use crate::ports::Rows;
use crate::retail::sale::body::BasketId;
use crate::retail::unreadable::Unreadable;
use crate::terminal::unit_of_work::{UnitOfWork, Wants};

/// Bytes of rows that are read for one name: some hundred events, of which the lowest counts.
const MAX_BYTES: u32 = 1 << 16;

/// What the answer is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Question {
    /// A basket shall be begun.
    Begin(BasketId),
    /// A basket shall be booked under this key.
    Commit(IdempotencyKey),
    /// Goods shall come back from this receipt.
    Receipt(Wanted),
    /// A record shall be written under this key.
    Record(IdempotencyKey),
    /// What the sales of a basket say of its lines.
    Sold(BasketId),
    /// Who has booked a basket that was paid here and is not open here any more.
    Beside(BasketId),
    /// Whether another event has the names of this one.
    Twice(Named),
    /// Whether another event has the names of this one, which is to be written again under another name.
    Reissue(EventId),
}

impl Question {
    /// Whether what others say that they booked is an answer: something is about to be booked here.
    fn looks_around(self) -> bool {
        matches!(self, Self::Begin(_) | Self::Commit(_) | Self::Record(_))
    }
}

/// Questions without an answer, and events that the answers may lack.
#[derive(Debug, Default)]
pub(crate) struct Lookups {
    last: LookupId,
    open: BTreeMap<LookupId, Lookup>,
    fresh: BTreeMap<BookedName, Vec<Booked>>,
    /// Durable since, in order, with the last question that was asked before.
    settling: VecDeque<(LookupId, Named)>,
}

#[derive(Debug)]
struct Lookup {
    question: Question,
    names: Vec<BookedName>,
    missing: usize,
    found: Found,
    damaged: Option<Unreadable>,
}

impl Lookups {
    /// Asks who was booked under these names.
    pub(crate) fn ask(&mut self, question: Question, names: Vec<BookedName>, out: &mut UnitOfWork) {
        self.last.0 += 1;
        for &name in &names {
            let (space, from, to) = booked::range(name);
            out.load_range(space, from, to, MAX_BYTES, Wants::Name(self.last, name));
        }
        let missing = names.len();
        let lookup = Lookup { question, names, missing, found: Found::default(), damaged: None };
        self.open.insert(self.last, lookup);
    }

    /// The rows of one name. The answer, once those of all are here. `told`: what others say that they booked under a name.
    pub(crate) fn loaded<'t>(
        &mut self,
        id: LookupId,
        name: BookedName,
        rows: &Rows,
        told: impl Fn(BookedName) -> Option<&'t Booked>,
    ) -> Option<(Question, Result<Found, Unreadable>)> {
        let lookup = self.open.get_mut(&id)?;
        for (row, value) in rows {
            match Booked::from_row(name, row, value) {
                Ok(booked) => lookup.found.add(name, booked),
                Err(reason) => lookup.damaged = Some(reason),
            }
        }
        lookup.missing = lookup.missing.saturating_sub(1);
        if lookup.missing > 0 {
            return None;
        }
        let Lookup { question, names, mut found, damaged, .. } = self.open.remove(&id)?;
        for name in names {
            for booked in self.fresh.get(&name).into_iter().flatten() {
                found.add(name, booked.clone());
            }
            if question.looks_around() {
                found.told(told(name));
            }
        }
        self.forget();
        Some((question, damaged.map_or(Ok(found), Err)))
    }

    /// An event has its place, in the transaction that is being gathered.
    pub(crate) fn add(&mut self, booked: &Booked) {
        for name in booked.named().names() {
            self.fresh.entry(name).or_default().push(booked.clone());
        }
    }

    /// Its transaction is durable.
    pub(crate) fn durable(&mut self, named: Named) {
        self.settling.push_back((self.last, named));
        self.forget();
    }

    /// What an event is booked as that may be missing on disk.
    pub(crate) fn fresh(&self, named: Named) -> Option<&Booked> {
        let of_name = |name| self.fresh.get(&name).into_iter().flatten();
        named.names().flat_map(of_name).find(|booked| booked.event() == named.event)
    }

    /// Whether the event may be missing on disk.
    pub(crate) fn is_fresh(&self, booked: &Booked) -> bool {
        let named = booked.named();
        named.names().any(|name| self.fresh.get(&name).is_some_and(|fresh| fresh.contains(booked)))
    }

    /// The last question that was asked.
    pub(crate) fn last(&self) -> LookupId {
        self.last
    }

    /// Whether every question up to this one is answered.
    pub(crate) fn is_answered(&self, id: LookupId) -> bool {
        self.open.first_key_value().is_none_or(|(first, _)| *first > id)
    }

    fn forget(&mut self) {
        let first = self.open.first_key_value().map(|(first, _)| *first);
        while let Some((_, named)) =
            self.settling.pop_front_if(|(id, _)| first.is_none_or(|first| first > *id))
        {
            for name in named.names() {
                if let Some(fresh) = self.fresh.get_mut(&name) {
                    fresh.retain(|booked| booked.event() != named.event);
                    if fresh.is_empty() {
                        self.fresh.remove(&name);
                    }
                }
            }
        }
    }
}
