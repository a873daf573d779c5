//! What a commit books, worked out before anything is written.

use edgepos_crdt::VersionVector;
use edgepos_wire::to_cbor;

use super::answer::{paid, sale_entry};
use super::basket::Basket;
use super::body::Transaction;
use super::fiscal::{FiscalSigned, SignError, Signature};
use super::receipt::Commit;
use super::series::Series;
use crate::retail::day::body::OnDuty;
use crate::retail::effect::CounterRow;
use crate::retail::envelope::{Mode, Origin, Ref, RefRole};
use crate::retail::kind::KnownKind;
use crate::retail::payment::Payments;
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
            ..sale_entry(basket, &transaction, duty.day)
        };
        let shift = duty.shift.clone().filter(|_| basket.mode == Mode::Live);
        let entry = Entry { refs: entry.refs.into_iter().chain(shift).collect(), ..entry };
        Ok(Self { transaction, entry })
    }
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
