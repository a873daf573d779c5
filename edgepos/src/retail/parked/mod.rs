//! Parked baskets: put aside at one till, recalled at another, with a leader or without one.
//!
//! A parked basket is a row on every terminal that has heard of it, and nothing in memory: who claims it reads the rows. Two tills that
//! do not hear each other may both claim it; when both are paid, the store raises one exception for the basket that was booked twice.

pub(crate) mod body;
mod unwritten;

use std::collections::{BTreeMap, VecDeque};

use edgepos_core::{EventId, Space};
use edgepos_wire::{DecodeError, from_cbor, to_cbor};
use minicbor::bytes::ByteVec;

use self::body::{BasketParked, BasketTaken};
use self::unwritten::Unwritten;
use super::envelope::{Envelope, Ref, RefRole};
use super::kind::KnownKind;
use super::sale::basket::Basket;
use super::sale::body::BasketId;
use crate::ports::Rows;
use crate::terminal::io::RequestId;
use crate::terminal::ledger::Entry;
use crate::terminal::refusal::Refusal;
use crate::terminal::turn::Turn;
use crate::terminal::unit_of_work::{UnitOfWork, Wants};

/// Bytes of rows that are read for one basket: it is parked a few times at most.
const MAX_BYTES: u32 = 1 << 20;
/// Behind the name of a parking: somebody has taken it.
const TAKEN: &[u8] = &[1];

/// Who waits for the rows of a basket, and the rows that are on their way to the disk.
#[derive(Debug, Default)]
pub(crate) struct Parked {
    asking: BTreeMap<BasketId, VecDeque<(RequestId, Purpose)>>,
    unwritten: Unwritten,
}

/// What a parked basket is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// It goes on here.
    Claim,
    /// It is given up.
    Close,
    /// Somebody parks it once more: whether it is parked.
    Park,
}

/// What an event says of a parked basket.
#[derive(Debug)]
pub(crate) enum Change {
    Parked(BasketParked),
    Taken(BasketTaken),
}

/// A parked basket that nobody has taken.
#[derive(Debug)]
pub(crate) struct Free {
    /// The event that parked it.
    pub(crate) parked: EventId,
    /// The place in the store where that was.
    pub(crate) location: u32,
    pub(crate) basket: Basket,
}

impl Parked {
    /// Reads that a basket is parked, without putting it aside.
    pub(crate) fn read_parked(envelope: &Envelope) -> Result<Change, DecodeError> {
        from_cbor("parked basket", &envelope.body).map(Change::Parked)
    }

    /// Reads that a parked basket is claimed or given up.
    pub(crate) fn read_taken(envelope: &Envelope) -> Result<Change, DecodeError> {
        from_cbor("claim of a basket", &envelope.body).map(Change::Taken)
    }

    /// The event that parked a basket leaves its place.
    pub(crate) fn take_back(&mut self, id: EventId, change: &Change, out: &mut UnitOfWork) {
        if let Change::Parked(parked) = change {
            self.unwritten.write(parked.basket, [(key(parked.basket, id), None)], out);
        }
    }

    /// A basket is parked, or taken. A claim may come before what it claims, and stays as a mark.
    pub(crate) fn apply(&mut self, id: EventId, envelope: &Envelope, change: &Change, out: &mut UnitOfWork) {
        match change {
            Change::Parked(parked) => {
                let row = to_cbor(&(envelope.location, ByteVec::from(parked.contents().to_vec())));
                self.unwritten.write(parked.basket, [(key(parked.basket, id), Some(row))], out);
            }
            Change::Taken(taken) => {
                let Some(parked) = taken.parked() else { return };
                let key = key(taken.basket, parked);
                let mark = [key.as_slice(), TAKEN].concat();
                let rows = [(key, None), (mark, Some(id.to_key().to_vec()))];
                self.unwritten.write(taken.basket, rows, out);
            }
        }
    }

    /// Rows of a basket that were written are durable.
    pub(crate) fn written(&mut self, basket: BasketId) {
        self.unwritten.written(basket);
    }

    /// Reads what is known of a basket; [`loaded`](Self::loaded) answers.
    ///
    /// # Errors
    /// When too many ask at once.
    pub(crate) fn ask(
        &mut self,
        limit: usize,
        request: RequestId,
        basket: BasketId,
        purpose: Purpose,
        out: &mut UnitOfWork,
    ) -> Result<(), Refusal> {
        if self.asking.values().map(VecDeque::len).sum::<usize>() >= limit {
            return Err(Refusal::Full { what: "questions for parked baskets", limit });
        }
        let asking = self.asking.entry(basket).or_default();
        asking.push_back((request, purpose));
        if asking.len() == 1 {
            let (space, from, to) = Self::range(basket);
            out.load_range(space, from, to, MAX_BYTES, Wants::Parked(basket));
        }
        Ok(())
    }

    /// Where the rows of a basket are: the space, the first key and the last.
    pub(crate) fn range(basket: BasketId) -> (Space, Vec<u8>, Vec<u8>) {
        (Space::Parked, basket.0.to_vec(), [basket.0.as_slice(), &[0xFF; 19]].concat())
    }

    /// The rows of a basket were read: of the calls that wait for them the one that came first.
    pub(crate) fn next_of(&mut self, basket: BasketId) -> Option<(RequestId, Purpose)> {
        let asking = self.asking.get_mut(&basket)?;
        let next = asking.pop_front();
        if asking.is_empty() {
            self.asking.remove(&basket);
        }
        next
    }

    /// Whether calls wait for the rows of a basket.
    pub(crate) fn wait_for(&self, basket: BasketId) -> bool {
        self.asking.contains_key(&basket)
    }

    /// Reads whether a basket that shall begin is parked.
    pub(crate) fn ask_begin(basket: BasketId, out: &mut UnitOfWork) {
        let (space, from, to) = Self::range(basket);
        out.load_range(space, from, to, MAX_BYTES, Wants::Unparked(basket));
    }

    /// Whether a basket of this name may begin at the terminal of number `me`, whose rows were read.
    ///
    /// # Errors
    /// When it is parked, or another terminal has taken it: it would be paid twice.
    pub(crate) fn may_begin(&self, basket: BasketId, rows: &Rows, me: u16) -> Result<(), Refusal> {
        match self.free_here(basket, rows, me) {
            Ok(_) => Err(Refusal::BasketParked(basket)),
            Err(Refusal::UnknownBasket(_) | Refusal::BasketEnded(_)) => Ok(()),
            Err(refusal) => Err(refusal),
        }
    }

    /// [`free`](Self::free) of the rows that were read, with what is on its way to the disk.
    pub(crate) fn free_here(&self, basket: BasketId, rows: &Rows, me: u16) -> Result<Free, Refusal> {
        Self::free(basket, &self.unwritten.over(basket, rows), me)
    }

    /// The latest parking that nobody has taken, asked for at the terminal of number `me`, where the basket is not open.
    ///
    /// # Errors
    /// When the basket is not parked, as far as this terminal has heard, or somebody has taken it.
    pub(crate) fn free(basket: BasketId, rows: &Rows, me: u16) -> Result<Free, Refusal> {
        let taken = |key: &[u8]| rows.iter().any(|(other, _)| other.strip_prefix(key) == Some(TAKEN));
        let is_parking = |key: &[u8]| key.len() == 16 + 17;
        match rows.iter().rev().find(|(key, _)| is_parking(key) && !taken(key)) {
            Some((key, row)) => read(key, row),
            None if rows.is_empty() => Err(Refusal::UnknownBasket(basket)),
            None if rows.iter().all(|(key, by)| is_parking(key) || is_by(by, me)) => {
                Err(Refusal::BasketEnded(basket))
            }
            None => Err(Refusal::BasketElsewhere(basket)),
        }
    }

    /// Ends all that is under way. Whoever waits for it.
    pub(crate) fn stop(&mut self) -> Vec<RequestId> {
        let asking = std::mem::take(&mut self.asking).into_values();
        asking.flatten().map(|(request, _)| request).collect()
    }
}

/// Whether the event that took a basket is of the terminal of this number.
fn is_by(event: &[u8], terminal: u16) -> bool {
    EventId::from_key(event).is_some_and(|event| event.chain.replica.terminal() == terminal)
}

fn read(key: &[u8], row: &[u8]) -> Result<Free, Refusal> {
    let damaged = |reason| Refusal::Damaged { what: "the parked basket", reason };
    let (location, contents): (u32, ByteVec) =
        from_cbor("parked row", row).map_err(|error| damaged(error.into()))?;
    let basket = from_cbor("parked basket", &contents).map_err(|error| damaged(error.into()))?;
    let parked = key.get(16..).and_then(EventId::from_key);
    let name = crate::retail::unreadable::Unreadable::NoName { what: "an event" };
    Ok(Free { parked: parked.ok_or_else(|| damaged(name))?, location, basket })
}

fn key(basket: BasketId, parked: EventId) -> Vec<u8> {
    [basket.0.as_slice(), &parked.to_key()].concat()
}

/// Records that a parked basket is taken.
pub(crate) fn take(
    turn: &mut Turn<'_>,
    day: Option<u32>,
    kind: KnownKind,
    taken: BasketTaken,
) -> Result<(), Refusal> {
    let refs = vec![Ref { role: RefRole::BASKET, id: taken.basket.0.to_vec() }];
    let entry = Entry { refs, ..Entry::new(day, kind, to_cbor(&taken)) };
    turn.ledger.record(turn.now, turn.config, entry).map(drop)
}
