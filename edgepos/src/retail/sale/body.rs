//! The body of a sale, a return, an exchange or a void.

use std::fmt;
use std::str::FromStr;

use edgepos_core::{ParseIdError, parse_hexadecimal};
use minicbor::{Decode, Encode};
use thiserror::Error;

use crate::retail::money::{Currency, MAX_MAGNITUDE};
use crate::retail::payment::name::PaymentId;
use crate::retail::redact::mask_card_numbers;

/// The till's name for a basket, drawn by the till; the transaction that comes of it keeps it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(transparent)]
pub struct BasketId(
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub [u8; 16],
);

impl fmt::Display for BasketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// 32 hexadecimal digits.
impl FromStr for BasketId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        parse_hexadecimal(text).map(Self).ok_or(ParseIdError::new("32 hexadecimal digits"))
    }
}

impl fmt::Debug for BasketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BasketId({self})")
    }
}

/// What the document is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[cbor(index_only)]
pub enum DocType {
    /// Goods out, money in.
    #[default]
    #[n(0)]
    Sale,
    /// Goods back, money out.
    #[n(1)]
    Return,
    /// Goods out and goods back on one receipt.
    #[n(2)]
    Exchange,
    /// A transaction taken back.
    #[n(3)]
    Void,
    /// The drawer was opened.
    #[n(4)]
    NoSale,
}

impl DocType {
    /// Whether money goes out for what comes back: negative amounts are no coupons there.
    pub(crate) fn gives_back(self) -> bool {
        matches!(self, Self::Return | Self::Void)
    }
}

/// A line of an earlier receipt.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OriginalLine {
    /// The earlier receipt's basket.
    #[n(0)]
    pub basket: BasketId,
    /// Its line's number.
    #[n(1)]
    pub line: u16,
}

/// Money off a line.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Discount {
    /// Why: loyalty, coupon, manager …
    #[n(0)]
    pub code: String,
    /// How much, positive, in minor units; already taken off the line's amount.
    #[n(1)]
    pub amount: i64,
}

/// One product on a receipt.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cbor(map)]
pub struct Line {
    /// Its number on the receipt, from 1, unique there.
    #[n(0)]
    pub no: u16,
    /// The product's code; it need not be in the catalogue.
    #[n(1)]
    pub product: String,
    /// How many base units went out; negative for goods that came back, zero for none (a coupon, a service).
    #[n(2)]
    pub quantity: i64,
    /// Decimal digits of the base unit that one count stands for.
    #[n(3)]
    #[cbor(default)]
    pub scale: u8,
    /// Price of one unit in minor units, for the receipt.
    #[n(4)]
    #[cbor(default)]
    pub unit_price: i64,
    /// What the line adds to the total, in minor units; negative for goods that came back.
    #[n(5)]
    pub amount: i64,
    /// What is already taken off.
    #[n(6)]
    #[cbor(default)]
    pub discounts: Vec<Discount>,
    /// Which of the transaction's taxes applies.
    #[n(7)]
    pub tax_code: Option<u16>,
    /// Why it came back.
    #[n(8)]
    pub reason: Option<String>,
    /// For goods that came back: what they were sold as.
    #[n(9)]
    pub original: Option<OriginalLine>,
    /// Lot or serial number.
    #[n(10)]
    pub lot: Option<String>,
    /// For goods that came back: how many base units their receipt says were sold on that line, as the till read it. A terminal that
    /// holds the receipt says so itself, whatever the till read.
    #[n(11)]
    pub sold: Option<i64>,
    /// The version of the price that it was sold at: [`PriceSet::version`](crate::model::PriceSet::version).
    #[n(12)]
    pub price_version: Option<u64>,
}

/// A tax as the vendor computed it: recorded here, never computed.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Tax {
    /// The code that lines refer to.
    #[n(0)]
    pub code: u16,
    /// The rate in millionths: 190,000 is 19 %.
    #[n(1)]
    pub rate_ppm: u32,
    /// What it is taken of, in minor units.
    #[n(2)]
    pub base: i64,
    /// The tax, in minor units.
    #[n(3)]
    pub amount: i64,
    /// Whether prices include it.
    #[n(4)]
    pub included: bool,
}

/// A means of payment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cbor(transparent)]
pub struct TenderType(#[n(0)] pub u8);

impl TenderType {
    /// Notes and coins; moves the drawer's cash counter.
    pub const CASH: Self = Self(0);
    /// A debit or credit card.
    pub const CARD: Self = Self(1);
    /// A gift card or a voucher.
    pub const STORED_VALUE: Self = Self(2);
    /// Any other means, named by its external reference.
    pub const OTHER: Self = Self(3);
}

/// One payment of a transaction.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Tender {
    /// By what means it was paid.
    #[n(0)]
    pub kind: TenderType,
    /// How much, in minor units of the transaction's currency; negative for money out.
    #[n(1)]
    pub amount: i64,
    /// The payment provider's reference; card-like numbers are masked, and it is cut at 64 bytes, between two characters.
    #[n(2)]
    external_ref: Option<String>,
    /// The payment that a payment terminal approved, from its intent.
    #[n(3)]
    payment: Option<PaymentId>,
}

impl Tender {
    /// Notes and coins, in minor units; negative for money out.
    pub fn cash(amount: i64) -> Self {
        Self { kind: TenderType::CASH, amount, external_ref: None, payment: None }
    }

    /// Any means, with the provider's reference.
    pub fn new(kind: TenderType, amount: i64, external_ref: Option<&str>) -> Self {
        let external_ref = external_ref.map(|text| cut(mask_card_numbers(text)));
        Self { kind, amount, external_ref, payment: None }
    }

    /// The same as what a payment terminal approved of this payment.
    #[must_use]
    pub fn of_payment(self, payment: PaymentId) -> Self {
        Self { payment: Some(payment), ..self }
    }

    /// The payment that a payment terminal approved.
    pub fn payment(&self) -> Option<PaymentId> {
        self.payment
    }

    /// The provider's reference.
    pub fn external_ref(&self) -> Option<&str> {
        self.external_ref.as_deref()
    }
}

/// Longest reference of a payment provider, in bytes: what the most payments may say is known before the customer pays.
const MAX_REFERENCE: usize = 64;

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_REFERENCE));
    text
}

/// The payments of a transaction, and what the customer got back: together they come to its total.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tenders {
    given: Vec<Tender>,
    change: i64,
    drawer: Option<String>,
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
        Ok(Self { given: tenders, change: 0, drawer: None })
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

    /// By how much they move the cash in the drawer.
    pub(crate) fn cash(&self) -> i64 {
        let cash = self.given.iter().filter(|tender| tender.kind == TenderType::CASH);
        cash.map(|tender| tender.amount).sum::<i64>() - self.change
    }
}

impl From<Tender> for Tenders {
    fn from(tender: Tender) -> Self {
        Self { given: vec![tender], change: 0, drawer: None }
    }
}

/// The body of [`Kind::TRANSACTION`](crate::model::Kind::TRANSACTION), schema 1.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cbor(map)]
pub struct Transaction {
    /// The basket that it came of; its name from then on.
    #[n(0)]
    pub basket: BasketId,
    /// Sale, return …
    #[n(1)]
    pub doc_type: DocType,
    /// The receipt series: gapless for each (terminal, series).
    #[n(2)]
    pub series: String,
    /// Its number in the series, from 1.
    #[n(3)]
    pub number: u64,
    /// The customer, by the vendor's number.
    #[n(4)]
    pub customer: Option<String>,
    /// The currency of every amount, by ISO 4217.
    #[n(5)]
    pub currency: Currency,
    /// What went over the counter.
    #[n(6)]
    pub lines: Vec<Line>,
    /// How it was paid.
    #[n(7)]
    #[cbor(default)]
    pub tenders: Vec<Tender>,
    /// Taxes as the vendor computed them.
    #[n(8)]
    #[cbor(default)]
    pub taxes: Vec<Tax>,
    /// Cash rounding, in minor units, part of the total.
    #[n(9)]
    #[cbor(default)]
    pub rounding: i64,
    /// Sum of the lines' amounts, of taxes that prices do not include, and of the rounding.
    #[n(10)]
    pub total: i64,
    /// What the customer got back in cash, in minor units: the tenders less this come to the total. Absent where there is none.
    #[n(11)]
    pub change: Option<i64>,
    /// Whether goods came back without a receipt, as somebody has said. Absent where nobody has.
    #[n(12)]
    pub unreferenced: Option<bool>,
}

/// The body of [`Kind::NUMBER_VOIDED`](crate::model::Kind::NUMBER_VOIDED): a receipt number was reserved and is not used.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cbor(map)]
pub struct NumberVoided {
    /// The series that it was reserved in.
    #[n(0)]
    pub series: String,
    /// The number that stays unused.
    #[n(1)]
    pub number: u64,
    /// The basket that had reserved it.
    #[n(2)]
    pub basket: BasketId,
}
