//! Payments of this terminal between the question to a payment terminal and the sale that they belong to.
//!
//! A payment is a row from its intent on. It goes with the sale that names it, or with an outcome that says that no money is left to be
//! accounted for. So after a crash each row is money of which somebody must say what became of it.

pub(crate) mod body;
pub(crate) mod name;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use edgepos_core::{EventId, Space, Write};
use edgepos_wire::{DecodeError, from_cbor, to_cbor};
use minicbor::{Decode, Encode};

use self::body::{PaymentIntent, PaymentOutcome, PaymentState, Step};
use self::name::PaymentId;
use super::envelope::{Envelope, RefRole};
use super::keys::{Keys, lookup::Question};
use super::money::MAX_MAGNITUDE;
use super::record::{Record, What};
use super::sale::body::{BasketId, Tender, TenderType};
use super::sale::tenders::TendersError;
use super::unreadable::Unreadable;
use crate::terminal::disk;
use crate::terminal::refusal::Refusal;
use crate::terminal::unit_of_work::UnitOfWork;

/// Payments that may be unsettled at once.
const MAX_UNSETTLED: usize = 4_096;
/// Payments that are accounted for, whose names are remembered: a till that says once more what it said is not taken for more money.
const MAX_REMEMBERED: usize = 1_024;
/// Bytes of an outcome, at most.
const OUTCOME_BYTES: usize = 512;

/// A payment that is not settled: nobody knows what became of it, or money was taken that no sale has.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct OpenPayment {
    /// The till's name for it.
    pub payment: PaymentId,
    /// The basket that was to be paid, open or not.
    pub basket: BasketId,
    /// By what means; [`TenderType::OTHER`] where this disk has its outcome alone.
    pub tender: TenderType,
    /// How much was asked for, in minor units; what was taken where this disk has its outcome alone.
    pub amount: i64,
    /// How far it has come: `None` where its outcome is not known.
    pub state: Option<PaymentState>,
    /// How much was taken, in minor units; 0 where nothing is known to be.
    pub taken: i64,
    /// When it was intended, by this terminal's wall clock, milliseconds since 1970 UTC.
    pub since_ms: u64,
    /// Who was signed in.
    pub operator: Option<String>,
    /// The number of this terminal.
    pub terminal: u16,
}

/// A row of [`Space::Payment`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
struct Row {
    #[n(0)]
    intent: PaymentIntent,
    #[n(1)]
    since_ms: u64,
    #[n(2)]
    operator: Option<String>,
    #[n(3)]
    state: Option<PaymentState>,
    #[n(4)]
    taken: Option<i64>,
    /// Whether its basket is not open any more.
    #[n(5)]
    left: Option<bool>,
    /// Whether its intent is not on this disk: what is known is what its outcome says.
    #[n(6)]
    lacks_intent: Option<bool>,
}

impl Row {
    /// Money was taken, and this disk does not have the question: it was put back, or is another box's.
    fn of_outcome(outcome: &PaymentOutcome, envelope: &Envelope) -> Self {
        let PaymentOutcome { payment, basket, state, amount, .. } = *outcome;
        Self {
            intent: PaymentIntent { payment, basket, tender: TenderType::OTHER, amount },
            since_ms: envelope.utc_ms,
            operator: envelope.operator.clone(),
            state: Some(state),
            taken: Some(amount),
            left: None,
            lacks_intent: Some(true),
        }
    }

    /// Whether money was taken that no sale has.
    fn has_money(&self) -> bool {
        matches!(self.state, Some(PaymentState::APPROVED | PaymentState::SURPLUS))
    }

    /// Whether money was taken, and nobody has said that it is a surplus, for a basket that is not open any more, or that this disk does
    /// not know to be paid so: another sale may have it.
    fn may_be_beside(&self) -> bool {
        let is_alone = self.left == Some(true) || self.lacks_intent == Some(true);
        is_alone && self.state == Some(PaymentState::APPROVED)
    }

    /// Whether somebody has said that no money is left of it. What was declined may be approved yet.
    fn is_accounted_for(&self) -> bool {
        matches!(self.state, Some(PaymentState::REVERSED | PaymentState::SETTLED))
    }

    /// Whether somebody must still say what became of it. A state of a later version may be either.
    fn is_unsettled(&self) -> bool {
        !matches!(self.state, Some(PaymentState::DECLINED | PaymentState::REVERSED | PaymentState::SETTLED))
    }
}

/// Whether an outcome says that money was taken, or given back.
fn is_money(outcome: &PaymentOutcome) -> bool {
    outcome.state == PaymentState::APPROVED && outcome.amount != 0
}

/// What an event says of a payment.
#[derive(Debug)]
pub(crate) enum Change {
    Intended(PaymentIntent),
    Outcome(PaymentOutcome),
}

/// The payments of this terminal that no sale has yet.
#[derive(Debug, Default)]
pub(crate) struct Payments {
    terminal: u16,
    rows: BTreeMap<PaymentId, Row>,
    /// Baskets that are not open here and were paid here: who has booked them is to be asked.
    unasked: BTreeSet<BasketId>,
    /// New rows, of which nobody has looked whether their basket is open: an event may have come back after it left.
    loose: BTreeSet<PaymentId>,
    /// What sales have, and what was given back or settled, the newest last.
    accounted: VecDeque<PaymentId>,
}

impl Payments {
    /// A row of [`Space::Payment`] as it is on disk.
    pub(crate) fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let name = key.try_into().map_err(|_| Unreadable::NoName { what: "a payment" })?;
        self.rows.insert(PaymentId(name), from_cbor("payment row", value)?);
        Ok(())
    }

    /// Every row is restored. Whose payments these are; what is settled of baskets that are not open goes.
    pub(crate) fn start(
        &mut self,
        terminal: u16,
        is_open: impl Fn(BasketId) -> bool,
        keys: &mut Keys,
        out: &mut UnitOfWork,
    ) {
        self.terminal = terminal;
        let settled = self.rows.iter().filter(|(_, row)| !row.is_unsettled() && !is_open(row.intent.basket));
        let settled: Vec<PaymentId> = settled.map(|(payment, _)| *payment).collect();
        settled.into_iter().for_each(|payment| self.settle(payment, out));
        // A box that took the place of another has its payments from events, which do not say that their basket is open no more.
        for row in self.rows.values_mut().filter(|row| row.left.is_none() && !is_open(row.intent.basket)) {
            row.left = Some(true);
        }
        let left = self.rows.values().filter(|row| row.may_be_beside());
        self.unasked = left.map(|row| row.intent.basket).collect();
        self.look(None, is_open, keys, out);
    }

    /// Reads an intent without doing anything.
    pub(crate) fn read_intent(envelope: &Envelope) -> Result<Change, DecodeError> {
        from_cbor("payment intent", &envelope.body).map(Change::Intended)
    }

    /// Reads an outcome without doing anything.
    pub(crate) fn read_outcome(envelope: &Envelope) -> Result<Change, DecodeError> {
        from_cbor("payment outcome", &envelope.body).map(Change::Outcome)
    }

    /// A step of a payment has its place. Those of other terminals are theirs to settle, and what is written again has happened before.
    pub(crate) fn apply(&mut self, envelope: &Envelope, change: Change, out: &mut UnitOfWork) {
        if !self.is_own(envelope) {
            return;
        }
        match change {
            Change::Intended(intent) => {
                let (payment, since_ms) = (intent.payment, envelope.utc_ms);
                // An event that was damaged may be mended after the sale.
                if self.accounted.contains(&payment) {
                    return;
                }
                let operator = envelope.operator.clone();
                let row = Row {
                    intent,
                    since_ms,
                    operator,
                    state: None,
                    taken: None,
                    left: None,
                    lacks_intent: None,
                };
                let known = self.rows.entry(payment).or_insert_with(|| row.clone());
                if known.lacks_intent.take() == Some(true) {
                    (known.intent, known.since_ms) = (row.intent, since_ms);
                }
                self.loose.insert(payment);
                self.write(payment, out);
            }
            Change::Outcome(outcome) => {
                let Some(row) = self.rows.get_mut(&outcome.payment) else {
                    // An event that was damaged may be mended after what ended its payment.
                    if is_money(&outcome) && !self.accounted.contains(&outcome.payment) {
                        self.rows.insert(outcome.payment, Row::of_outcome(&outcome, envelope));
                        self.loose.insert(outcome.payment);
                        self.write(outcome.payment, out);
                    }
                    return;
                };
                // The till says once more what a surplus was found of.
                let is_known =
                    row.state == Some(PaymentState::SURPLUS) && outcome.state == PaymentState::APPROVED;
                row.state = if is_known { row.state } else { Some(outcome.state) };
                row.taken = Some(outcome.amount);
                self.unasked.extend(row.may_be_beside().then_some(outcome.basket));
                if row.left == Some(true) && !row.is_unsettled() {
                    self.settle(outcome.payment, out);
                } else {
                    self.write(outcome.payment, out);
                }
            }
        }
    }

    /// The basket that was paid twice, where an outcome says so, with the sale and this event, by rising id.
    pub(crate) fn paid_twice(id: EventId, change: &Change) -> Option<(BasketId, [EventId; 2])> {
        let Change::Outcome(outcome) = change else { return None };
        let first = outcome.beside()?;
        Some((outcome.basket, [first.min(id), first.max(id)]))
    }

    /// An event is applied, which may have `booked` a basket, by whichever terminal: asks who has booked what was paid here and is in no
    /// sale of this terminal. That was taken beside the other sale.
    pub(crate) fn look(
        &mut self,
        booked: Option<BasketId>,
        is_open: impl Fn(BasketId) -> bool,
        keys: &mut Keys,
        out: &mut UnitOfWork,
    ) {
        while let Some(payment) = self.loose.pop_first() {
            let Some(row) = self.rows.get_mut(&payment) else { continue };
            self.unasked.extend(row.may_be_beside().then_some(row.intent.basket));
            if row.left.is_none() && !is_open(row.intent.basket) {
                row.left = Some(true);
                self.write(payment, out);
            }
        }
        let is_paid_here = |basket: &BasketId| self.of(*basket).any(|(_, row)| row.may_be_beside());
        let booked = booked.filter(is_paid_here);
        self.unasked.extend(booked);
        while let Some(basket) = self.unasked.pop_first() {
            keys.ask(Question::Beside(basket), None, Some(basket), out);
        }
    }

    /// What was to be asked of a basket could not be said.
    pub(crate) fn ask_again(&mut self, basket: BasketId) {
        self.unasked.insert(basket);
    }

    /// A sale has its place: the payments that it names are accounted for.
    pub(crate) fn sold(&mut self, envelope: &Envelope, out: &mut UnitOfWork) {
        if self.is_own(envelope) {
            self.named(envelope, out);
        }
    }

    /// A sale of this terminal names its payments, also one that is written again.
    pub(crate) fn named(&mut self, envelope: &Envelope, out: &mut UnitOfWork) {
        for link in envelope.refs.iter().filter(|link| link.role == RefRole::PAYMENT) {
            if let Ok(name) = link.id.as_slice().try_into() {
                self.account_for(PaymentId(name));
                self.remove(PaymentId(name), out);
            }
        }
    }

    fn is_own(&self, envelope: &Envelope) -> bool {
        self.is_of_here(envelope) && envelope.reissue_of().is_none()
    }

    /// Whether this terminal has recorded an event, under whichever name.
    pub(crate) fn is_of_here(&self, envelope: &Envelope) -> bool {
        envelope.workstation == self.terminal
    }

    /// Refuses an intent that cannot be told from another, or one too many.
    pub(crate) fn check_intent(&self, intent: &PaymentIntent) -> Result<(), Refusal> {
        if intent.amount.unsigned_abs() > MAX_MAGNITUDE {
            return Err(Refusal::Overflow);
        }
        if self.rows.contains_key(&intent.payment) {
            return Err(Refusal::PaymentExists(intent.payment));
        }
        let limit = MAX_UNSETTLED;
        if self.rows.len() >= limit {
            return Err(Refusal::Full { what: "payments that are not settled", limit });
        }
        Ok(())
    }

    /// Refuses an outcome of what nobody intended, unless money was taken: the disk may have been put back since.
    pub(crate) fn check_outcome(&self, outcome: &PaymentOutcome) -> Result<(), Refusal> {
        if outcome.amount.unsigned_abs() > MAX_MAGNITUDE {
            return Err(Refusal::Overflow);
        }
        let row = self.rows.get(&outcome.payment);
        let state = row.and_then(|row| row.state);
        if outcome.state == PaymentState::SURPLUS && row.is_some() && state != Some(PaymentState::SURPLUS) {
            let reason = "that a payment is a surplus is found out by the terminal";
            return Err(Refusal::BadField { field: "state", reason });
        }
        match row {
            Some(row) if row.intent.basket == outcome.basket => Ok(()),
            None if is_money(outcome) && !self.accounted.contains(&outcome.payment) => {
                let limit = MAX_UNSETTLED;
                let full = Refusal::Full { what: "payments that are not settled", limit };
                if self.rows.len() < limit { Ok(()) } else { Err(full) }
            }
            _ => Err(Refusal::UnknownPayment(outcome.payment)),
        }
    }

    /// What was taken for a basket, and has a row still, is in no sale of this terminal.
    pub(crate) fn found_beside(&mut self, basket: BasketId) {
        let of_basket = self.rows.values_mut().filter(|row| row.intent.basket == basket);
        of_basket.for_each(|row| row.lacks_intent = None);
    }

    /// Whether something was taken for a basket of which this disk has the outcome alone.
    pub(crate) fn lacks_intents(&self, basket: BasketId) -> bool {
        self.of(basket).any(|(_, row)| row.lacks_intent == Some(true))
    }

    /// Whether a payment has a row, and so its outcome a place on the disk.
    pub(crate) fn knows(&self, payment: PaymentId) -> bool {
        self.rows.contains_key(&payment)
    }

    /// Nothing is left to be said of a payment.
    fn settle(&mut self, payment: PaymentId, out: &mut UnitOfWork) {
        if self.rows.get(&payment).is_some_and(Row::is_accounted_for) {
            self.account_for(payment);
        }
        self.remove(payment, out);
    }

    fn account_for(&mut self, payment: PaymentId) {
        if self.accounted.contains(&payment) {
            return;
        }
        if self.accounted.len() == MAX_REMEMBERED {
            self.accounted.pop_front();
        }
        self.accounted.push_back(payment);
    }

    /// The money among `tenders` that payment terminals have approved for this basket. All that they have must be there, and nothing that
    /// they have not.
    ///
    /// # Errors
    /// When the payments of the call contradict what is on record.
    pub(crate) fn approved(&self, basket: BasketId, tenders: &[Tender]) -> Result<i64, TendersError> {
        let mut approved = 0i64;
        for (place, tender) in tenders.iter().enumerate() {
            let Some(payment) = tender.payment() else { continue };
            let row = self.rows.get(&payment).filter(|row| row.intent.basket == basket);
            let is_first = tenders[..place].iter().all(|other| other.payment() != Some(payment));
            let row = row.filter(|row| is_first && row.state == Some(PaymentState::APPROVED));
            let Some(row) = row else { return Err(TendersError::NotApproved { payment }) };
            let taken = row.taken.unwrap_or(row.intent.amount);
            let is_of_kind = row.lacks_intent == Some(true) || row.intent.tender == tender.kind;
            if taken != tender.amount || !is_of_kind {
                return Err(TendersError::OtherAmount { payment, approved: taken, given: tender.amount });
            }
            approved = approved.saturating_add(taken);
        }
        let named = |payment| tenders.iter().any(|tender| tender.payment() == Some(payment));
        match self.of(basket).find(|(payment, row)| row.has_money() && !named(**payment)) {
            Some((payment, row)) => Err(TendersError::LeftOut {
                payment: *payment,
                approved: row.taken.unwrap_or(row.intent.amount),
            }),
            None => Ok(approved),
        }
    }

    /// Refuses to give up or to hand over a basket that money was taken for.
    pub(crate) fn check_no_money(&self, basket: BasketId) -> Result<(), Refusal> {
        match self.of(basket).find(|(_, row)| row.has_money()) {
            Some((payment, _)) => Err(Refusal::MoneyTaken { basket, payment: *payment }),
            None => Ok(()),
        }
    }

    /// Whether money was taken for a basket.
    pub(crate) fn has_money(&self, basket: BasketId) -> bool {
        self.check_no_money(basket).is_err()
    }

    /// Money that was taken for a basket, which `beside` has booked already: what is to be said of each. What this disk has the outcome
    /// alone of may be in a sale of this terminal, and is left out until [that is found out](Self::found_beside).
    pub(crate) fn surplus(&self, basket: BasketId, beside: EventId) -> Vec<PaymentOutcome> {
        let is_approved =
            |row: &Row| row.state == Some(PaymentState::APPROVED) && row.lacks_intent != Some(true);
        let approved = self.of(basket).filter(|(_, row)| is_approved(row));
        approved
            .map(|(payment, row)| {
                let taken = row.taken.unwrap_or(row.intent.amount);
                PaymentOutcome::surplus(*payment, basket, taken, beside)
            })
            .collect()
    }

    /// A basket is not open any more: what is settled of its payments goes, and the rest stays until somebody settles it.
    pub(crate) fn basket_left(&mut self, basket: BasketId, out: &mut UnitOfWork) {
        let names: Vec<PaymentId> = self.of(basket).map(|(payment, _)| *payment).collect();
        for payment in names {
            let Some(row) = self.rows.get_mut(&payment) else { continue };
            row.left = Some(true);
            if row.is_unsettled() { self.write(payment, out) } else { self.settle(payment, out) }
        }
    }

    /// Payments that are not settled, by their names.
    pub(crate) fn open(&self) -> impl Iterator<Item = OpenPayment> + '_ {
        self.rows.iter().filter(|(_, row)| row.is_unsettled()).map(|(payment, row)| OpenPayment {
            payment: *payment,
            basket: row.intent.basket,
            tender: row.intent.tender,
            amount: row.intent.amount,
            state: row.state,
            taken: row.taken.unwrap_or(0),
            since_ms: row.since_ms,
            operator: row.operator.clone(),
            terminal: self.terminal,
        })
    }

    /// Bytes that the outcomes of what is not settled may write.
    pub(crate) fn promised(&self) -> u64 {
        self.rows.len() as u64 * Self::needs()
    }

    /// Bytes that an intent or an outcome writes at most.
    pub(crate) fn needs() -> u64 {
        disk::writes(OUTCOME_BYTES, 2)
    }

    fn of(&self, basket: BasketId) -> impl Iterator<Item = (&PaymentId, &Row)> {
        self.rows.iter().filter(move |(_, row)| row.intent.basket == basket)
    }

    fn write(&self, payment: PaymentId, out: &mut UnitOfWork) {
        if let Some(row) = self.rows.get(&payment) {
            out.write(Write::put(Space::Payment, payment.0, to_cbor(row)));
        }
    }

    fn remove(&mut self, payment: PaymentId, out: &mut UnitOfWork) {
        if self.rows.remove(&payment).is_some() {
            out.write(Write::delete(Space::Payment, payment.0));
        }
    }
}

impl Record {
    /// A payment terminal is about to be asked for money. Ask it once this is recorded: after a crash the payment is listed as one whose
    /// outcome nobody knows.
    ///
    /// Recording it is refused where the basket is not open, is being committed, or is a trainee's, and where the name is in use.
    pub fn payment_intent(intent: PaymentIntent) -> Self {
        Self::new(What::Payment(Step::Intent(intent)))
    }

    /// What the payment terminal said. It is taken on a full disk as well, and whatever became of the basket. Money that was taken is put
    /// on record also where the intent is not on this disk, which was put back or is another box's, as far as that has room. Refused is an
    /// outcome without money of what nobody intended, one for another basket than was intended, and one of a payment that is accounted for
    /// already.
    pub fn payment_outcome(outcome: PaymentOutcome) -> Self {
        Self::new(What::Payment(Step::Outcome(outcome)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn a_row_is_these_bytes_and_reads_back() {
        let (payment, basket) = (PaymentId([0xDD; 16]), BasketId([0xBB; 16]));
        let intent = PaymentIntent { payment, basket, tender: TenderType::CARD, amount: 258 };
        let row = Row {
            intent,
            since_ms: 5,
            operator: Some("ann".into()),
            state: Some(PaymentState::APPROVED),
            taken: Some(258),
            left: Some(true),
            lacks_intent: None,
        };
        let hex: String = to_cbor(&row).iter().map(|byte| format!("{byte:02x}")).collect();
        let said = format!("a40050{}0150{}020103190102", "dd".repeat(16), "bb".repeat(16));
        assert_eq!(hex, format!("a600{said}01050263616e6e03000419010205f5"));
        let mut payments = Payments::default();
        payments.restore(&payment.0, &to_cbor(&row)).unwrap();
        assert_eq!(payments.rows[&payment], row);
        assert!(payments.restore(&[1], &to_cbor(&row)).is_err(), "no name of a payment");
    }

    /// A state of a later version is money of which somebody must say what became of it.
    #[test]
    fn what_is_not_known_is_not_settled() {
        let intent = PaymentIntent {
            payment: PaymentId([1; 16]),
            basket: BasketId([2; 16]),
            tender: TenderType::CARD,
            amount: 1,
        };
        let row = |state| Row {
            intent: intent.clone(),
            since_ms: 0,
            operator: None,
            state,
            taken: None,
            left: None,
            lacks_intent: None,
        };
        assert!(row(None).is_unsettled() && !row(None).has_money());
        assert!(row(Some(PaymentState(99))).is_unsettled());
        assert!(!row(Some(PaymentState::REVERSED)).is_unsettled());
    }
}
