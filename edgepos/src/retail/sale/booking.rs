//! What a commit books, worked out before anything is written.

use edgepos_crdt::VersionVector;
use edgepos_wire::to_cbor;

use super::answer::{paid, sale_entry};
use super::basket::Basket;
use super::beside_payments::{BesidePayments, MAX_BYTES, MAX_EFFECTS, MAX_NAME};
use super::body::{DocType, Transaction};
use super::draft::{check_effects, limit};
use super::fiscal::{FiscalSigned, SignError, Signature};
use super::receipt::Commit;
use super::series::Series;
use crate::retail::day::body::OnDuty;
use crate::retail::effect::CounterRow;
use crate::retail::envelope::{Mode, Origin, Ref, RefRole};
use crate::retail::kind::KnownKind;
use crate::retail::payment::Payments;
use crate::retail::redact::is_card_number;
use crate::terminal::config::Config;
use crate::terminal::ledger::Entry;
use crate::terminal::refusal::Refusal;

/// A transaction, and the event that says it.
#[derive(Debug)]
pub(super) struct Booking {
    pub(super) transaction: Transaction,
    pub(super) entry: Entry,
}

impl Booking {
    /// What this commit books of an open basket, on the open day where the basket has none, and in the shift of its cashier.
    ///
    /// # Errors
    /// When the payments are not those of the basket, or a drawer has no name.
    pub(super) fn of(
        (config, duty): (&Config, &OnDuty),
        (series, payments, held): (&Series, &Payments, &VersionVector),
        basket: &Basket,
        commit: &Commit,
    ) -> Result<Self, Refusal> {
        let tenders = &commit.tenders;
        check(tenders.beside())?;
        if basket.transaction.doc_type == DocType::Void {
            tenders.check_cards(&basket.effects)?;
        }
        let approved = payments.approved(commit.basket, tenders.as_slice())?;
        let difference = tenders.difference(basket.transaction.total, config.book_differences, approved)?;
        if tenders.drawer().is_some_and(|name| !CounterRow::is_drawer(name)) {
            let reason = "a drawer's name is 1 to 64 bytes of text";
            return Err(Refusal::BadField { field: "drawer", reason });
        }
        let effects = match basket.mode {
            Mode::Live => basket.effects_with(tenders, difference, &config.own_drawer()),
            Mode::Training => Vec::new(),
        };
        let mut transaction = paid(&basket.transaction, tenders);
        if basket.draws_at_commit() {
            series.draw(&mut transaction);
        }
        let before = series.reserved_before(&transaction.series, held);
        let entry = Entry {
            origin: before.filter(|_| basket.mode == Mode::Live).map(Origin::begun_in),
            drawer: tenders.drawer().map(str::to_owned),
            effects,
            key: Some(commit.key),
            ext: tenders.beside().ext.clone(),
            ..sale_entry(basket, &transaction, duty.day)
        };
        let operator = tenders.beside().cashier.clone().or(entry.operator);
        let shift = duty.shift.clone().filter(|_| basket.mode == Mode::Live);
        let entry = Entry { operator, refs: entry.refs.into_iter().chain(shift).collect(), ..entry };
        Ok(Self { transaction, entry })
    }
}

/// Whether a commit says what it may, beside its payments.
///
/// # Errors
/// When it is too long, a name is a card number, or an effect is one that follows from lines and payments.
fn check(said: &BesidePayments) -> Result<(), Refusal> {
    limit("operator", said.cashier.as_ref().map_or(0, String::len), MAX_NAME)?;
    if said.cashier.as_deref().is_some_and(is_card_number) {
        return Err(Refusal::BadField { field: "operator", reason: "it is a card number" });
    }
    limit("effects of payments", said.effects.len(), MAX_EFFECTS)?;
    check_effects(&said.effects)?;
    if said.ext.keys().any(String::is_empty) {
        return Err(Refusal::BadField { field: "ext", reason: "an addition has a name" });
    }
    let ext: usize = said.ext.iter().map(|(name, bytes)| name.len() + bytes.len() + 8).sum();
    limit("effects and ext", to_cbor(&said.effects).len() + ext, MAX_BYTES)
}

/// What a fiscal device has said of a receipt that is being booked.
pub(super) fn said(transaction: &Transaction, answer: Result<Signature, SignError>) -> FiscalSigned {
    let Transaction { basket, series, number, .. } = transaction.clone();
    FiscalSigned::of(basket, series, number, answer)
}

/// What is recorded of a signature.
pub(super) fn signed_entry(said: &FiscalSigned, day: Option<u32>) -> Entry {
    let refs = vec![Ref { role: RefRole::BASKET, id: said.basket.0.to_vec() }];
    Entry { refs, ..Entry::new(day, KnownKind::FiscalSigned, to_cbor(said)) }
}
