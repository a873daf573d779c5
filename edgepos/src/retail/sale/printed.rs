//! That a receipt left a printer.

use edgepos_wire::to_cbor;
use minicbor::{Decode, Encode};

use super::body::BasketId;
use crate::retail::kind::KnownKind;
use crate::retail::record::Record;
use crate::retail::series_name;
use crate::terminal::refusal::Refusal;

/// The body of [`Kind::RECEIPT_PRINTED`](crate::model::Kind::RECEIPT_PRINTED): a receipt left a printer, for the first time or as a copy.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cbor(map)]
pub struct ReceiptPrinted {
    /// The receipt's basket.
    #[n(0)]
    pub basket: BasketId,
    /// The receipt's series.
    #[n(1)]
    pub series: String,
    /// Its number there.
    #[n(2)]
    pub number: u64,
    /// 0 for the receipt itself; which copy it was, as the paper says, for one that came later.
    #[n(3)]
    pub copy: u32,
}

impl Record {
    /// A receipt left a printer. How often it did is shown with the receipt; what names none is on record and counts nowhere.
    pub fn receipt_printed(printed: &ReceiptPrinted) -> Self {
        if let Err(reason) = series_name::check(&printed.series) {
            return Self::refuse(Refusal::BadField { field: "series", reason });
        }
        Self::event(KnownKind::ReceiptPrinted, to_cbor(printed), Vec::new())
    }
}
