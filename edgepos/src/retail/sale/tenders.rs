//! How a basket is paid, and what is said beside that.

use std::collections::BTreeMap;

use thiserror::Error;

use super::beside_payments::BesidePayments;
use super::body::{Tender, TenderType};
use crate::retail::effect::{Counter, Effect};
use crate::retail::money::MAX_MAGNITUDE;
use crate::retail::payment::name::PaymentId;

/// The payments of a transaction, and what the customer got back: together they come to its total.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tenders {
    given: Vec<Tender>,
    change: i64,
    drawer: Option<String>,
    beside: BesidePayments,
}

/// Payments that are not those of the basket. Nothing is booked; the call with the right ones books.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum TendersError {
    /// They do not come to what the customer owes.
    #[error("the payments less the change come to {paid}, and the basket to {total}, in minor units")]
    Sum {
        /// What they come to.
        paid: i64,
        /// What the customer owes.
        total: i64,
    },
    /// A customer gets change, and gives none.
    #[error("the change is {0}: it cannot be negative")]
    NegativeChange(i64),
    /// A payment terminal has approved money that the call leaves out.
    #[error(
        "payment {payment} is approved with {approved}, in minor units, and the payments of the call leave it out"
    )]
    LeftOut {
        /// The payment that was approved, or is not.
        payment: PaymentId,
        /// How much was taken.
        approved: i64,
    },
    /// The call names a payment that is not approved for this basket, or names it twice.
    #[error("payment {payment} is not approved for this basket, as far as is on record, or named twice")]
    NotApproved {
        /// The payment that was approved, or is not.
        payment: PaymentId,
    },
    /// The call names a payment with another amount, or another means, than was approved.
    #[error(
        "payment {payment} is approved with {approved}, in minor units, and the call says {given} or another means"
    )]
    OtherAmount {
        /// The payment that was approved, or is not.
        payment: PaymentId,
        /// How much was taken.
        approved: i64,
        /// What the call says.
        given: i64,
    },
    /// A void puts money back on gift cards, and pays it out besides.
    #[error(
        "{back} goes back on gift cards, in minor units, and the payments by stored value come to {given}"
    )]
    OnCards {
        /// What goes back on cards, with the void's own effects and those of its payments.
        back: i64,
        /// What the payments by stored value come to; below zero for money out.
        given: i64,
    },
    /// An amount that no shop takes.
    #[error("a payment or the change is over {limit}")]
    TooLarge {
        /// The largest amount, in minor units.
        limit: u64,
    },
}

/// More payments than one transaction can hold.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{given} payments are more than the {max} that one transaction holds", max = Tenders::MAX)]
pub struct TooManyTenders {
    given: usize,
}

impl Tenders {
    /// Most payments of one transaction.
    pub const MAX: usize = 64;

    /// At most [`MAX`](Self::MAX) payments.
    ///
    /// # Errors
    /// When there are more.
    pub fn new(tenders: Vec<Tender>) -> Result<Self, TooManyTenders> {
        if tenders.len() > Self::MAX {
            return Err(TooManyTenders { given: tenders.len() });
        }
        Ok(Self { given: tenders, ..Self::default() })
    }

    /// The same with so much change, in minor units, that goes back from the drawer.
    #[must_use]
    pub fn with_change(self, change: i64) -> Self {
        Self { change, ..self }
    }

    /// The same with the cash in a drawer of this name, and not in the terminal's own.
    #[must_use]
    pub fn in_drawer(self, drawer: Option<String>) -> Self {
        Self { drawer, ..self }
    }

    /// The same, taken by this cashier, of at most 64 bytes, where that is not who began the basket. The sale is in their shift.
    #[must_use]
    pub fn taken_by(mut self, cashier: Option<String>) -> Self {
        self.beside.cashier = cashier;
        self
    }

    /// The same with what the payments do to gift cards, points and coupons, beside what the basket does: at most four. What takes more from
    /// one than is known to be there, and names a floor, is refused; the basket stays open.
    #[must_use]
    pub fn with_effects(mut self, effects: Vec<Effect>) -> Self {
        self.beside.effects = effects;
        self
    }

    /// The same with a vendor's additions to the event, by namespace. With the effects they are at most 1 KiB.
    #[must_use]
    pub fn with_ext(mut self, ext: BTreeMap<String, Vec<u8>>) -> Self {
        self.beside.ext = ext;
        self
    }

    /// What is said beside the payments.
    pub(crate) fn beside(&self) -> &BesidePayments {
        &self.beside
    }

    /// The drawer, where it is not the terminal's own.
    pub fn drawer(&self) -> Option<&str> {
        self.drawer.as_deref()
    }

    /// The payments, in the order given.
    pub fn as_slice(&self) -> &[Tender] {
        &self.given
    }

    /// What the customer got back in cash, in minor units.
    pub fn change(&self) -> i64 {
        self.change
    }

    /// Whether they come to `total`.
    fn check(&self, total: i64) -> Result<(), TendersError> {
        if self.change < 0 {
            return Err(TendersError::NegativeChange(self.change));
        }
        let amounts = || self.given.iter().map(|tender| tender.amount).chain([self.change]);
        if amounts().any(|amount| amount.unsigned_abs() > MAX_MAGNITUDE) {
            return Err(TendersError::TooLarge { limit: MAX_MAGNITUDE });
        }
        // At most 65 amounts of at most 10¹²: the sum stays inside 64 bits.
        let paid = self.given.iter().map(|tender| tender.amount).sum::<i64>() - self.change;
        if paid != total { Err(TendersError::Sum { paid, total }) } else { Ok(()) }
    }

    /// By how much they are more than `total`, or below zero less. Anything but nothing is refused, unless the store `books` it, or a
    /// payment terminal has taken so much more: of what it `approved` nothing is refused.
    pub(crate) fn difference(&self, total: i64, books: bool, approved: i64) -> Result<i64, TendersError> {
        match self.check(total) {
            Ok(()) => Ok(0),
            Err(TendersError::Sum { paid, total }) => {
                let difference = paid - total;
                let is_taken = match difference > 0 {
                    true => difference <= approved,
                    // Money back: more than was asked for.
                    false => approved < 0 && difference >= approved,
                };
                if books || is_taken { Ok(difference) } else { Err(TendersError::Sum { paid, total }) }
            }
            Err(error) => Err(error),
        }
    }

    /// Whether what a void puts back on gift cards is paid out by them, and by nothing else.
    ///
    /// # Errors
    /// When it is not.
    pub(crate) fn check_cards(&self, effects: &[Effect]) -> Result<(), TendersError> {
        let cards = effects.iter().chain(&self.beside.effects);
        let cards = cards.filter(|effect| effect.counter == Counter::STORED_VALUE && effect.delta > 0);
        let back = cards.fold(0i64, |back, effect| back.saturating_add(effect.delta));
        let stored = self.given.iter().filter(|tender| tender.kind == TenderType::STORED_VALUE);
        let given = stored.fold(0i64, |given, tender| given.saturating_add(tender.amount));
        if back > 0 && given != -back { Err(TendersError::OnCards { back, given }) } else { Ok(()) }
    }

    /// By how much they move the cash in the drawer.
    pub(crate) fn cash(&self) -> i64 {
        let cash = self.given.iter().filter(|tender| tender.kind == TenderType::CASH);
        cash.map(|tender| tender.amount).sum::<i64>() - self.change
    }
}

impl From<Tender> for Tenders {
    fn from(tender: Tender) -> Self {
        Self { given: vec![tender], ..Self::default() }
    }
}
