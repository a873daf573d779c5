//! What is said of products and prices.

use minicbor::{Decode, Encode};

use crate::retail::money::Currency;

/// The body of [`Kind::PRODUCT_SET`](crate::model::Kind::PRODUCT_SET): in force while it is valid, as a price is, with
/// `counted` and `floor`. `scale` knows no time and never changes: of two that tills without contact have said the one with the oldest stamp
/// counts, on every terminal.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cbor(map)]
pub struct ProductSet {
    /// The product's code.
    #[n(0)]
    pub product: String,
    /// Its name for people.
    #[n(1)]
    pub name: String,
    /// The immutable base unit: `piece`, `g`, `ml`.
    #[n(2)]
    pub base_unit: String,
    /// Decimal digits of the base unit that one count stands for.
    #[n(3)]
    #[cbor(default)]
    pub scale: u8,
    /// The default tax.
    #[n(4)]
    pub tax_code: Option<u16>,
    /// Whether its stock is counted. Where nothing is said it is, once goods were received, counted or written off; stock that nobody
    /// counts raises no exception.
    #[n(5)]
    pub counted: Option<bool>,
    /// The stock below which an exception is raised, in base units; where nothing is said the lowest that any event names.
    #[n(6)]
    pub floor: Option<i64>,
    /// Valid from this time on, milliseconds since 1970 UTC.
    #[n(7)]
    pub valid_from: Option<u64>,
    /// Not valid from this time on.
    #[n(8)]
    pub valid_to: Option<u64>,
    /// Which version it is, by whoever sets it. Where nobody says, a terminal that is asked says when it was set, milliseconds since 1970 UTC.
    #[n(9)]
    pub version: Option<u64>,
}

/// The body of [`Kind::PRICE_SET`](crate::model::Kind::PRICE_SET): in force while it is valid. Of the
/// valid ones of a (product, list) the one that began last counts, and of those with the same validity the newest stamp.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cbor(map)]
pub struct PriceSet {
    /// The product's code.
    #[n(0)]
    pub product: String,
    /// The price list; 0 is everybody's.
    #[n(1)]
    #[cbor(default)]
    pub list: u16,
    /// The price of one unit, in minor units.
    #[n(2)]
    pub amount: i64,
    /// Of which currency.
    #[n(3)]
    pub currency: Currency,
    /// Whether tax is included.
    #[n(4)]
    #[cbor(default)]
    pub tax_included: bool,
    /// Valid from this time on, milliseconds since 1970 UTC.
    #[n(5)]
    pub valid_from: Option<u64>,
    /// Not valid from this time on.
    #[n(6)]
    pub valid_to: Option<u64>,
    /// Which version it is, by whoever sets it: a line says it as [`price_version`](crate::model::Line::price_version). Where nobody says,
    /// a terminal that is asked says when it was set, milliseconds since 1970 UTC.
    #[n(7)]
    pub version: Option<u64>,
}
