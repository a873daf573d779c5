//! What is said of goods that come, go and break.

use minicbor::{Decode, Encode};

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
    /// Goods broke or spoiled.
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

/// The body of [`Kind::STOCK_MOVED`](crate::model::Kind::STOCK_MOVED).
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct StockMoved {
    /// Why the goods moved.
    #[n(0)]
    pub reason: StockReason,
    /// Where it came from: supplier, store.
    #[n(1)]
    pub from: Option<String>,
    /// Where it went.
    #[n(2)]
    pub to: Option<String>,
    /// What moved, a line a product.
    #[n(3)]
    pub lines: Vec<StockLine>,
}
