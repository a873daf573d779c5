//! Sums of transactions: by currency, and there by document, tender, tax, operator and drawer.

use std::collections::BTreeMap;

use super::row::Booked;
use crate::retail::day::cash::{CashMoved, CashReason};
use crate::retail::money::Currency;
use crate::retail::sale::body::{DocType, Tax, TenderType};

/// What transactions come to, in each currency.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Sums {
    /// How many there are.
    pub transactions: u64,
    /// Receipt numbers that were reserved and are not used.
    pub voided_numbers: u64,
    /// What they come to, by currency.
    pub currencies: Vec<CurrencyFigures>,
}

/// Sums of one currency, in its minor units.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CurrencyFigures {
    /// The currency, by ISO 4217.
    pub currency: Currency,
    /// How many transactions.
    pub transactions: u64,
    /// Their totals; what came back is taken off.
    pub total: i64,
    /// Cash rounding, part of the total.
    pub rounding: i64,
    /// What customers got back in cash.
    pub change: i64,
    /// The sums of each kind of document.
    pub documents: Vec<DocumentFigures>,
    /// By means of payment, as it was given: the change is not taken off.
    pub tenders: Vec<TenderFigures>,
    /// The sums of each tax.
    pub taxes: Vec<TaxFigures>,
    /// By who was signed in.
    pub operators: Vec<OperatorFigures>,
    /// The sums of each drawer.
    pub drawers: Vec<DrawerFigures>,
    /// Cash that moved without a sale, by reason.
    pub movements: Vec<MovementFigures>,
}

/// Sums of one kind of document.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct DocumentFigures {
    /// The kind of document.
    pub doc_type: DocType,
    /// How many transactions there are.
    pub transactions: u64,
    /// What their totals come to.
    pub total: i64,
}

/// Sums of one means of payment.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct TenderFigures {
    /// The means of payment.
    pub kind: TenderType,
    /// How many payments.
    pub payments: u64,
    /// What they come to.
    pub amount: i64,
}

/// Sums of one tax.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct TaxFigures {
    /// The code of the tax.
    pub code: u16,
    /// The rate in millionths.
    pub rate_ppm: u32,
    /// Whether prices include it.
    pub included: bool,
    /// What it is taken of.
    pub base: i64,
    /// What the tax comes to.
    pub amount: i64,
}

/// Sums of one operator.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct OperatorFigures {
    /// Who was signed in; absent where nobody was.
    pub operator: Option<String>,
    /// How many transactions.
    pub transactions: u64,
    /// What their totals come to.
    pub total: i64,
}

/// Sums of one drawer.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct DrawerFigures {
    /// The name of the drawer.
    pub drawer: String,
    /// By how much sales moved the cash in it: what was given less the change.
    pub cash: i64,
    /// What went into it without a sale.
    pub moved_in: i64,
    /// What left it without a sale.
    pub moved_out: i64,
}

/// Sums of cash that moved for one reason.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct MovementFigures {
    /// Why it moved.
    pub reason: CashReason,
    /// How often it moved so.
    pub movements: u64,
    /// What it comes to, whichever way it went.
    pub amount: i64,
}

/// Sums that are being made. Amounts are at most 10^12, so that they fit until nine million of the largest are added; beyond that they
/// stay at the end of 64 bits.
#[derive(Debug, Default)]
pub(super) struct Adding {
    transactions: u64,
    voided: u64,
    currencies: BTreeMap<Currency, OfCurrency>,
}

#[derive(Debug, Default)]
struct OfCurrency {
    transactions: u64,
    total: i64,
    rounding: i64,
    change: i64,
    documents: BTreeMap<u8, (DocType, u64, i64)>,
    tenders: BTreeMap<TenderType, (u64, i64)>,
    /// By code, rate and whether it is included: base and tax.
    taxes: BTreeMap<(u16, u32, bool), (i64, i64)>,
    operators: BTreeMap<Option<String>, (u64, i64)>,
    drawers: BTreeMap<String, InDrawer>,
    movements: BTreeMap<CashReason, (u64, i64)>,
}

#[derive(Debug, Default)]
struct InDrawer {
    cash: i64,
    moved_in: i64,
    moved_out: i64,
}

impl Adding {
    /// A number that was reserved and is not used.
    pub(super) fn void(&mut self) {
        self.voided += 1;
    }

    /// A transaction of a terminal.
    pub(super) fn add(&mut self, terminal: u16, booked: &Booked) {
        self.transactions += 1;
        let sums = self.currencies.entry(booked.currency).or_default();
        sums.transactions += 1;
        grow(&mut sums.total, booked.total);
        grow(&mut sums.rounding, booked.rounding);
        grow(&mut sums.change, booked.change);
        let document = sums.documents.entry(booked.doc_type as u8).or_insert((booked.doc_type, 0, 0));
        document.1 += 1;
        grow(&mut document.2, booked.total);
        let mut cash = booked.change.saturating_neg();
        for (kind, amount) in &booked.tenders {
            let tender = sums.tenders.entry(*kind).or_default();
            tender.0 += 1;
            grow(&mut tender.1, *amount);
            if *kind == TenderType::CASH {
                grow(&mut cash, *amount);
            }
        }
        for Tax { code, rate_ppm, base, amount, included } in &booked.taxes {
            let tax = sums.taxes.entry((*code, *rate_ppm, *included)).or_default();
            grow(&mut tax.0, *base);
            grow(&mut tax.1, *amount);
        }
        let operator = sums.operators.entry(booked.operator.clone()).or_default();
        operator.0 += 1;
        grow(&mut operator.1, booked.total);
        if booked.tenders.iter().any(|(kind, _)| *kind == TenderType::CASH) || booked.change != 0 {
            let drawer = booked.drawer.clone().unwrap_or_else(|| format!("terminal-{terminal}"));
            grow(&mut sums.drawers.entry(drawer).or_default().cash, cash);
        }
    }

    /// Cash that moved without a sale.
    pub(super) fn move_cash(&mut self, moved: &CashMoved) {
        let CashMoved { reason, currency, amount, from, to, .. } = moved;
        let sums = self.currencies.entry(*currency).or_default();
        let movement = sums.movements.entry(*reason).or_default();
        movement.0 += 1;
        grow(&mut movement.1, *amount);
        if let Some(drawer) = from {
            grow(&mut sums.drawers.entry(drawer.clone()).or_default().moved_out, *amount);
        }
        if let Some(drawer) = to {
            grow(&mut sums.drawers.entry(drawer.clone()).or_default().moved_in, *amount);
        }
    }

    /// As they are shown.
    pub(super) fn finish(self) -> Sums {
        let currencies = self.currencies.into_iter().map(|(currency, sums)| sums.finish(currency));
        let (transactions, voided_numbers) = (self.transactions, self.voided);
        Sums { transactions, voided_numbers, currencies: currencies.collect() }
    }
}

impl OfCurrency {
    fn finish(self, currency: Currency) -> CurrencyFigures {
        let document = |(doc_type, transactions, total)| DocumentFigures { doc_type, transactions, total };
        let tender = |(kind, (payments, amount))| TenderFigures { kind, payments, amount };
        let tax = |((code, rate_ppm, included), (base, amount))| TaxFigures {
            code,
            rate_ppm,
            included,
            base,
            amount,
        };
        let operator = |(operator, (transactions, total))| OperatorFigures { operator, transactions, total };
        let drawer = |(drawer, InDrawer { cash, moved_in, moved_out })| DrawerFigures {
            drawer,
            cash,
            moved_in,
            moved_out,
        };
        let movement = |(reason, (movements, amount))| MovementFigures { reason, movements, amount };
        CurrencyFigures {
            currency,
            transactions: self.transactions,
            total: self.total,
            rounding: self.rounding,
            change: self.change,
            documents: self.documents.into_values().map(document).collect(),
            tenders: self.tenders.into_iter().map(tender).collect(),
            taxes: self.taxes.into_iter().map(tax).collect(),
            operators: self.operators.into_iter().map(operator).collect(),
            drawers: self.drawers.into_iter().map(drawer).collect(),
            movements: self.movements.into_iter().map(movement).collect(),
        }
    }
}

fn grow(sum: &mut i64, by: i64) {
    *sum = sum.saturating_add(by);
}
