//! What is in a basket, wherever it is on its way.

use edgepos_core::Space;

use super::stored::HistoryError;
use crate::node::Node;
use crate::retail::envelope::Mode;
use crate::retail::keys::name::BookedName;
use crate::retail::parked::Parked;
use crate::retail::sale::basket::Basket;
use crate::retail::sale::body::{BasketId, Transaction};
use crate::retail::sale::receipt::Receipt;
use crate::retail::unreadable::Unreadable;
use crate::terminal::refusal::Refusal;

/// Bytes of rows that are read for one basket, open or parked.
const MAX_BASKET_BYTES: u32 = 1 << 20;

/// Where a basket is, as far as this terminal has heard.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum BasketState {
    /// It was begun here, and is neither paid nor given up.
    Open,
    /// It is put aside, for whichever till recalls it.
    Parked,
    /// It is sold: the receipts, by rising event. More than one is an exception.
    Booked(Vec<Receipt>),
}

/// A basket with its lines.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct BasketContents {
    /// Where it is.
    pub state: BasketState,
    /// Whether it counts.
    pub mode: Mode,
    /// Who was signed in.
    pub operator: Option<String>,
    /// Its lines, its customer, its total; without payments while it is not sold, and without a number while it is parked.
    pub transaction: Transaction,
}

impl Node {
    /// A basket with its lines: open here, parked at any till, or sold. `None`: this terminal knows none of this name, or it was given up,
    /// or it is open at another.
    ///
    /// # Errors
    /// When the terminal has stopped, or a row cannot be read.
    pub async fn basket(&self, basket: BasketId) -> Result<Option<BasketContents>, HistoryError> {
        // One that is recalled between two questions is found by asking again.
        for _ in 0..2 {
            if let Some(found) = self.look_for(basket).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    async fn look_for(&self, id: BasketId) -> Result<Option<BasketContents>, HistoryError> {
        let key = id.0.to_vec();
        let rows = self.rows_of(Space::Basket, key.clone(), key, MAX_BASKET_BYTES).await?;
        if let Some((_, value)) = rows.first() {
            let basket: Basket = edgepos_wire::from_cbor("open basket", value)
                .map_err(|error| unreadable("an open basket", error.into()))?;
            return Ok(Some(contents(basket, BasketState::Open)));
        }
        let (space, from, to) = Parked::range(id);
        // Whoever has taken it: only one that is free is shown.
        match Parked::free(id, &self.rows_of(space, from, to, MAX_BASKET_BYTES).await?, 0) {
            Ok(free) => return Ok(Some(contents(free.basket, BasketState::Parked))),
            Err(Refusal::Damaged { what, reason }) => return Err(unreadable(what, reason)),
            Err(_) => {}
        }
        let receipts = self.receipts(BookedName::Basket(id)).await?;
        let Some(first) = receipts.first() else { return Ok(None) };
        let booked = self.transaction(first.event).await?;
        Ok(booked.map(|booked| BasketContents {
            state: BasketState::Booked(receipts),
            mode: booked.mode,
            operator: booked.operator,
            transaction: booked.transaction,
        }))
    }
}

fn contents(basket: Basket, state: BasketState) -> BasketContents {
    let Basket { transaction, operator, mode, .. } = basket;
    BasketContents { state, mode, operator, transaction }
}

fn unreadable(what: &'static str, reason: Unreadable) -> HistoryError {
    HistoryError::Unreadable { what, reason }
}
