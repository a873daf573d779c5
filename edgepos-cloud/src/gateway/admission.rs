//! Who is let in: those for whom there is room, with a credential for what they want.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use edgepos_core::StoreId;
use tokio::sync::Semaphore;

use super::credentials::{Credentials, Role};
use crate::ingest::{Ingest, IngestError};

/// When a caller who was turned away shall ask again.
const COME_BACK: Duration = Duration::from_secs(1);

/// What every request is answered with.
#[derive(Clone)]
pub(super) struct Gateway {
    ingest: Ingest,
    credentials: Option<Arc<Credentials>>,
    room: Arc<Semaphore>,
}

/// Turns away what there is no room for, before its body is read.
pub(super) async fn bounded(State(gateway): State<Gateway>, request: Request, next: Next) -> Response {
    match gateway.room.try_acquire() {
        Ok(_permit) => next.run(request).await,
        Err(_) => come_back(StatusCode::TOO_MANY_REQUESTS, "too many requests are under way\n".to_owned()),
    }
}

impl Gateway {
    /// Over this database, for so many requests at once.
    pub(super) fn new(ingest: Ingest, credentials: Option<Arc<Credentials>>, in_flight: usize) -> Self {
        Self { ingest, credentials, room: Arc::new(Semaphore::new(in_flight.max(1))) }
    }

    /// Decides about each request.
    pub(super) fn ingest(&self) -> &Ingest {
        &self.ingest
    }

    /// The store that the caller speaks for, where it may in one of these roles.
    pub(super) fn admit(
        &self,
        store: &str,
        headers: &HeaderMap,
        roles: &[Role],
    ) -> Result<StoreId, Box<Response>> {
        let refused = |status, text: &'static str| Box::new((status, text).into_response());
        let store: StoreId = store.parse().map_err(|_| refused(StatusCode::NOT_FOUND, "no such store\n"))?;
        let Some(credentials) = &self.credentials else { return Ok(store) };
        let shown = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = shown.and_then(|value| value.strip_prefix("Bearer "));
        match token.and_then(|token| credentials.admit(store, token, roles)) {
            Some(true) => Ok(store),
            Some(false) => {
                tracing::warn!(%store, "a caller with a credential for something else was turned away");
                Err(refused(StatusCode::FORBIDDEN, "this credential is for something else\n"))
            }
            None => {
                tracing::warn!(%store, "a caller without this store's credential was turned away");
                Err(refused(StatusCode::UNAUTHORIZED, "this store needs its credential\n"))
            }
        }
    }
}

/// The database did not answer.
pub(super) fn failed(error: &IngestError) -> Response {
    tracing::warn!(%error, "not answered");
    come_back(StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n"))
}

fn come_back(status: StatusCode, text: String) -> Response {
    (status, [(RETRY_AFTER, COME_BACK.as_secs().to_string())], text).into_response()
}
