//! The head office's side: what it has come down to a store.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use edgepos::forms::{self, FormError, FromAbove, RecordEvent, explain};
use edgepos::model::is_card_number;
use edgepos_core::{Seq, WallMs};
use serde::{Deserialize, Serialize};

use super::admission::{Gateway, failed};
use super::credentials::Role;
use crate::ingest::wall;
use crate::publishing::Published;

/// Bytes of one publication: 1 MiB.
pub(super) const MAX_BYTES: usize = 1 << 20;
/// Documents of one publication. A larger list goes in several, each [`after`](Publication::after) the one before.
pub const MAX_DOCUMENTS: usize = 1_000;
/// Bytes of one event, as of one that a terminal records.
const MAX_EVENT_BYTES: usize = 64 << 10;
/// Characters of [`Publication::by`].
const MAX_NAME: usize = 64;

/// What `POST /v1/stores/{store}/feed` takes: all of it is written, or nothing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publication {
    /// Products and prices, as a till records them. At most [`MAX_DOCUMENTS`].
    #[serde(deserialize_with = "forms::list")]
    pub documents: Vec<RecordEvent>,
    /// How far the feed goes that the caller knows. Where more was published since, nothing is written, and the answer is 409: so a repeat
    /// after a lost answer writes nothing twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// Who does it, at most 64 characters; kept in each event as its operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// What `GET` and `POST /v1/stores/{store}/feed` answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FeedHead {
    /// The chain of what comes down, in the present life of the cloud's memory; absent before the first publication or upload.
    pub chain: Option<String>,
    /// The position of the last document that was published; 0 before the first.
    pub last: u64,
}

/// Says how far what was published goes.
pub(super) async fn head(
    State(gateway): State<Gateway>,
    Path(store): Path<String>,
    headers: HeaderMap,
) -> Response {
    let store = match gateway.admit(&store, &headers, &[Role::Publisher, Role::Terminals]) {
        Ok(store) => store,
        Err(response) => return *response,
    };
    match gateway.ingest().feed(store).await {
        Ok(feed) => {
            let last = feed.map_or(0, |(_, last)| last.0);
            Json(FeedHead { chain: feed.map(|(chain, _)| chain.to_string()), last }).into_response()
        }
        Err(error) => failed(&error),
    }
}

/// Publishes.
pub(super) async fn publish(
    State(gateway): State<Gateway>,
    Path(store): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let store = match gateway.admit(&store, &headers, &[Role::Publisher]) {
        Ok(store) => store,
        Err(response) => return *response,
    };
    let said = match read(&body, wall()) {
        Ok(said) => said,
        Err(fault) => {
            tracing::warn!(%store, "a publication does not read");
            return (StatusCode::BAD_REQUEST, format!("{fault}\n")).into_response();
        }
    };
    let after = said.after.map(Seq);
    // It was tried, at a moment whose stamps take as many bytes.
    let write = |wall, last: Option<&[u8]>| said.events(wall, last).unwrap_or_default();
    match gateway.ingest().publish(store, after, write).await {
        Ok(Published::Written { chain, first, last }) => {
            tracing::info!(%store, %chain, first = first.0, last = last.0, "published");
            Json(FeedHead { chain: Some(chain.to_string()), last: last.0 }).into_response()
        }
        Ok(Published::Moved { last }) => {
            let text = format!("the feed goes to {last}: something else was published\n");
            (StatusCode::CONFLICT, text).into_response()
        }
        Ok(Published::Full) => {
            (StatusCode::INSUFFICIENT_STORAGE, "the store has too many chains\n").into_response()
        }
        Err(error) => failed(&error),
    }
}

/// A publication that cannot be written as it stands.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("{0}")]
    Json(String),
    #[error("documents: more than {MAX_DOCUMENTS}")]
    TooMany,
    #[error("by: longer than {MAX_NAME} characters")]
    LongName,
    #[error("by: it is a card number")]
    CardNumber,
    #[error("by: it has control characters")]
    Control,
    #[error(
        "documents[{at}]: {product:?} is counted in another way in documents[{before}]: a base unit and its scale stay"
    )]
    OtherUnit { at: usize, before: usize, product: String },
    #[error("documents[{at}]: {source}")]
    Document { at: usize, source: FormError },
    #[error("documents[{at}]: larger than {MAX_EVENT_BYTES} bytes")]
    TooLarge { at: usize },
}

/// A publication of which every document can be written at `now`, and so at any later time.
fn read(body: &[u8], now: WallMs) -> Result<Publication, Fault> {
    let said: Publication = forms::read(body).map_err(|error| {
        let said = serde_json::from_slice(body).ok();
        Fault::Json(explain(&error.to_string(), said.as_ref()))
    })?;
    if said.documents.len() > MAX_DOCUMENTS {
        return Err(Fault::TooMany);
    }
    if said.by.as_ref().is_some_and(|name| name.chars().count() > MAX_NAME) {
        return Err(Fault::LongName);
    }
    if said.by.as_deref().is_some_and(is_card_number) {
        return Err(Fault::CardNumber);
    }
    if said.by.as_ref().is_some_and(|name| name.chars().any(char::is_control)) {
        return Err(Fault::Control);
    }
    same_units(&said.documents)?;
    said.events(now, None)?;
    Ok(said)
}

/// Refuses two documents that count one product in two ways.
fn same_units(documents: &[RecordEvent]) -> Result<(), Fault> {
    let mut first: BTreeMap<&str, (usize, &str, u8)> = BTreeMap::new();
    for (at, document) in documents.iter().enumerate() {
        let RecordEvent::ProductSet { product, base_unit, scale, .. } = document else { continue };
        let (before, unit, digits) = *first.entry(product).or_insert((at, base_unit, *scale));
        if (unit, digits) != (base_unit.as_str(), *scale) {
            return Err(Fault::OtherUnit { at, before, product: product.clone() });
        }
    }
    Ok(())
}

impl Publication {
    /// The events' payloads, at the cloud's time, behind the last one that was published.
    fn events(&self, wall: WallMs, last: Option<&[u8]>) -> Result<Vec<Vec<u8>>, Fault> {
        let mut above = FromAbove::new(wall, last, self.by.clone());
        let event = |(at, document): (usize, &RecordEvent)| {
            let payload = above.event(document.clone()).map_err(|source| Fault::Document { at, source })?;
            if payload.len() > MAX_EVENT_BYTES { Err(Fault::TooLarge { at }) } else { Ok(payload) }
        };
        self.documents.iter().enumerate().map(event).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    const NOW: WallMs = WallMs(1_800_000_000_000);

    fn product(name: usize) -> Vec<u8> {
        let name = "x".repeat(name);
        let product =
            serde_json::json!({"type": "product_set", "product": "a", "name": name, "base_unit": "g"});
        serde_json::json!({ "documents": [product] }).to_string().into_bytes()
    }

    /// What is taken is written: the largest that passes does so behind another one, and later, too.
    #[test]
    fn what_is_taken_can_be_written() {
        let taken = |name: &usize| read(&product(*name), NOW).is_ok();
        let largest = (MAX_EVENT_BYTES - 200..MAX_EVENT_BYTES).take_while(taken).last().unwrap();
        assert!(matches!(read(&product(largest + 1), NOW), Err(Fault::TooLarge { at: 0 })));
        let said = read(&product(largest), NOW).unwrap();
        let first = said.events(NOW, None).unwrap();
        let later = said.events(WallMs(NOW.0 + 86_400_000), Some(&first[0])).unwrap();
        assert_eq!((first[0].len(), later[0].len()), (MAX_EVENT_BYTES, MAX_EVENT_BYTES));
    }
}
