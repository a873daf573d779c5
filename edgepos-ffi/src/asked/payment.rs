//! How a basket was paid.

use edgepos::Commit;
use edgepos::model::{BasketId, Tender, TenderType, Tenders};
use serde::Deserialize;

use super::basket::key;
use crate::status::Failure;

/// The customer has paid.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pay {
    basket: BasketId,
    key: String,
    tenders: Vec<AskedTender>,
    #[serde(default)]
    change: i64,
    drawer: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedTender {
    kind: Means,
    amount: i64,
    external_ref: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Means {
    Cash,
    Card,
    StoredValue,
    Other,
}

impl Pay {
    pub(crate) fn into_commit(self) -> Result<Commit, Failure> {
        let Self { basket, key: name, tenders, change, drawer } = self;
        let tenders = Tenders::new(tenders.into_iter().map(Tender::from).collect());
        let tenders = tenders.map_err(Failure::bad_request)?.with_change(change).in_drawer(drawer);
        Ok(Commit { basket, key: key(&name)?, tenders })
    }
}

impl From<AskedTender> for Tender {
    fn from(asked: AskedTender) -> Self {
        let kind = match asked.kind {
            Means::Cash => TenderType::CASH,
            Means::Card => TenderType::CARD,
            Means::StoredValue => TenderType::STORED_VALUE,
            Means::Other => TenderType::OTHER,
        };
        Self::new(kind, asked.amount, asked.external_ref.as_deref())
    }
}
