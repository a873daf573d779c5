//! Bodies of the smaller kinds.

use edgepos_crdt::VersionVector;
use minicbor::{Decode, Encode};

use super::Currency;

/// The body of [`Kind::NUMBER_VOIDED`](super::Kind::NUMBER_VOIDED): a receipt number was reserved and is not used.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct NumberVoided {
    /// The series.
    #[n(0)]
    pub series: String,
    /// The number.
    #[n(1)]
    pub number: u64,
    /// The basket that had reserved it.
    #[n(2)]
    pub basket: super::BasketId,
}

/// Why stock moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(index_only)]
pub enum StockReason {
    /// Goods came in.
    #[n(0)]
    Receipt,
    /// Goods left for another place.
    #[n(1)]
    TransferOut,
    /// Goods came from another place.
    #[n(2)]
    TransferIn,
    /// Goods broke.
    #[n(3)]
    Damage,
    /// The record was wrong.
    #[n(4)]
    Adjust,
}

/// One product of a stock movement.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct StockLine {
    /// The product's code.
    #[n(0)]
    pub product: String,
    /// By how many base units stock on hand changes here; signs are legal.
    #[n(1)]
    pub quantity: i64,
}

/// The body of [`Kind::STOCK_MOVED`](super::Kind::STOCK_MOVED).
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct StockMoved {
    /// Why.
    #[n(0)]
    pub reason: StockReason,
    /// Where it came from: supplier, store.
    #[n(1)]
    pub from: Option<String>,
    /// Where it went.
    #[n(2)]
    pub to: Option<String>,
    /// What.
    #[n(3)]
    pub lines: Vec<StockLine>,
}

/// The body of [`Kind::PRODUCT_SET`](super::Kind::PRODUCT_SET): the newest stamp wins.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
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
}

/// The body of [`Kind::PRICE_SET`](super::Kind::PRICE_SET): the newest stamp wins, for each (product, list).
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
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
}

/// The body of [`Kind::DAY_OPENED`](super::Kind::DAY_OPENED).
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct DayOpened {
    /// The business day as yyyymmdd.
    #[n(0)]
    pub day: u32,
    /// Cash in the drawer, in minor units.
    #[n(1)]
    #[cbor(default)]
    pub float: i64,
}

/// The body of [`Kind::DAY_CLOSED`](super::Kind::DAY_CLOSED). Sales of that day that arrive later are late arrivals: they are
/// those outside the watermark.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct DayClosed {
    /// The business day as yyyymmdd.
    #[n(0)]
    pub day: u32,
    /// Cash counted in the drawer, in minor units.
    #[n(1)]
    #[cbor(default)]
    pub counted: i64,
    #[n(2)]
    #[cbor(with = "super::cbor::event_ids")]
    watermark: Vec<edgepos_core::EventId>,
}

impl DayClosed {
    /// A day that ends with what the terminal has seen so far.
    pub fn new(day: u32, counted: i64, watermark: &VersionVector) -> Self {
        let watermark = watermark.iter().map(|(chain, seq)| edgepos_core::EventId::new(chain, seq)).collect();
        Self { day, counted, watermark }
    }

    /// What the terminal had seen when it closed the day.
    pub fn watermark(&self) -> VersionVector {
        let mut vector = VersionVector::new();
        for id in &self.watermark {
            vector.set_max(id.chain, id.seq);
        }
        vector
    }
}
