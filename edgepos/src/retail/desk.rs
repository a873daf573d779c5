//! The desk where a basket is handled, and what stands beside it is recorded: the rooms that work together, lent for one call.

use std::collections::BTreeSet;
use std::time::Duration;

use edgepos_core::{EventId, IdempotencyKey, Lane, Now};

use super::calls::{Call, Calls, Closing, NextToPark};
use super::catalogue::Catalogue;
use super::code;
use super::counters::Counters;
use super::counting::Tally;
use super::customer::{Customers, sealing::CustomerKey};
use super::day::Day;
use super::envelope::{Envelope, Mode, Ref, RefRole};
use super::keys::Keys;
use super::keys::booked::{self, Booked};
use super::keys::found::Found;
use super::keys::name::Wanted;
use super::label::{filling::Filling, recorded};
use super::parked::{Parked, Purpose};
use super::payment::Payments;
use super::payment::body::{PaymentOutcome, Step};
use super::record::{Record, What};
use super::recordings::Recordings;
use super::returns::{self, Read, Returns};
use super::sale::body::BasketId;
use super::sale::draft::{Draft, HeldLines, Opening};
use super::sale::fiscal::{SignError, Signature};
use super::sale::receipt::Receipt;
use super::sale::signing::{SignatureId, SignatureWanted};
use super::sale::{self, Sales, answer::close_parked, answer::record_surplus};
use super::sold::Sold;
use super::stored_event::{self, Stored};
use super::unreadable::Unreadable;
use crate::ports::Rows;
use crate::terminal::io::{Reply, RequestId};
use crate::terminal::ledger::Entry;
use crate::terminal::refusal::Refusal;
use crate::terminal::turn::Turn;
use crate::terminal::unit_of_work::{Then, Wants};

/// The rooms of baskets, and what they look at.
pub(crate) struct OnDesk<'a> {
    pub(super) calls: &'a mut Calls,
    pub(super) recordings: &'a mut Recordings,
    pub(super) sales: &'a mut Sales,
    pub(super) returns: &'a mut Returns,
    pub(super) parked: &'a mut Parked,
    pub(super) payments: &'a mut Payments,
    pub(super) sold: &'a mut Sold,
    pub(super) keys: &'a mut Keys,
    pub(super) counters: &'a Counters,
    pub(super) catalogue: &'a Catalogue,
    pub(super) customers: &'a Customers,
    pub(super) day: &'a mut Day,
}

/// A basket is handled with what lies on it, for one call.
pub(crate) struct Desk<'a> {
    on: OnDesk<'a>,
}

impl<'a> Desk<'a> {
    pub(super) fn new(on: OnDesk<'a>) -> Self {
        Self { on }
    }

    /// What somebody asks of a basket, or records. Where that is on disk alone, it goes on once it is read.
    ///
    /// # Errors
    /// See [`Terminal`](crate::Terminal), of each call.
    pub(crate) fn call(
        &mut self,
        turn: &mut Turn<'_>,
        request: RequestId,
        call: Call,
    ) -> Result<(), Refusal> {
        let limit = turn.config.max_commits;
        if let Some(basket) = call.basket()
            && self.on.sales.may_be_away(basket)
        {
            return self.on.calls.wait(limit, basket, (request, call), turn.out);
        }
        match call {
            // Under a key it is found out first whether that has closed a day before.
            Call::Record(record) if record.key().is_none() && self.parks_away(&record)? => {
                self.on.calls.park_first(limit, Closing::Asked(request, *record), turn.out)
            }
            call => self.answer(turn, request, call),
        }
    }

    /// The same of a basket that is in memory, or not open.
    fn answer(&mut self, turn: &mut Turn<'_>, request: RequestId, call: Call) -> Result<(), Refusal> {
        match call {
            Call::Begin(draft) => self.open(turn, request, draft, false),
            Call::Update(draft) => {
                self.on.sales.check_update(&draft)?;
                self.open(turn, request, draft, true)
            }
            Call::Commit(commit) => self.on.sales.commit(turn, self.on.keys, request, commit),
            Call::Abandon(basket) => self.abandon(turn, request, basket),
            Call::Park(basket) => self.park(turn, request, basket),
            Call::Claim(basket) => self.claim(turn, request, basket),
            Call::Record(record) => self.take_record(turn, request, *record),
        }
    }

    /// Whether baskets on disk alone are to be parked before this is recorded.
    fn parks_away(&self, record: &Record) -> Result<bool, Refusal> {
        match record.what() {
            What::Day(day) => Ok(self.on.sales.away() > 0 && self.on.day.parks(day, record.mode)?),
            What::Event { .. } | What::Count(_) | What::Cash(_) | What::Shift(_) | What::Payment(_) => {
                Ok(false)
            }
        }
    }

    /// A basket that was on disk alone was read.
    pub(super) fn basket_read(
        &mut self,
        turn: &Turn<'_>,
        basket: BasketId,
        rows: &Rows,
    ) -> Result<(), Refusal> {
        let row = rows.first().map(|(_, row)| row.as_slice());
        // One that is parked at once takes no room: who left for it would be on the pages that were read.
        let limit = if self.on.calls.parks(basket) { usize::MAX } else { turn.config.max_open_baskets };
        let read = self.on.sales.bring_back(limit, row);
        read.map_err(|reason| Refusal::Damaged { what: "the basket", reason })
    }

    /// Of the calls that wait for a basket which was `read` the first one goes on. Whether there are others, which find what that one has
    /// recorded: the caller interprets it in between.
    pub(super) fn goes_on(
        &mut self,
        turn: &mut Turn<'_>,
        basket: BasketId,
        read: &Result<(), Refusal>,
    ) -> bool {
        let Some((request, call)) = self.on.calls.next_of(basket) else { return false };
        // What a payment terminal has said is taken whatever became of the basket.
        let known = if matches!(call, Call::Record(_)) { Ok(()) } else { read.clone() };
        if let Err(refusal) = known.and_then(|()| self.answer(turn, request, call)) {
            turn.out.reply(request, Err(refusal));
        }
        self.on.calls.wait_for(basket)
    }

    /// Parks a basket that was read for that.
    pub(super) fn park_read(&mut self, turn: &mut Turn<'_>, basket: BasketId, read: Result<(), Refusal>) {
        if !self.on.calls.parked(basket) {
            return;
        }
        let (payments, day) = (&mut *self.on.payments, self.on.day.open());
        match read.and_then(|()| self.on.sales.aside().park_away(turn, payments, day, basket)) {
            Ok(()) => self.on.calls.next_page(turn.out),
            Err(refusal) => {
                for close in self.on.calls.end_parking() {
                    self.refuse_close(turn, &close, &refusal);
                }
            }
        }
    }

    /// A page of open baskets was read, to park those that are on disk alone: after the last, the day is closed.
    pub(super) fn away_loaded(&mut self, turn: &mut Turn<'_>, rows: &Rows) {
        let names: Vec<BasketId> = rows.iter().filter_map(|(key, _)| sale::named(key)).collect();
        let sales = &self.on.sales;
        if let NextToPark::Close(closes) = self.on.calls.page(&names, |id| sales.may_be_away(id), turn.out) {
            for close in closes {
                match close {
                    Closing::Asked(request, record) => {
                        if let Err(refusal) = self.take_record(turn, request, record) {
                            turn.out.reply(request, Err(refusal));
                        }
                    }
                    // What came meanwhile may have booked the key.
                    Closing::Keyed(key, record) => {
                        self.on.recordings.ask_again(turn, self.on.keys, key, record);
                    }
                }
            }
        }
    }

    fn refuse_close(&mut self, turn: &mut Turn<'_>, close: &Closing, refusal: &Refusal) {
        match close {
            Closing::Asked(request, _) => turn.out.reply(*request, Err(refusal.clone())),
            Closing::Keyed(key, _) => self.on.recordings.refuse(turn.out, *key, refusal),
        }
    }

    /// Who was booked under the key of a record: it is recorded where nobody was, once what a close parks is parked.
    pub(super) fn record_answered(
        &mut self,
        turn: &mut Turn<'_>,
        key: IdempotencyKey,
        found: Result<Found, Unreadable>,
    ) {
        let Some(record) = self.on.recordings.answered(turn.out, self.on.keys, key, found) else { return };
        let done = match self.parks_away(&record) {
            Ok(true) => {
                let limit = turn.config.max_commits;
                self.on.calls.park_first(limit, Closing::Keyed(key, record), turn.out)
            }
            Ok(false) => self.record(turn, record).map(|id| turn.out.then(Then::Recorded(key, id))),
            Err(refusal) => Err(refusal),
        };
        if let Err(refusal) = done {
            self.on.recordings.refuse(turn.out, key, &refusal);
        }
    }

    /// See [`Terminal::ask_baskets`](crate::Terminal::ask_baskets).
    pub(crate) fn ask_unresolved(
        &mut self,
        turn: &mut Turn<'_>,
        request: RequestId,
        after: Option<BasketId>,
    ) -> Result<(), Refusal> {
        self.on.calls.list(turn.config.max_commits, request, after, turn.out)
    }

    /// A page of open baskets was read, for whoever asked.
    pub(super) fn unresolved_loaded(&mut self, turn: &mut Turn<'_>, request: RequestId, rows: &Rows) {
        self.on.calls.listed(request);
        let page = self.on.sales.listed(turn.config.me.terminal(), rows);
        let page = page.map(|(baskets, next)| Reply::Unresolved { baskets, next });
        turn.out.reply(request, page.map_err(|reason| Refusal::Damaged { what: "an open basket", reason }));
    }

    /// See [`Terminal::record`](crate::Terminal::record).
    fn take_record(
        &mut self,
        turn: &mut Turn<'_>,
        request: RequestId,
        record: Record,
    ) -> Result<(), Refusal> {
        if let Some(refusal) = record.refused() {
            return Err(refusal.clone());
        }
        record.check_magnitudes()?;
        if let What::Event { lane: Lane::Telemetry, effects, .. } = record.what()
            && !effects.is_empty()
        {
            return Err(Refusal::EffectsInTelemetry);
        }
        if let Some(key) = record.key() {
            return self.on.recordings.ask(turn, self.on.keys, request, key, record);
        }
        let id = self.record(turn, record)?;
        turn.out.then(Then::Reply(request, Reply::Recorded(id)));
        Ok(())
    }

    fn open(
        &mut self,
        turn: &mut Turn<'_>,
        request: RequestId,
        draft: Draft,
        updates: bool,
    ) -> Result<(), Refusal> {
        let basket = draft.basket;
        let Some(mut draft) = self.on.returns.begin(turn, self.on.keys, request, draft, updates)? else {
            // What is known of the basket by then is what is known of it here.
            self.on.sales.baskets().hold(basket);
            return Ok(());
        };
        let OnDesk { sales, sold, keys, counters, catalogue, day, .. } = &mut self.on;
        let filling = filling(turn, (catalogue, counters, sales), basket);
        // What was booked, and what is open, is answered whatever is said of the draft by now.
        let allowed = returns::judge(&mut draft, &filling, turn.config.unreferenced_returns);
        let opening = Opening { request, draft, allowed, held: HeldLines::new(), updates };
        let knows_better = opening.knows_better();
        let originals = sales.begin(turn, keys, counters, day.selling(), opening)?;
        knows_better.into_iter().for_each(|name| keys.told().disbelieve(name));
        read_sold(turn, sold, keys, originals);
        Ok(())
    }

    /// Records what is no sale.
    pub(super) fn record(&mut self, turn: &mut Turn<'_>, record: Record) -> Result<EventId, Refusal> {
        let (key, repairs) = (record.key(), record.repairs());
        let keeps = record.keeps().filter(|_| record.mode == Mode::Live).cloned();
        if let Some(key) = &keeps {
            self.on.customers.check(key.customer())?;
        }
        let base = record.base();
        let (what, mode) = record.into_parts();
        // At any place: what is in the store room may go to the shelf.
        let is_there = |product: &str| {
            self.on.catalogue.product(product).is_some()
                || !self.on.counters.stock(&code::key(product)).is_empty()
        };
        recorded::check(&turn.config.labels, &what, turn.now.wall.0, is_there)?;
        // What this disk has no intent of, nobody has promised room.
        let lacks_intent = |outcome: &PaymentOutcome| !self.on.payments.knows(outcome.payment);
        let is_new = matches!(&what, What::Payment(Step::Outcome(outcome)) if lacks_intent(outcome));
        if is_new || !what.is_promised() {
            let promised = self.on.sales.promised().saturating_add(self.on.payments.promised());
            turn.disk.check(promised, what.needs())?;
        }
        match what {
            What::Payment(step) => self.record_payment(turn, step, key),
            What::Event { kind, lane, body, effects } => {
                if let Some(base) = base {
                    self.on.catalogue.check_base(kind, &body, base, turn.now.wall.0)?;
                }
                self.on.catalogue.check(kind, &body, turn.now.wall.0)?;
                let above = self.on.catalogue.above(kind, &body, repairs)?;
                let entry =
                    Entry { lane, mode, effects, key, above, ..Entry::new(self.on.day.open(), kind, body) };
                let id = turn.ledger.record(turn.now, turn.config, entry)?;
                if let Some(key) = keeps {
                    self.on.customers.keep(&key, turn.out)?;
                }
                Ok(id)
            }
            What::Count(record) => {
                Tally::record(turn, self.on.counters, self.on.day.open(), record, (mode, key))
            }
            What::Cash(record) => self.on.day.move_cash(turn, record, mode, key),
            What::Shift(record) => self.on.day.shift(turn, self.on.counters, record, (mode, key)),
            What::Day(record) => {
                if self.on.day.parks(&record, mode)? {
                    self.on.sales.aside().park_all(turn, self.on.payments, self.on.day.open())?;
                }
                let open = self.on.sales.open_baskets();
                self.on.day.record(turn, self.on.counters, open, record, key)
            }
        }
    }

    /// See [`Terminal::keep_key`](crate::Terminal::keep_key).
    pub(crate) fn keep_key(
        self,
        turn: &mut Turn<'_>,
        request: RequestId,
        key: &CustomerKey,
    ) -> Result<(), Refusal> {
        self.on.customers.keep(key, turn.out)?;
        turn.out.then(Then::Reply(request, Reply::Kept));
        Ok(())
    }

    /// Records a step of a payment, of a basket that is open here, or of one that was.
    fn record_payment(
        &mut self,
        turn: &mut Turn<'_>,
        step: Step,
        key: Option<IdempotencyKey>,
    ) -> Result<EventId, Refusal> {
        let (payment, basket, (operator, day)) = match &step {
            Step::Intent(intent) => {
                self.on.payments.check_intent(intent)?;
                (intent.payment, intent.basket, self.on.sales.check_payable(intent.basket)?)
            }
            Step::Outcome(outcome) => {
                self.on.payments.check_outcome(outcome)?;
                (outcome.payment, outcome.basket, self.on.sales.cashier(outcome.basket))
            }
        };
        let basket = Ref { role: RefRole::BASKET, id: basket.0.to_vec() };
        let payment = Ref { role: RefRole::PAYMENT, id: payment.0.to_vec() };
        let refs = vec![basket, payment];
        let entry =
            Entry { operator, refs, key, ..Entry::new(day.or(self.on.day.open()), step.kind(), step.body()) };
        turn.ledger.record(turn.now, turn.config, entry)
    }

    /// Who has booked a basket that something was taken for here: it was taken beside that. A sale of this terminal is read first: where the
    /// disk was put back, or the box is another, it may be the one that the money is for.
    pub(super) fn paid_beside(&mut self, turn: &mut Turn<'_>, found: &Result<Found, Unreadable>) {
        let Ok(found) = found else { return };
        let is_here = |event: &EventId| event.chain.replica.terminal() == turn.config.me.terminal();
        let Some(booked::What::Sale(receipt)) = found.first_of_basket().map(|booked| &booked.what) else {
            return;
        };
        match found.events_of_basket().find(is_here) {
            Some(sale) => stored_event::ask(sale, Wants::PaidBy(Box::new(receipt.clone()), sale), turn.out),
            None => self.taken_beside(turn, receipt),
        }
    }

    /// The sale here of a basket that was paid here was read.
    pub(super) fn paid_by_read(&mut self, turn: &mut Turn<'_>, first: &Receipt, event: EventId, rows: &Rows) {
        let read = match stored_event::found(turn, event, rows) {
            Stored::Whole(record, _) => Envelope::decode(&record.payload).ok(),
            Stored::Missing | Stored::Damaged => None,
        };
        let sale = read.and_then(|envelope| Some((Booked::of(event, &envelope)?.what, envelope)));
        if let Some((booked::What::Sale(receipt), envelope)) = sale {
            self.on.payments.named(&envelope, turn.out);
            self.taken_beside(turn, &receipt);
        } else if turn.ledger.durable().get(event.chain) < event.seq {
            // It is not on the disk yet: what is durable next asks again.
            self.on.payments.ask_again(first.basket);
        } else if !self.on.payments.lacks_intents(first.basket) {
            // What it says cannot be read, and what was asked for here was not in it when it was booked.
            self.taken_beside(turn, first);
        }
    }

    fn taken_beside(&mut self, turn: &mut Turn<'_>, sale: &Receipt) {
        self.on.payments.found_beside(sale.basket);
        let (day, cashier) = (self.on.day.open(), self.on.sales.cashier(sale.basket));
        if record_surplus(turn, self.on.payments, cashier, day, sale).is_err() {
            // The log takes nothing now: what comes next asks again.
            self.on.payments.ask_again(sale.basket);
        }
    }

    /// Which event a receipt is.
    pub(super) fn receipt_named(
        &mut self,
        turn: &mut Turn<'_>,
        wanted: Wanted,
        found: Result<Found, Unreadable>,
    ) {
        let OnDesk { sales, returns, keys, counters, catalogue, .. } = &mut self.on;
        let filling = filling(turn, (catalogue, counters, sales), wanted.by);
        let read = returns.named(keys, (sales, &filling), wanted, found, turn.out);
        self.receipts_read(turn, read);
    }

    /// The event of a receipt was read.
    pub(super) fn receipt_loaded(&mut self, turn: &mut Turn<'_>, wanted: (Wanted, bool), stored: &Stored) {
        let OnDesk { sales, returns, counters, catalogue, .. } = &mut self.on;
        let filling = filling(turn, (catalogue, counters, sales), wanted.0.by);
        let read = returns.loaded((sales, &filling), wanted, stored);
        self.receipts_read(turn, read);
    }

    /// A return whose receipts are read begins, where they allow it.
    fn receipts_read(&mut self, turn: &mut Turn<'_>, read: Option<Read>) {
        let Some(Read { draft, waiting, allowed, held, updates }) = read else { return };
        let OnDesk { sales, sold, keys, counters, day, .. } = &mut self.on;
        for request in waiting {
            sales.baskets().let_go(draft.basket);
            let opening = Opening {
                request,
                draft: draft.clone(),
                allowed: allowed.clone(),
                held: held.clone(),
                updates,
            };
            let knows_better = opening.knows_better();
            match sales.begin(turn, keys, counters, day.selling(), opening) {
                Ok(originals) => {
                    knows_better.into_iter().for_each(|name| keys.told().disbelieve(name));
                    read_sold(turn, sold, keys, originals);
                }
                Err(refusal) => turn.out.reply(request, Err(refusal)),
            }
        }
    }

    /// See [`Sales::commit_answered`].
    pub(super) fn commit_answered(
        &mut self,
        turn: &mut Turn<'_>,
        key: IdempotencyKey,
        found: Result<Found, Unreadable>,
    ) {
        let duty = self.on.day.on_duty(self.on.sales.paying(key).as_deref());
        let OnDesk { sales, keys, counters, payments, .. } = &mut self.on;
        sales.commit_answered(turn, (keys, counters), payments, &duty, key, found);
    }

    /// See [`Terminal::next_to_sign`](crate::Terminal::next_to_sign).
    pub(crate) fn next_to_sign(
        &mut self,
        now: Now,
        within: Duration,
    ) -> Option<(SignatureId, SignatureWanted)> {
        self.on.sales.signing().next(now, within)
    }

    /// A signer has answered.
    pub(crate) fn signed(
        &mut self,
        turn: &mut Turn<'_>,
        id: SignatureId,
        answer: Result<Signature, SignError>,
    ) {
        self.on.sales.signing().answered(turn, self.on.keys, self.on.day.open(), id, answer);
    }

    /// Commits whose signer has not answered in time go on.
    pub(crate) fn sign_later(&mut self, turn: &mut Turn<'_>) {
        self.on.sales.signing().out_of_time(turn, self.on.keys);
    }

    fn abandon(&mut self, turn: &mut Turn<'_>, request: RequestId, basket: BasketId) -> Result<(), Refusal> {
        if !self.on.sales.is_open(basket) {
            let limit = turn.config.max_commits;
            return self.on.parked.ask(limit, request, basket, Purpose::Close, turn.out);
        }
        self.on.payments.check_no_money(basket)?;
        self.on.sales.aside().abandon(turn, self.on.day.open(), request, basket)?;
        self.on.payments.basket_left(basket, turn.out);
        Ok(())
    }

    fn park(&mut self, turn: &mut Turn<'_>, request: RequestId, basket: BasketId) -> Result<(), Refusal> {
        self.on.payments.check_no_money(basket)?;
        if self.on.sales.aside().park(turn, self.on.day.open(), request, basket)? {
            self.on.payments.basket_left(basket, turn.out);
            return Ok(());
        }
        self.on.parked.ask(turn.config.max_commits, request, basket, Purpose::Park, turn.out)
    }

    fn claim(&mut self, turn: &mut Turn<'_>, request: RequestId, basket: BasketId) -> Result<(), Refusal> {
        if self.on.sales.reclaim(turn, request, basket) {
            return Ok(());
        }
        self.on.parked.ask(turn.config.max_commits, request, basket, Purpose::Claim, turn.out)
    }

    /// The rows were read of a basket that shall begin, and may be parked.
    pub(super) fn parkings_read(&mut self, turn: &mut Turn<'_>, basket: BasketId, rows: &Rows) {
        let OnDesk { sales, parked, keys, counters, .. } = &mut self.on;
        let may_begin = parked.may_begin(basket, rows, turn.config.me.terminal());
        sales.parkings_read(turn, (keys, counters), basket, may_begin);
    }

    /// The rows of a parked basket were read: the same of the calls that wait for them.
    pub(super) fn parked_goes_on(&mut self, turn: &mut Turn<'_>, basket: BasketId, rows: &Rows) -> bool {
        let OnDesk { sales, parked, sold, keys, counters, day, .. } = &mut self.on;
        let me = turn.config.me.terminal();
        let Some((request, purpose)) = parked.next_of(basket) else { return false };
        let done = match purpose {
            // Somebody who asked before has opened it while the rows were read.
            Purpose::Claim if sales.reclaim(turn, request, basket) => Ok(()),
            Purpose::Close | Purpose::Park if sales.is_open(basket) => Err(Refusal::BasketBusy(basket)),
            Purpose::Claim => parked.free_here(basket, rows, me).and_then(|free| {
                let recalled = sales.recall(turn, keys, counters, day.selling(), request, free);
                recalled.map(|originals| read_sold(turn, sold, keys, originals))
            }),
            Purpose::Close => parked
                .free_here(basket, rows, me)
                .and_then(|free| close_parked(turn, day.open(), request, &free)),
            Purpose::Park => {
                parked.free_here(basket, rows, me).map(|_| turn.out.reply(request, Ok(Reply::Parked)))
            }
        };
        if let Err(refusal) = done {
            turn.out.reply(request, Err(refusal));
        }
        parked.wait_for(basket)
    }
}

/// What the labels of a basket are read against.
fn filling<'a>(
    turn: &Turn<'a>,
    (catalogue, counters, sales): (&'a Catalogue, &'a Counters, &'a Sales),
    basket: BasketId,
) -> Filling<'a> {
    let (open, open_as_said) = sales.lines(basket);
    let (labels, now_ms) = (&turn.config.labels, turn.now.wall.0);
    Filling { labels, catalogue, counters, open, open_as_said, now_ms }
}

/// Asks for the sales of receipts of which something shall come back.
fn read_sold(turn: &mut Turn<'_>, sold: &mut Sold, keys: &mut Keys, originals: BTreeSet<BasketId>) {
    for original in originals {
        sold.ask(original, keys, turn.out);
    }
}
