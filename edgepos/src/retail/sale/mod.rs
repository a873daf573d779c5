//! The life of a sale: `begin`, payment, `commit`. What can be refused is refused before the customer pays.

pub(crate) mod answer;
mod aside;
pub(crate) mod basket;
mod beginning;
pub(crate) mod beside;
mod beside_payments;
pub(crate) mod body;
mod booking;
pub(crate) mod commits;
pub(crate) mod draft;
pub(crate) mod fiscal;
pub(crate) mod number;
mod open;
pub(crate) mod paid_out;
pub(crate) mod printed;
pub(crate) mod receipt;
pub(crate) mod series;
pub(crate) mod signing;
pub(crate) mod tenders;
pub(crate) mod unresolved;

use std::collections::BTreeSet;

use edgepos_core::IdempotencyKey;
use edgepos_wire::from_cbor;

use self::answer::{Taken, begun, claimed, free, keep, record_surplus, refuse_taken};
use self::aside::Aside;
use self::basket::Basket;
use self::beginning::{Beginning, Beginnings};
use self::body::{BasketId, Line, OriginalLine, Transaction};
use self::booking::{Booking, said, signed_entry};
use self::commits::Commits;
use self::draft::{Draft, Opening};
use self::open::OpenBaskets;
use self::receipt::{Commit, Receipt};
use self::series::Series;
use self::signing::{Signing, Verdict};
use self::unresolved::OpenBasket;
use super::counters::Counters;
use super::day::body::OnDuty;
use super::envelope::Mode;
use super::keys::Keys;
use super::keys::booked::{Booked, What};
use super::keys::found::Found;
use super::keys::lookup::Question;
use super::kind::KnownKind;
use super::parked::body::BasketTaken;
use super::parked::{Free, Parked, take};
use super::payment::Payments;
use super::sums::SoldBy;
use crate::ports::Rows;
use crate::retail::unreadable::Unreadable;
use crate::terminal::io::{Reply, RequestId};
use crate::terminal::refusal::Refusal;
use crate::terminal::turn::Turn;
use crate::terminal::unit_of_work::Then;

/// Open baskets, receipt series and commits that are under way.
#[derive(Debug, Default)]
pub(crate) struct Sales {
    open: OpenBaskets,
    series: Series,
    beginning: Beginnings,
    committing: Commits,
    signing: Signing,
}

impl Sales {
    /// A row of [`Space::Basket`] as it is on disk.
    pub(crate) fn restore_basket(&mut self, value: &[u8]) -> Result<(), Unreadable> {
        self.open.restore(from_cbor("basket", value)?);
        Ok(())
    }

    /// Baskets in memory that were begun at the terminal of this number and neither committed nor abandoned, by rising id.
    pub(crate) fn unresolved(&self, terminal: u16) -> impl Iterator<Item = OpenBasket> + '_ {
        self.open.iter().map(move |basket| basket.as_open(terminal))
    }

    /// Open baskets of the terminal of this number, as their rows say, but for those of which memory knows more; and the last of the rows.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub(crate) fn listed(
        &self,
        terminal: u16,
        rows: &Rows,
    ) -> Result<(Vec<OpenBasket>, Option<BasketId>), Unreadable> {
        let as_open = |basket: &Basket| basket.as_open(terminal);
        let mut baskets = Vec::with_capacity(rows.len());
        for (key, value) in rows {
            match named(key) {
                Some(id) if self.open.contains(id) => baskets.extend(self.open.get(id).map(as_open)),
                Some(id) if !self.open.may_be_away(id) => {}
                _ => baskets.push(as_open(&from_cbor("basket", value)?)),
            }
        }
        Ok((baskets, rows.last().and_then(|(key, _)| named(key))))
    }

    /// The room of the open baskets.
    pub(crate) fn baskets(&mut self) -> &mut OpenBaskets {
        &mut self.open
    }

    /// Whether only the disk can tell if a basket is open.
    pub(crate) fn may_be_away(&self, basket: BasketId) -> bool {
        self.open.may_be_away(basket) && !self.beginning.contains(basket)
    }

    /// How many baskets are on disk alone.
    pub(crate) fn away(&self) -> usize {
        self.open.away()
    }

    /// The row of a basket that was on disk alone; none where it is not open.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn bring_back(&mut self, limit: usize, row: Option<&[u8]>) -> Result<(), Unreadable> {
        let Some(row) = row else { return Ok(()) };
        let basket: Basket = from_cbor("basket", row)?;
        // It was read twice, and has changed or ended since: the row is of before.
        if !self.open.may_be_away(basket.transaction.basket) {
            return Ok(());
        }
        // It comes back in any case: what was begun can be paid.
        self.make_room(limit);
        self.open.bring_back(basket);
        Ok(())
    }

    /// Where baskets are put aside, and given up.
    pub(crate) fn aside(&mut self) -> Aside<'_> {
        let Self { open, series, beginning, committing, .. } = self;
        Aside::new(open, series, beginning, committing)
    }

    /// Every row is restored: no more than `limit` stay in memory.
    pub(crate) fn start(&mut self, limit: usize) {
        self.make_room(limit.saturating_add(1));
    }

    /// Lets baskets leave memory until fewer than `limit` are open or about to be. Whether that is so.
    fn make_room(&mut self, limit: usize) -> bool {
        let Self { open, beginning, committing, .. } = self;
        let free = |id| !beginning.contains(id) && committing.check_free(id).is_ok();
        open.make_room(limit.saturating_sub(beginning.len()), free)
    }

    /// The room of receipt numbers.
    pub(crate) fn series(&mut self) -> &mut Series {
        &mut self.series
    }

    /// Bytes that the commits of open baskets may write.
    pub(crate) fn promised(&self) -> u64 {
        self.open.promised()
    }

    /// Money that other baskets which are not booked yet pay back of a receipt line, in minor units.
    pub(crate) fn refunding(&self, original: OriginalLine, but: BasketId) -> i64 {
        let baskets =
            self.open.iter().chain(self.beginning.baskets()).filter(|basket| basket.mode == Mode::Live);
        let others = baskets.filter(|basket| basket.transaction.basket != but);
        let lines = others.flat_map(|basket| &basket.transaction.lines);
        let of_it = lines.filter(|line| line.original == Some(original) && line.amount < 0);
        of_it.fold(0, |sum: i64, line| sum.saturating_sub(line.amount))
    }

    /// How many baskets are open, in memory or on disk alone.
    pub(crate) fn baskets_open(&self) -> usize {
        self.open.len()
    }

    /// How many there are, with those that are about to be opened.
    pub(crate) fn open_baskets(&self) -> usize {
        self.open.len() + self.beginning.len()
    }

    /// Asks whether the basket was booked before; [`begin_answered`](Self::begin_answered) goes on. A repeat for an open basket is
    /// answered at once. Receipts whose sale is to be read, since something of a line without a row shall come back.
    ///
    /// # Errors
    /// Whatever may be refused of a sale by itself; nothing was written then.
    pub(crate) fn begin(
        &mut self,
        turn: &mut Turn<'_>,
        keys: &mut Keys,
        counters: &Counters,
        day: Result<Option<u32>, Refusal>,
        opening: Opening,
    ) -> Result<BTreeSet<BasketId>, Refusal> {
        let Opening { request, draft, allowed, held, updates } = opening;
        let key = draft.key;
        let mut basket =
            draft::check(draft, &held, (turn.config.location, turn.config.max_event_bytes), turn.now.wall.0)?;
        let allowed = allowed.and_then(|as_said| {
            basket.as_said = as_said;
            paid_out::check(&basket.transaction)
        });
        self.series.name_begun(turn.config, &mut basket);
        let id = basket.transaction.basket;
        let open = self.open.get(id);
        if let Some(open) = open {
            if open.same_contents(&basket) {
                // Written again: the first write may not be durable yet, and this reply must not come before it.
                keep(turn.out, request, open, begun(open));
                self.open.is_written(id, turn.out);
                return Ok(BTreeSet::new());
            }
            basket = basket.going_on_from(open);
        }
        if open.is_some() != updates {
            return Err(if updates { Refusal::UnknownBasket(id) } else { Refusal::BasketExists(id) });
        }
        if self.beginning.joins(&basket, updates, request, turn.config.max_commits)? {
            return Ok(BTreeSet::new());
        }
        if !updates {
            basket.day = day?;
        }
        let beginning = Beginning { key, allowed, updates, ..Beginning::of(basket, request) };
        self.look_up(turn, keys, counters, beginning)
    }

    /// Refuses to change what a basket was begun as, and what is not open or about to be booked.
    pub(crate) fn check_update(&self, draft: &Draft) -> Result<(), Refusal> {
        let id = draft.basket;
        self.committing.check_free(id)?;
        let Some(Basket { transaction: open, mode, .. }) = self.open.get(id) else {
            return Err(if self.is_open(id) { Refusal::BasketBusy(id) } else { Refusal::UnknownBasket(id) });
        };
        let as_begun = (open.doc_type, open.currency, *mode) == (draft.doc_type, draft.currency, draft.mode);
        if as_begun && self.series.common_name(&open.series) == draft.series {
            return Ok(());
        }
        Err(Refusal::BasketIsOther(id))
    }

    /// The lines of the basket, where it is open or about to be, and the fingerprint of what the till said for them, where labels said a
    /// part.
    pub(crate) fn lines(&self, basket: BasketId) -> (&[Line], Option<&[u8]>) {
        let begins = || self.beginning.baskets().find(|begins| begins.transaction.basket == basket);
        let begun = self.open.get(basket).or_else(begins);
        begun.map_or((&[], None), |basket| (&basket.transaction.lines, basket.as_said.as_deref()))
    }

    /// Who sells the basket, and on which day, where it is open.
    pub(crate) fn cashier(&self, basket: BasketId) -> (Option<String>, Option<u32>) {
        self.open.get(basket).map(|basket| (basket.operator.clone(), basket.day)).unwrap_or_default()
    }

    /// Who sells the basket that is committed under a key.
    pub(crate) fn paying(&self, key: IdempotencyKey) -> Option<String> {
        let commit = self.committing.get(key)?;
        commit.tenders.beside().cashier.clone().or_else(|| self.cashier(commit.basket).0)
    }

    /// The same of a basket that a payment terminal may be asked for.
    ///
    /// # Errors
    /// When it is not open, about to be booked, or a trainee's.
    pub(crate) fn check_payable(&self, id: BasketId) -> Result<(Option<String>, Option<u32>), Refusal> {
        self.committing.check_free(id)?;
        match self.open.get(id) {
            Some(basket) if basket.mode == Mode::Live => Ok(self.cashier(id)),
            Some(_) => {
                let reason = "a trainee's basket asks no payment terminal";
                Err(Refusal::BadField { field: "basket", reason })
            }
            None => Err(Refusal::UnknownBasket(id)),
        }
    }

    /// A parked basket goes on here: it is opened as one that begins. A repeat while it is being opened waits with the first.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub(crate) fn recall(
        &mut self,
        turn: &mut Turn<'_>,
        keys: &mut Keys,
        counters: &Counters,
        day: Result<Option<u32>, Refusal>,
        request: RequestId,
        free: Free,
    ) -> Result<BTreeSet<BasketId>, Refusal> {
        let Free { parked, location, basket } = free;
        if self.beginning.recalls(basket.transaction.basket, request) {
            return Ok(BTreeSet::new());
        }
        let begun_ms = turn.now.wall.0;
        let mut basket = Basket { begun_ms, day: day?, ..basket.moved(location, turn.config.location) };
        draft::check_size(&basket, turn.config.max_event_bytes)?;
        self.series.name_begun(turn.config, &mut basket);
        let parked = Some(parked);
        self.look_up(turn, keys, counters, Beginning { parked, ..Beginning::of(basket, request) })
    }

    /// Answers who recalls a basket that is open here already; `false` where it is not.
    pub(crate) fn reclaim(&mut self, turn: &mut Turn<'_>, request: RequestId, basket: BasketId) -> bool {
        let Some(open) = self.open.get(basket) else { return false };
        keep(turn.out, request, open, claimed(open));
        self.open.is_written(basket, turn.out);
        true
    }

    /// Asks whether a basket was booked before, where there is room for it.
    fn look_up(
        &mut self,
        turn: &mut Turn<'_>,
        keys: &mut Keys,
        counters: &Counters,
        beginning: Beginning,
    ) -> Result<BTreeSet<BasketId>, Refusal> {
        let limit = turn.config.max_open_baskets;
        if !beginning.updates && !self.make_room(limit) {
            return Err(Refusal::Full { what: "open baskets", limit });
        }
        let Beginning { basket, key, .. } = &beginning;
        if basket.is_signed() {
            self.signing.check_room()?;
        }
        turn.disk.check(self.open.promised(), basket.needs())?;
        // What it takes back or from a card is looked at once it is known whether it was booked: then that answers.
        let (id, key, originals) = (basket.transaction.basket, *key, basket.lacking(counters));
        let is_new = !beginning.updates && beginning.parked.is_none();
        let parkings = (!is_new).then_some(Ok(()));
        self.beginning.insert(Beginning { originals: originals.clone(), parkings, ..beginning });
        if is_new {
            Parked::ask_begin(id, turn.out);
        }
        keys.ask(Question::Begin(id), key, Some(id), turn.out);
        Ok(originals)
    }

    /// Who was booked for a basket that shall be begun: opens it and reserves its receipt number, where nobody was.
    pub(crate) fn begin_answered(
        &mut self,
        turn: &mut Turn<'_>,
        (keys, counters): (&Keys, &Counters),
        id: BasketId,
        found: Result<Found, Unreadable>,
    ) {
        self.beginning.found(id, found);
        self.begin_if_ready(turn, (keys, counters), id);
    }

    /// Whether a basket that shall begin is parked, or goes on elsewhere.
    pub(crate) fn parkings_read(
        &mut self,
        turn: &mut Turn<'_>,
        (keys, counters): (&Keys, &Counters),
        id: BasketId,
        may_begin: Result<(), Refusal>,
    ) {
        self.beginning.parkings_read(id, may_begin);
        self.begin_if_ready(turn, (keys, counters), id);
    }

    /// What was sold of a basket of which something shall come back.
    pub(crate) fn sold_known(
        &mut self,
        turn: &mut Turn<'_>,
        (keys, counters): (&Keys, &Counters),
        original: BasketId,
        sales: &[SoldBy],
    ) {
        for id in self.beginning.sold_known(original, sales) {
            self.begin_if_ready(turn, (keys, counters), id);
        }
    }

    /// Opens a basket once all that was asked about it is answered.
    fn begin_if_ready(&mut self, turn: &mut Turn<'_>, (keys, counters): (&Keys, &Counters), id: BasketId) {
        let Some((beginning, found)) = self.beginning.take_ready(id) else { return };
        let may_begin = free(id, beginning.key, found.as_ref())
            .and_then(|()| self.may_begin(turn, counters, &beginning).map_err(|refusal| (refusal, None)));
        let Beginning { mut basket, parked, updates, waiting, .. } = beginning;
        if let Err(taken) = may_begin {
            return refuse_taken(turn.out, keys, waiting, &taken);
        }
        if !updates && !basket.waits_for_number(turn.config) {
            self.series.give_number(turn.out, &mut basket);
        }
        for request in waiting {
            let reply = if parked.is_some() { claimed(&basket) } else { begun(&basket) };
            keep(turn.out, request, &basket, reply);
        }
        self.open.is_written(id, turn.out);
        self.open.replace(basket);
    }

    /// Others may have been begun since it was asked for.
    fn may_begin(
        &self,
        turn: &mut Turn<'_>,
        counters: &Counters,
        beginning: &Beginning,
    ) -> Result<(), Refusal> {
        let Beginning { basket, parked, updates, left, allowed, parkings, .. } = beginning;
        let id = basket.transaction.basket;
        parkings.clone().unwrap_or(Ok(()))?;
        turn.disk.check(self.open.promised(), basket.needs())?;
        self.open.check_kept_back(counters, basket, left)?;
        allowed.clone()?;
        // It may have been booked or given up meanwhile, or be about to be.
        if *updates {
            if !self.open.contains(id) {
                return Err(Refusal::UnknownBasket(id));
            }
            self.committing.check_free(id)?;
        }
        match *parked {
            Some(parked) => take(turn, basket.day, KnownKind::BasketClaimed, BasketTaken::new(id, parked)),
            None => Ok(()),
        }
    }

    /// Whether the basket is open here, or about to be.
    pub(crate) fn is_open(&self, basket: BasketId) -> bool {
        self.open.contains(basket) || self.beginning.contains(basket)
    }

    /// Asks whether the key or the basket was booked before; [`commit_answered`](Self::commit_answered) goes on.
    ///
    /// # Errors
    /// When too much is under way at once; nothing was written then.
    pub(crate) fn commit(
        &mut self,
        turn: &mut Turn<'_>,
        keys: &mut Keys,
        request: RequestId,
        commit: Commit,
    ) -> Result<(), Refusal> {
        let (key, basket) = (commit.key, commit.basket);
        if self.committing.begin(turn.config.max_commits, request, commit)? {
            keys.ask(Question::Commit(key), Some(key), Some(basket), turn.out);
        }
        Ok(())
    }

    /// Who was booked under the key and for the basket of a commit.
    pub(crate) fn commit_answered(
        &mut self,
        turn: &mut Turn<'_>,
        (keys, counters): (&Keys, &Counters),
        payments: &mut Payments,
        duty: &OnDuty,
        key: IdempotencyKey,
        found: Result<Found, Unreadable>,
    ) {
        let Some(basket) = self.committing.get(key).map(|commit| commit.basket) else { return };
        let meant = |what: &What| matches!(what, What::Sale(receipt) if receipt.basket == basket);
        let found = match found {
            Ok(found) => found,
            Err(reason) => {
                let damaged = Refusal::Damaged { what: "the receipt of this key", reason };
                return self.refuse(turn, keys, key, &(damaged, None));
            }
        };
        if let Some(booked) = found.first_of_key(meant).filter(|booked| meant(&booked.what)) {
            return self.repeat(turn, keys, payments, duty.day, key, booked);
        }
        let may_book = free(basket, Some(key), Ok(&found));
        // Paid elsewhere, under another key, and here as well: what was taken here is not refused.
        let first = found.first_of_basket().filter(|_| payments.has_money(basket));
        if let (Err((Refusal::BasketBooked(_), _)), Some(booked)) = (&may_book, first) {
            return self.repeat(turn, keys, payments, duty.day, key, booked);
        }
        let booked = may_book
            .and_then(|()| self.book(turn, counters, payments, duty, key).map_err(|refusal| (refusal, None)));
        if let Err(taken) = booked {
            self.refuse(turn, keys, key, &taken);
        }
    }

    /// A commit is not booked: tells everybody who asked.
    fn refuse(&mut self, turn: &mut Turn<'_>, keys: &Keys, key: IdempotencyKey, taken: &Taken) {
        self.signing.forget(key);
        refuse_taken(turn.out, keys, self.committing.end(key), taken);
    }

    /// The signer of receipts.
    pub(crate) fn signing(&mut self) -> &mut Signing {
        &mut self.signing
    }

    /// The same, for questions.
    pub(crate) fn signer(&self) -> &Signing {
        &self.signing
    }

    /// Commits that are under way.
    pub(crate) fn commits(&mut self) -> &mut Commits {
        &mut self.committing
    }

    /// Ends all that is under way. Whoever waits for it.
    pub(crate) fn stop(&mut self) -> Vec<RequestId> {
        self.beginning.stop().into_iter().chain(self.committing.stop()).collect()
    }

    /// The key was committed before, here or at another terminal: the first receipt, again.
    fn repeat(
        &mut self,
        turn: &mut Turn<'_>,
        keys: &Keys,
        payments: &mut Payments,
        business_day: Option<u32>,
        key: IdempotencyKey,
        booked: &Booked,
    ) {
        let What::Sale(receipt) = &booked.what else { return };
        let id = receipt.basket;
        self.signing.forget(key);
        let mut later = false;
        if payments.has_money(id) {
            // It was paid twice. The basket stays open until somebody settles what was taken for it here.
            match record_surplus(turn, payments, self.cashier(id), business_day, receipt) {
                Ok(recorded) => later = recorded,
                Err(refusal) => return self.committing.refuse(turn.out, key, &refusal),
            }
        } else if self.open.contains(id) && self.aside().end_booked(turn, business_day, receipt).is_ok() {
            // Begun before the first sale came here. The answer ends it, and waits for that; what cannot be voided at once stays open.
            payments.basket_left(id, turn.out);
            later = true;
        }
        later |= keys.keep(booked, turn.out);
        for request in self.committing.end(key) {
            let reply = Reply::Committed { receipt: receipt.clone(), repeated: true };
            match later {
                true => turn.out.then(Then::Reply(request, reply)),
                false => turn.out.reply(request, Ok(reply)),
            }
        }
    }

    /// One transaction: the event, the rows that it moves, its names, and the basket's end.
    fn book(
        &mut self,
        turn: &mut Turn<'_>,
        counters: &Counters,
        payments: &mut Payments,
        duty: &OnDuty,
        key: IdempotencyKey,
    ) -> Result<(), Refusal> {
        let Some(commit) = self.committing.get(key).cloned() else { return Ok(()) };
        let (id, config) = (commit.basket, turn.config);
        let Some(basket) = self.open.get(id) else { return Err(Refusal::UnknownBasket(id)) };
        let (day, draws, is_signed) = (basket.day.or(duty.day), basket.draws_at_commit(), basket.is_signed());
        let Booking { transaction, entry } =
            Booking::of((config, duty), (&self.series, payments, turn.ledger.held()), basket, &commit)?;
        if basket.mode == Mode::Live {
            self.open.check_paid_from(counters, &commit.tenders.beside().effects)?;
        }
        let answer = match is_signed {
            true => match self.signing.of_commit(turn.now, config.sign_within, key, &transaction) {
                // It goes on from the first question, so that whatever has happened meanwhile is seen.
                Verdict::Wait => return Ok(()),
                Verdict::Answered(answer) => Some(answer),
            },
            false => None,
        };
        let event = turn.ledger.record(turn.now, config, entry)?;
        if draws {
            self.series.give(turn.out, &transaction);
        }
        if let Some(answer) = answer {
            let said = said(&transaction, answer);
            let recorded = turn.ledger.record(turn.now, config, signed_entry(&said, day));
            // What is signed and has no room is signed again: a signer says of one receipt what it has said before.
            if said.waits() || recorded.is_err() {
                self.signing.later(event, &transaction, turn.now.wall.0, turn.out);
            }
        }
        let Transaction { series, number, total, .. } = transaction;
        let receipt = Receipt { event, basket: id, series, number, total };
        self.open.remove(turn.out, id);
        payments.basket_left(id, turn.out);
        turn.out.then(Then::Committed(key, receipt));
        Ok(())
    }
}

/// The basket that a row is named after.
pub(crate) fn named(key: &[u8]) -> Option<BasketId> {
    key.try_into().ok().map(BasketId)
}
