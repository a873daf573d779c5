//! What each call of the page is lent, and the form of an answer.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use serde_json::Value;
use tokio::sync::{Semaphore, watch};

use super::bulletins::Bulletins;
use super::floor::Floor;

/// What each call is lent.
#[derive(Debug, Clone)]
pub(super) struct Served {
    pub(super) floor: Arc<Floor>,
    pub(super) bulletins: Arc<Bulletins>,
    /// The path that terminals tell their manager at.
    pub(super) secret: Arc<str>,
    /// The newest view, as JSON.
    pub(super) state: watch::Receiver<Arc<str>>,
    /// Places for browsers that watch.
    pub(super) browsers: Arc<Semaphore>,
}

pub(super) fn answer(status: StatusCode, body: &Value) -> Response {
    (status, Json(body)).into_response()
}
