//! Goods that come back: the receipts that they came from are read before the return begins, as far as this terminal holds them.

mod bounds;
mod voiding;

use std::collections::{BTreeMap, BTreeSet};

use edgepos_core::{Space, Write};
use edgepos_sync::EventRecord;
use edgepos_wire::{from_cbor, to_cbor};

use self::bounds::{Known, Receipt};
use super::effect::CounterRow;
use super::envelope::{Envelope, RefRole};
use super::keys::Keys;
use super::keys::booked::What;
use super::keys::found::Found;
use super::keys::lookup::Question;
use super::keys::name::Wanted;
use super::label::filling::Filling;
use super::sale::Sales;
use super::sale::body::{BasketId, OriginalLine, Transaction};
use super::sale::draft::{Draft, HeldLines};
use crate::retail::stored_event::{self, Stored};
use crate::retail::unreadable::Unreadable;
use crate::terminal::config::Config;
use crate::terminal::io::RequestId;
use crate::terminal::refusal::Refusal;
use crate::terminal::turn::Turn;
use crate::terminal::unit_of_work::{UnitOfWork, Wants};

/// Most receipts that one basket takes goods back from.
const MAX_RECEIPTS: usize = 64;

/// Returns whose receipts are being read, and the money that came back of each receipt line.
#[derive(Debug, Default)]
pub(crate) struct Returns {
    reading: BTreeMap<BasketId, Reading>,
    /// In minor units of the receipt's currency, as far as this terminal has seen.
    refunded: BTreeMap<(BasketId, u16), i64>,
}

/// Whether a draft may begin. The fingerprint of what its till said, where labels said a part of it.
pub(crate) type Allowed = Result<Option<Vec<u8>>, Refusal>;

/// What a store takes back.
#[derive(Clone, Copy, Debug)]
struct Allows {
    unreferenced: bool,
    unknown_receipts: bool,
}

impl Allows {
    fn of(config: &Config) -> Self {
        let Config { unreferenced_returns: unreferenced, unknown_receipts, .. } = *config;
        Self { unreferenced, unknown_receipts }
    }
}

/// A basket that waits for receipts.
#[derive(Debug)]
struct Reading {
    draft: Draft,
    /// Whether it is open, and changes.
    updates: bool,
    waiting: Vec<RequestId>,
    missing: BTreeSet<BasketId>,
    known: BTreeMap<BasketId, Known>,
    refused: Option<Refusal>,
    /// Whether goods may come back without a receipt, and on one that is not held here.
    allows: Allows,
}

/// A basket whose receipts are read: who waits for it, and whether it may begin.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) draft: Draft,
    pub(crate) waiting: Vec<RequestId>,
    pub(crate) allowed: Allowed,
    /// The lines of receipts that this terminal holds.
    pub(crate) held: HeldLines,
    /// Whether it is open, and changes.
    pub(crate) updates: bool,
}

impl Returns {
    /// A row of [`Space::Refunded`] as it is on disk.
    pub(crate) fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let name = Unreadable::NoName { what: "a receipt line" };
        let (basket, line) = key.split_first_chunk::<16>().ok_or(name.clone())?;
        let line = u16::from_be_bytes(line.try_into().map_err(|_| name)?);
        self.refunded.insert((BasketId(*basket), line), from_cbor("refunded row", value)?);
        Ok(())
    }

    /// Money that an event gave back.
    pub(crate) fn note(&mut self, envelope: &Envelope, out: &mut UnitOfWork) {
        self.add(envelope, 1, out);
    }

    /// An event that gave money back leaves its place.
    pub(crate) fn take_back(&mut self, envelope: &Envelope, out: &mut UnitOfWork) {
        self.add(envelope, -1, out);
    }

    fn add(&mut self, envelope: &Envelope, times: i64, out: &mut UnitOfWork) {
        if !envelope.refs.iter().any(|link| link.role == RefRole::ORIGINAL) {
            return;
        }
        // A vendor's own body says nothing of lines.
        let Ok(transaction) = from_cbor::<Transaction>("transaction", &envelope.body) else { return };
        for line in transaction.lines.iter().filter(|line| line.amount < 0) {
            let Some(OriginalLine { basket, line: no }) = line.original else { continue };
            let refunded = self.refunded.entry((basket, no)).or_insert(0);
            *refunded = refunded.saturating_sub(line.amount.saturating_mul(times));
            let key = [basket.0.as_slice(), &no.to_be_bytes()].concat();
            out.write(Write::put(Space::Refunded, key, to_cbor(refunded)));
        }
    }

    /// Reads the receipts that a draft names; hands it back where it names none, for [`judge`].
    ///
    /// # Errors
    /// Too much is under way.
    pub(crate) fn begin(
        &mut self,
        turn: &mut Turn<'_>,
        keys: &mut Keys,
        request: RequestId,
        draft: Draft,
        updates: bool,
    ) -> Result<Option<Draft>, Refusal> {
        // One that names no receipt is refused behind what is known of its basket.
        let voided = voiding::receipt_of(&draft).ok().flatten();
        let originals = draft.lines.iter().filter_map(|line| line.original).map(|original| original.basket);
        let receipts: BTreeSet<BasketId> = originals.chain(voided).collect();
        if receipts.is_empty() {
            return Ok(Some(draft));
        }
        if receipts.len() > MAX_RECEIPTS {
            return Err(Refusal::TooLarge {
                field: "receipts that goods come back from",
                limit: MAX_RECEIPTS,
            });
        }
        let limit = turn.config.max_commits;
        if let Some(reading) = self.reading.get_mut(&draft.basket) {
            if reading.draft != draft || reading.updates != updates {
                return Err(Refusal::BasketExists(draft.basket));
            }
            if reading.waiting.len() >= limit {
                return Err(Refusal::Full { what: "repeats of one basket", limit });
            }
            reading.waiting.push(request);
            return Ok(None);
        }
        if self.reading.len() >= limit {
            return Err(Refusal::Full { what: "returns under way", limit });
        }
        let by = draft.basket;
        for &receipt in &receipts {
            keys.ask(Question::Receipt(Wanted { by, receipt }), None, Some(receipt), turn.out);
        }
        let (known, waiting) = (BTreeMap::new(), vec![request]);
        let (missing, refused, allows) = (receipts, None, Allows::of(turn.config));
        self.reading.insert(by, Reading { draft, updates, waiting, missing, known, refused, allows });
        Ok(None)
    }

    /// Which event a receipt is: reads it, where there is one. The basket, once that was the last.
    pub(crate) fn named(
        &mut self,
        keys: &Keys,
        (sales, filling): (&Sales, &Filling<'_>),
        wanted: Wanted,
        found: Result<Found, Unreadable>,
        out: &mut UnitOfWork,
    ) -> Option<Read> {
        let known = match found {
            Ok(found) => match found.first_of_basket() {
                Some(booked) => {
                    let What::Sale(receipt) = &booked.what else { return None };
                    let (event, fresh) = (receipt.event, keys.is_fresh(booked));
                    stored_event::ask(event, Wants::Receipt { wanted, event, fresh }, out);
                    return None;
                }
                None => Ok(Known::Nothing),
            },
            Err(reason) => Err(Refusal::Damaged { what: "what this receipt was booked as", reason }),
        };
        self.knows((sales, filling), wanted, known)
    }

    /// The event of a receipt was read. The basket, once that was the last.
    pub(crate) fn loaded(
        &mut self,
        (sales, filling): (&Sales, &Filling<'_>),
        (wanted, fresh): (Wanted, bool),
        stored: &Stored,
    ) -> Option<Read> {
        let known = match stored {
            Stored::Whole(record, _) => Ok(read(record).unwrap_or(Known::Nothing)),
            // What it was sold for decides what is paid out.
            Stored::Damaged => Err(Refusal::Damaged {
                what: "the receipt that goods come back from",
                reason: Unreadable::Altered,
            }),
            // It is about to be written, and the next call finds it.
            Stored::Missing if fresh => Err(Refusal::BasketBusy(wanted.receipt)),
            // Its name has outlived it: what is left of it is what every terminal counts.
            Stored::Missing => Ok(Known::Nothing),
        };
        self.knows((sales, filling), wanted, known)
    }

    /// Ends all that is under way. Whoever waits for it.
    pub(crate) fn stop(&mut self) -> Vec<RequestId> {
        std::mem::take(&mut self.reading).into_values().flat_map(|reading| reading.waiting).collect()
    }

    fn knows(
        &mut self,
        (sales, filling): (&Sales, &Filling<'_>),
        wanted: Wanted,
        known: Result<Known, Refusal>,
    ) -> Option<Read> {
        let reading = self.reading.get_mut(&wanted.by)?;
        reading.missing.remove(&wanted.receipt);
        match known {
            Ok(known) => drop(reading.known.insert(wanted.receipt, known)),
            Err(refusal) => drop(reading.refused.get_or_insert(refusal)),
        }
        if !reading.missing.is_empty() {
            return None;
        }
        let Reading { mut draft, updates, waiting, known, refused, allows, .. } =
            self.reading.remove(&wanted.by)?;
        let voided = voiding::receipt_of(&draft).and_then(|voided| match voided {
            Some(receipt) => voiding::derive(&mut draft, known.get(&receipt)),
            None => Ok(()),
        });
        let judged = voided.and_then(|()| fill_and_judge(&mut draft, filling, &known, allows.unreferenced));
        let refunded = |original: OriginalLine| {
            let booked = self.refunded.get(&(original.basket, original.line)).copied().unwrap_or(0);
            // What a manager gave back with a void is in the counter alone.
            let row = CounterRow::refundable(original.basket, original.line);
            let counted = filling.counters.get(&row).unwrap_or(0).saturating_neg();
            booked.max(counted).saturating_add(sales.refunding(original, draft.basket))
        };
        let open = known.keys().find(|receipt| sales.is_open(**receipt)).copied();
        let refused = refused.or(open.map(Refusal::UnpaidReceipt));
        let allowed = judged.and_then(|as_said| {
            refused.map_or_else(|| bounds::check(&draft, &known, allows.unknown_receipts, refunded), Err)?;
            Ok(as_said)
        });
        bounds::name_sold(&mut draft, &known);
        let held = bounds::lines_of(&draft, &known);
        Some(Read { draft, waiting, allowed, held, updates })
    }
}

/// Reads the labels of a draft that names no receipt, and judges it by itself. What it says is said once it is known whether the basket was
/// booked, and what is open.
pub(crate) fn judge(draft: &mut Draft, filling: &Filling<'_>, unreferenced: bool) -> Allowed {
    voiding::receipt_of(draft)?;
    fill_and_judge(draft, filling, &BTreeMap::new(), unreferenced)
}

fn fill_and_judge(
    draft: &mut Draft,
    filling: &Filling<'_>,
    known: &BTreeMap<BasketId, Known>,
    unreferenced: bool,
) -> Allowed {
    let as_said = filling.fill(draft, |original| bounds::line_of(known, original))?;
    filling.catalogue.check_scales(&draft.lines)?;
    bounds::check_currency(draft, known)?;
    bounds::check_unreferenced(draft, unreferenced)?;
    Ok(as_said)
}

/// What an event says as a receipt; `None` where its body is a vendor's own.
fn read(record: &EventRecord) -> Option<Known> {
    let envelope = Envelope::decode(&record.payload).ok()?;
    let transaction = from_cbor("transaction", &envelope.body).ok()?;
    let (mode, beside) = (envelope.mode, voiding::beside(envelope.effects));
    Some(Known::Receipt(Box::new(Receipt { transaction, mode, beside })))
}
