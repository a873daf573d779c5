//! Baskets that end without a sale: put aside for whichever till recalls them, or given up.

use edgepos_core::{Space, Write};
use edgepos_wire::{from_cbor, to_cbor};

use super::answer::parked_entry;
use super::beginning::Beginnings;
use super::body::{BasketId, NumberVoided, Transaction};
use super::commits::Commits;
use super::open::OpenBaskets;
use super::receipt::Receipt;
use super::series::Series;
use crate::retail::envelope::{Envelope, Mode};
use crate::retail::kind::KnownKind;
use crate::retail::payment::Payments;
use crate::terminal::io::{Reply, RequestId};
use crate::terminal::ledger::Entry;
use crate::terminal::refusal::Refusal;
use crate::terminal::turn::Turn;
use crate::terminal::unit_of_work::{Then, UnitOfWork};

/// What ends a basket, lent for one call.
pub(crate) struct Aside<'s> {
    open: &'s mut OpenBaskets,
    series: &'s mut Series,
    beginning: &'s Beginnings,
    committing: &'s Commits,
}

impl<'s> Aside<'s> {
    pub(super) fn new(
        open: &'s mut OpenBaskets,
        series: &'s mut Series,
        beginning: &'s Beginnings,
        committing: &'s Commits,
    ) -> Self {
        Self { open, series, beginning, committing }
    }

    /// Puts an open basket aside: its number is voided, and its contents are on record. `false` where it is not open.
    ///
    /// # Errors
    /// When it is being committed, is a trainee's, or the log does not take it; it is open then.
    pub(crate) fn park(
        &mut self,
        turn: &mut Turn<'_>,
        business_day: Option<u32>,
        request: RequestId,
        id: BasketId,
    ) -> Result<bool, Refusal> {
        self.committing.check_free(id)?;
        match self.open.get(id).map(|basket| basket.mode) {
            None => return Ok(false),
            Some(Mode::Training) => {
                let reason = "a trainee's basket is not parked";
                return Err(Refusal::BadField { field: "basket", reason });
            }
            Some(Mode::Live) => self.put_aside(turn, business_day, id)?,
        }
        turn.out.then(Then::Reply(request, Reply::Parked));
        Ok(true)
    }

    /// Puts every open basket aside, and gives up those of trainees.
    ///
    /// # Errors
    /// When one is being begun or committed, or money was taken for one: none is put aside then. When the log takes no more: those that it
    /// took are.
    pub(crate) fn park_all(
        &mut self,
        turn: &mut Turn<'_>,
        payments: &mut Payments,
        business_day: Option<u32>,
    ) -> Result<(), Refusal> {
        let open: Vec<(BasketId, Mode)> =
            self.open.iter().map(|basket| (basket.transaction.basket, basket.mode)).collect();
        if let Some(basket) = self.beginning.baskets().next() {
            return Err(Refusal::BasketBusy(basket.transaction.basket));
        }
        for (id, _) in &open {
            self.committing.check_free(*id)?;
            payments.check_no_money(*id)?;
        }
        open.into_iter().try_for_each(|(id, mode)| self.park_one(turn, payments, business_day, (id, mode)))
    }

    /// The same with one that was on disk alone.
    ///
    /// # Errors
    /// As above.
    pub(crate) fn park_away(
        &mut self,
        turn: &mut Turn<'_>,
        payments: &mut Payments,
        business_day: Option<u32>,
        id: BasketId,
    ) -> Result<(), Refusal> {
        let Some(mode) = self.open.get(id).map(|basket| basket.mode) else { return Ok(()) };
        self.committing.check_free(id)?;
        payments.check_no_money(id)?;
        self.park_one(turn, payments, business_day, (id, mode))
    }

    fn park_one(
        &mut self,
        turn: &mut Turn<'_>,
        payments: &mut Payments,
        business_day: Option<u32>,
        (id, mode): (BasketId, Mode),
    ) -> Result<(), Refusal> {
        match mode {
            Mode::Live => self.put_aside(turn, business_day, id)?,
            Mode::Training => self.open.remove(turn.out, id),
        }
        payments.basket_left(id, turn.out);
        Ok(())
    }

    /// Voids the number of an open basket, and puts its contents on record.
    fn put_aside(
        &mut self,
        turn: &mut Turn<'_>,
        business_day: Option<u32>,
        id: BasketId,
    ) -> Result<(), Refusal> {
        let Some(mut basket) = self.open.get(id).cloned() else { return Err(Refusal::UnknownBasket(id)) };
        self.void(turn, business_day, id)?;
        let (day, had_number) = (basket.day.or(business_day), basket.has_number());
        basket.transaction.number = 0;
        // Whoever recalls it goes on with a series of its own.
        let common = self.series.common_name(&basket.transaction.series);
        let series = std::mem::replace(&mut basket.transaction.series, common);
        let entry = parked_entry(&basket, day);
        if let Err(refusal) = turn.ledger.record(turn.now, turn.config, entry) {
            // It stays open, under a number of its own: the first is voided.
            basket.transaction.series = series;
            if had_number {
                self.series.give_number(turn.out, &mut basket);
            }
            turn.out.write(Write::put(Space::Basket, id.0, to_cbor(&basket)));
            self.open.is_written(id, turn.out);
            self.open.insert(basket);
            return Err(refusal);
        }
        Ok(())
    }

    /// Gives up an open basket: its number is voided on record.
    ///
    /// # Errors
    /// When the basket is not open or is being committed.
    pub(crate) fn abandon(
        &mut self,
        turn: &mut Turn<'_>,
        business_day: Option<u32>,
        request: RequestId,
        basket: BasketId,
    ) -> Result<(), Refusal> {
        self.committing.check_free(basket)?;
        self.void(turn, business_day, basket)?;
        turn.out.then(Then::Reply(request, Reply::Abandoned));
        Ok(())
    }

    /// Ends an open basket that was booked before, under this receipt. Its number is voided, unless it is the one that was booked: a disk that
    /// was put back has the basket open as it was before that.
    pub(super) fn end_booked(
        &mut self,
        turn: &mut Turn<'_>,
        business_day: Option<u32>,
        receipt: &Receipt,
    ) -> Result<(), Refusal> {
        let is_here = receipt.event.chain.replica.terminal() == turn.config.me.terminal();
        if is_here && self.has_number(receipt.basket, (&receipt.series, receipt.number)) {
            self.open.remove(turn.out, receipt.basket);
            return Ok(());
        }
        self.void(turn, business_day, receipt.basket)
    }

    /// A sale of this `basket` has its place. Where it is this terminal's, as of before its disk was put back, the basket is open no more:
    /// to give it up would void the number of its receipt.
    pub(crate) fn came_back(
        &mut self,
        basket: Option<BasketId>,
        envelope: &Envelope,
        payments: &mut Payments,
        out: &mut UnitOfWork,
    ) {
        let Some(id) = basket.filter(|id| self.open.contains(*id) && payments.is_of_here(envelope)) else {
            return;
        };
        let sale = from_cbor::<Transaction>("transaction", &envelope.body);
        let has_number = sale.is_ok_and(|sale| self.has_number(id, (&sale.series, sale.number)));
        // Whoever pays it now is answered with that sale.
        if has_number && self.committing.check_free(id).is_ok() {
            self.open.remove(out, id);
            payments.basket_left(id, out);
        }
    }

    fn has_number(&self, id: BasketId, (series, number): (&str, u64)) -> bool {
        self.open.get(id).is_some_and(|basket| {
            let Transaction { series: own, number: reserved, .. } = &basket.transaction;
            basket.has_number() && (own.as_str(), *reserved) == (series, number)
        })
    }

    /// Ends an open basket and records that its number, where it has one, is not used.
    pub(super) fn void(
        &mut self,
        turn: &mut Turn<'_>,
        business_day: Option<u32>,
        id: BasketId,
    ) -> Result<(), Refusal> {
        let Some(basket) = self.open.get(id) else { return Err(Refusal::UnknownBasket(id)) };
        if basket.has_number() {
            let Transaction { series, number, .. } = basket.transaction.clone();
            let voided = NumberVoided { series, number, basket: id };
            let day = basket.day.or(business_day);
            let entry = Entry::new(day, KnownKind::NumberVoided, to_cbor(&voided));
            turn.ledger.record(turn.now, turn.config, entry)?;
        }
        self.open.remove(turn.out, id);
        Ok(())
    }
}
