//! The body of a sale, a return, an exchange or a void.

use std::fmt;
use std::str::FromStr;

use edgepos_core::{ParseIdError, parse_hexadecimal};
use minicbor::{Decode, Encode};

use crate::retail::money::Currency;
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
