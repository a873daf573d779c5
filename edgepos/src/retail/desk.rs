//! The desk where a basket is handled, and what stands beside it is recorded: the rooms that work together, lent for one call.

use std::collections::BTreeSet;
use std::time::Duration;

use edgepos_core::{EventId, IdempotencyKey, Now};

use super::catalogue::Catalogue;
use super::counters::Counters;
use super::customer::{Customers, sealing::CustomerKey};
use super::day::Day;
use super::envelope::{Mode, Ref, RefRole};
use super::keys::Keys;
use super::keys::found::Found;
use super::keys::name::Wanted;
use super::parked::{Parked, Purpose};
use super::payment::Payments;
use super::payment::body::Step;
use super::record::{Record, What};
use super::returns::{Read, Returns};
use super::sale::Sales;
use super::sale::body::BasketId;
use super::sale::draft::{Draft, Opening};
use super::sale::fiscal::{SignError, Signature};
use super::sale::receipt::Commit;
use super::sale::signing::{SignatureId, SignatureWanted};
use super::sold::Sold;
use super::unreadable::Unreadable;
use crate::ports::Rows;
use crate::terminal::io::{Reply, RequestId};
use crate::terminal::ledger::Entry;
use crate::terminal::refusal::Refusal;
use crate::terminal::turn::Turn;
use crate::terminal::unit_of_work::Then;

/// The rooms of baskets, and what they look at.
pub(crate) struct Desk<'a> {
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

impl Desk<'_> {
    /// See [`Terminal::begin`](crate::Terminal::begin).
    pub(crate) fn begin(self, turn: &mut Turn<'_>, request: RequestId, draft: Draft) -> Result<(), Refusal> {
        self.open(turn, request, draft, false)
    }

    /// See [`Terminal::update`](crate::Terminal::update).
    pub(crate) fn update(self, turn: &mut Turn<'_>, request: RequestId, draft: Draft) -> Result<(), Refusal> {
        self.sales.check_update(&draft)?;
        self.open(turn, request, draft, true)
    }

    fn open(
        self,
        turn: &mut Turn<'_>,
        request: RequestId,
        draft: Draft,
        updates: bool,
    ) -> Result<(), Refusal> {
        self.catalogue.check_scales(&draft.lines)?;
        let Some(draft) = self.returns.begin(turn, self.keys, request, draft, updates)? else {
            return Ok(());
        };
        let Self { sales, sold, keys, counters, day, .. } = self;
        let opening = Opening { request, draft, allowed: Ok(()), updates };
        let originals = sales.begin(turn, keys, counters, day.selling(), opening)?;
        read_sold(turn, sold, keys, originals);
        Ok(())
    }

    /// Records what is no sale.
    pub(super) fn record(self, turn: &mut Turn<'_>, record: Record) -> Result<EventId, Refusal> {
        let (key, repairs) = (record.key(), record.repairs());
        let keeps = record.keeps().filter(|_| record.mode == Mode::Live).cloned();
        if let Some(key) = &keeps {
            self.customers.check(key.customer())?;
        }
        let base = record.base();
        let (what, mode) = record.into_parts();
        if !what.is_promised() {
            let promised = self.sales.promised().saturating_add(self.payments.promised());
            turn.disk.check(promised, what.needs())?;
        }
        match what {
            What::Payment(step) => self.record_payment(turn, step, key),
            What::Event { kind, lane, body, effects } => {
                if let Some(base) = base {
                    self.catalogue.check_base(kind, &body, base, turn.now.wall.0)?;
                }
                let above = self.catalogue.above(kind, &body, repairs)?;
                let entry =
                    Entry { lane, mode, effects, key, above, ..Entry::new(self.day.open(), kind, body) };
                let id = turn.ledger.record(turn.now, turn.config, entry)?;
                if let Some(key) = keeps {
                    self.customers.keep(&key, turn.out)?;
                }
                Ok(id)
            }
            What::Day(record) => {
                if self.day.parks(&record, mode)? {
                    self.sales.park_all(turn, self.payments, self.day.open())?;
                }
                let open = self.sales.open_baskets();
                self.day.record(turn, self.counters, open, record, key)
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
        self.customers.keep(key, turn.out)?;
        turn.out.then(Then::Reply(request, Reply::Kept));
        Ok(())
    }

    /// Records a step of a payment, of a basket that is open here, or of one that was.
    fn record_payment(
        self,
        turn: &mut Turn<'_>,
        step: Step,
        key: Option<IdempotencyKey>,
    ) -> Result<EventId, Refusal> {
        let (payment, basket, (operator, day)) = match &step {
            Step::Intent(intent) => {
                self.payments.check_intent(intent)?;
                (intent.payment, intent.basket, self.sales.check_payable(intent.basket)?)
            }
            Step::Outcome(outcome) => {
                self.payments.check_outcome(outcome)?;
                (outcome.payment, outcome.basket, self.sales.cashier(outcome.basket))
            }
        };
        let basket = Ref { role: RefRole::BASKET, id: basket.0.to_vec() };
        let payment = Ref { role: RefRole::PAYMENT, id: payment.0.to_vec() };
        let refs = vec![basket, payment];
        let entry =
            Entry { operator, refs, key, ..Entry::new(day.or(self.day.open()), step.kind(), step.body()) };
        turn.ledger.record(turn.now, turn.config, entry)
    }

    /// Which event a receipt is.
    pub(super) fn receipt_named(self, turn: &mut Turn<'_>, wanted: Wanted, found: Result<Found, Unreadable>) {
        let read = self.returns.named(self.keys, self.sales, wanted, found, turn.out);
        self.receipts_read(turn, read);
    }

    /// The event of a receipt was read.
    pub(super) fn receipt_loaded(self, turn: &mut Turn<'_>, wanted: Wanted, fresh: bool, rows: &Rows) {
        let read = self.returns.loaded(self.sales, wanted, fresh, rows);
        self.receipts_read(turn, read);
    }

    /// A return whose receipts are read begins, where they allow it.
    fn receipts_read(self, turn: &mut Turn<'_>, read: Option<Read>) {
        let Some(Read { draft, waiting, allowed, updates }) = read else { return };
        let Self { sales, sold, keys, counters, day, .. } = self;
        for request in waiting {
            let opening = Opening { request, draft: draft.clone(), allowed: allowed.clone(), updates };
            match sales.begin(turn, keys, counters, day.selling(), opening) {
                Ok(originals) => read_sold(turn, sold, keys, originals),
                Err(refusal) => turn.out.reply(request, Err(refusal)),
            }
        }
    }

    /// See [`Terminal::commit`](crate::Terminal::commit).
    pub(crate) fn commit(
        self,
        turn: &mut Turn<'_>,
        request: RequestId,
        commit: Commit,
    ) -> Result<(), Refusal> {
        self.sales.commit(turn, self.keys, request, commit)
    }

    /// See [`Sales::commit_answered`].
    pub(super) fn commit_answered(
        self,
        turn: &mut Turn<'_>,
        key: IdempotencyKey,
        found: Result<Found, Unreadable>,
    ) {
        self.sales.commit_answered(turn, self.keys, self.payments, self.day.open(), key, found);
    }

    /// See [`Terminal::next_to_sign`](crate::Terminal::next_to_sign).
    pub(crate) fn next_to_sign(self, now: Now, within: Duration) -> Option<(SignatureId, SignatureWanted)> {
        self.sales.signing().next(now, within)
    }

    /// A signer has answered.
    pub(crate) fn signed(self, turn: &mut Turn<'_>, id: SignatureId, answer: Result<Signature, SignError>) {
        self.sales.signing().answered(turn, self.keys, self.day.open(), id, answer);
    }

    /// Commits whose signer has not answered in time go on.
    pub(crate) fn sign_later(self, turn: &mut Turn<'_>) {
        self.sales.signing().out_of_time(turn, self.keys);
    }

    /// See [`Terminal::abandon`](crate::Terminal::abandon).
    pub(crate) fn abandon(
        self,
        turn: &mut Turn<'_>,
        request: RequestId,
        basket: BasketId,
    ) -> Result<(), Refusal> {
        if !self.sales.is_open(basket) {
            let limit = turn.config.max_commits;
            return self.parked.ask(limit, request, basket, Purpose::Close, turn.out);
        }
        self.payments.check_no_money(basket)?;
        self.sales.abandon(turn, self.day.open(), request, basket)?;
        self.payments.basket_left(basket, turn.out);
        Ok(())
    }

    /// See [`Terminal::park`](crate::Terminal::park).
    pub(crate) fn park(
        self,
        turn: &mut Turn<'_>,
        request: RequestId,
        basket: BasketId,
    ) -> Result<(), Refusal> {
        self.payments.check_no_money(basket)?;
        if self.sales.park(turn, self.day.open(), request, basket)? {
            self.payments.basket_left(basket, turn.out);
            return Ok(());
        }
        self.parked.ask(turn.config.max_commits, request, basket, Purpose::Park, turn.out)
    }

    /// See [`Terminal::claim`](crate::Terminal::claim).
    pub(crate) fn claim(
        self,
        turn: &mut Turn<'_>,
        request: RequestId,
        basket: BasketId,
    ) -> Result<(), Refusal> {
        if self.sales.reclaim(turn, request, basket) {
            return Ok(());
        }
        self.parked.ask(turn.config.max_commits, request, basket, Purpose::Claim, turn.out)
    }

    /// The rows of a parked basket were read.
    pub(super) fn parked_loaded(self, turn: &mut Turn<'_>, basket: BasketId, rows: &Rows) {
        let Self { sales, parked, sold, keys, counters, day, .. } = self;
        for (request, purpose) in parked.loaded(basket) {
            let done = Parked::free(basket, rows).and_then(|free| match purpose {
                Purpose::Claim => {
                    let recalled = sales.recall(turn, keys, counters, day.selling(), request, free);
                    recalled.map(|originals| read_sold(turn, sold, keys, originals))
                }
                Purpose::Close => sales.close_parked(turn, day.open(), request, &free),
                Purpose::Park => {
                    turn.out.reply(request, Ok(Reply::Parked));
                    Ok(())
                }
            });
            if let Err(refusal) = done {
                turn.out.reply(request, Err(refusal));
            }
        }
    }
}

/// Asks for the sales of receipts of which something shall come back.
fn read_sold(turn: &mut Turn<'_>, sold: &mut Sold, keys: &mut Keys, originals: BTreeSet<BasketId>) {
    for original in originals {
        sold.ask(original, keys, turn.out);
    }
}
