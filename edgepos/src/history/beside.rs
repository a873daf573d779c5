//! Receipts with what was said of them after they were booked.

use super::stored::HistoryError;
use crate::node::{Committed, Node};
use crate::retail::keys::name::BookedName;
use crate::retail::sale::beside::{Beside, Fiscal};
use crate::retail::sale::receipt::Receipt;

/// Bytes of rows that are read at a time: what the store's thread does between two sales.
const PIECE: u32 = 64 << 10;

/// A receipt, and what stands beside it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ReceiptState {
    /// Proof of the booked transaction.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub receipt: Receipt,
    /// What a fiscal device has said of it; `None` where its series is not signed, or nobody here has heard.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub fiscal: Option<Fiscal>,
    /// How often it was printed, as far as this terminal has heard. The next print is copy number this, and the receipt itself where it
    /// is 0.
    pub printed: u64,
}

impl Node {
    /// The [receipts](Self::receipts) of a name, each with what this terminal has heard of its signature and its prints.
    ///
    /// # Errors
    /// When the terminal has stopped, or a row cannot be read.
    pub async fn receipt_states(&self, name: BookedName) -> Result<Vec<ReceiptState>, HistoryError> {
        let mut states = Vec::new();
        for receipt in self.receipts(name).await? {
            let (fiscal, printed) = self.beside(&receipt).await?;
            states.push(ReceiptState { receipt, fiscal, printed });
        }
        Ok(states)
    }

    /// A booked sale, with what was said of its signature where this terminal `signs` its receipts, or another may have. What is booked
    /// stays booked, whether or not the rows beside it can be read.
    pub(crate) async fn committed(&self, receipt: Receipt, repeated: bool, signs: bool) -> Committed {
        let beside = if signs || repeated { self.beside(&receipt).await.ok() } else { None };
        let fiscal = beside.and_then(|(fiscal, _)| fiscal);
        Committed { receipt, repeated, fiscal }
    }

    async fn beside(&self, receipt: &Receipt) -> Result<(Option<Fiscal>, u64), HistoryError> {
        let mut beside = Beside::default();
        let (space, mut from, to) = Beside::range(receipt.basket);
        loop {
            let rows = self.rows_of(space, from, to.clone(), PIECE).await?;
            let Some((last, _)) = rows.last() else { return Ok(beside.into_parts()) };
            from = [last.as_slice(), &[0]].concat();
            for (key, value) in &rows {
                let what = "what stands beside a receipt";
                let read = beside.row(receipt, key, value);
                read.map_err(|reason| HistoryError::Unreadable { what, reason })?;
            }
        }
    }
}
