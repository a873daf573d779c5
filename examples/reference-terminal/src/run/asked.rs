//! What every call of the till needs: the terminal, the form of an answer, and what stands behind the question mark.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::response::Json;
use edgepos::{Node, TillModels, forms};
use serde::de::DeserializeOwned;
use tokio::sync::Notify;

use super::convert;
use crate::api::Problem;

/// What every call needs.
#[derive(Clone)]
pub(super) struct Till {
    pub(super) node: Node,
    pub(super) location: u32,
    pub(super) models: TillModels,
    /// Told when `POST /stop` comes.
    pub(super) stop: Arc<Notify>,
}

/// An answer, or why there is none.
pub(super) type Answer<T> = Result<Json<T>, Problem>;

/// What stands behind the question mark of a URL.
pub(super) type Asked<T> = Result<Query<T>, QueryRejection>;

pub(super) fn asked<T>(query: Asked<T>) -> Result<T, Problem> {
    let Query(query) =
        query.map_err(|error| convert::bad_request(forms::explain(&error.body_text(), None)))?;
    Ok(query)
}

/// What a call says in its body.
pub(super) fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Problem> {
    forms::read(body).map_err(|error| {
        let said = serde_json::from_slice(body).ok();
        convert::bad_request(forms::explain(&error.to_string(), said.as_ref()))
    })
}
