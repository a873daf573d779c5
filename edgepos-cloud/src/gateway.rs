//! The HTTP side of a cloud, without a state of its own: any number of them may stand before one database, behind one address.
//!
//! `POST /v1/stores/{store}/uplink` takes an encoded [`CloudRequest`] and answers an encoded [`CloudReply`];
//! `GET /v1/stores/{store}/head` says in JSON what is held, with its hashes, and `GET /v1/stores/{store}/hash?event=` the hash of a chain
//! at one event; `POST /v1/stores/{store}/feed` takes a [`Publication`] of the head office, which comes down to the store, and answers a
//! [`FeedHead`], as `GET` of it does; `GET /health` says that it lives.
//!
//! | status | when |
//! |---|---|
//! | 200 | answered |
//! | 400 | the request does not decode, or is about another store than its path |
//! | 401 | the store has credentials, or all need one, and none of them was shown |
//! | 403 | the credential is the store's, and for something else: terminals upload, the head office publishes |
//! | 404 | no such path, or a store whose name does not read |
//! | 409 | something else was published than the caller knows of |
//! | 413 | the body is longer than [`Limits::max_message_bytes`] |
//! | 429 | more requests than [`Options::in_flight`] are under way; `Retry-After` says when to ask again |
//! | 503 | the database is away or busy; `Retry-After` says when to ask again |
//! | 507 | the store has as many chains as a cloud keeps of one |

mod admission;
mod credentials;
mod feed;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use edgepos_core::{Chain, EventId, Seq, StoreId};
use edgepos_sync::{CloudReply, CloudRequest, IngestState, Limits, Lost};
use serde::{Deserialize, Serialize};

use self::admission::{Gateway, bounded, failed};
use self::credentials::Role;
pub use self::credentials::{Credentials, CredentialsError};
pub use self::feed::{FeedHead, MAX_DOCUMENTS, Publication};
use crate::ingest::Ingest;

/// How a gateway treats its callers.
#[derive(Clone, Debug)]
pub struct Options {
    /// Requests that may be under way at once; a further one is turned away. Default 256.
    pub in_flight: usize,
    /// Who may speak for which store; `None`: whoever reaches the port may speak for every store. Default `None`.
    pub credentials: Option<Arc<Credentials>>,
}

impl Default for Options {
    fn default() -> Self {
        Self { in_flight: 256, credentials: None }
    }
}

/// What `GET /v1/stores/{store}/head` says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Head {
    /// The store, 32 hexadecimal digits.
    pub store: String,
    /// The upload epoch in force; 0 before the first lease.
    pub epoch: u64,
    /// The incarnation that holds the upload lease.
    pub holder: Option<String>,
    /// How many events are held.
    pub events: u64,
    /// In how many batches they came.
    pub batches: u64,
    /// How far each chain is held, by its name.
    pub vector: BTreeMap<String, u64>,
    /// The hash of each chain there, 64 hexadecimal digits.
    #[serde(default)]
    pub heads: BTreeMap<String, String>,
    /// Which life of the cloud's memory this is; absent before the first lease.
    #[serde(default)]
    pub instance: Option<String>,
    /// What is missing below `vector`: its owner has lost the bytes.
    #[serde(default)]
    pub lost: Vec<LostEvents>,
}

impl Head {
    /// What the store's row says.
    pub fn of(store: StoreId, state: &IngestState) -> Self {
        Self {
            store: store.to_string(),
            epoch: state.epoch().0,
            holder: state.holder().map(|holder| holder.to_string()),
            events: state.vector().iter().map(|(_, seq)| seq.0).sum(),
            batches: state.batches(),
            vector: state.vector().iter().map(|(chain, seq)| (chain.to_string(), seq.0)).collect(),
            heads: state.heads().iter().map(|(chain, hash)| (chain.to_string(), hash.to_string())).collect(),
            instance: state.instance().map(|instance| instance.to_string()),
            lost: LostEvents::list(state.lost()),
        }
    }
}

/// Events of one chain that follow on each other and whose bytes are lost.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LostEvents {
    /// The name of the first one.
    pub first: String,
    /// The position of the last one in the same chain.
    pub last: u64,
}

impl LostEvents {
    /// All that are lost.
    pub fn list(lost: &Lost) -> Vec<Self> {
        let name = |(chain, first, last): (Chain, Seq, Seq)| Self {
            first: EventId::new(chain, first).to_string(),
            last: last.0,
        };
        lost.iter().map(name).collect()
    }
}

/// What `GET /v1/stores/{store}/hash?event=…` says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HashReport {
    /// The event that was asked for.
    pub event: String,
    /// The hash of its chain there; absent where the event is not held, or came before hashes were kept.
    pub hash: Option<String>,
}

/// The paths of a gateway over this database.
pub fn router(ingest: Ingest, options: Options) -> Router {
    let gateway = Gateway::new(ingest, options.credentials, options.in_flight);
    Router::new()
        .route("/v1/stores/{store}/uplink", post(uplink))
        .route("/v1/stores/{store}/head", get(head))
        .route("/v1/stores/{store}/hash", get(hash))
        .route(
            "/v1/stores/{store}/feed",
            get(feed::head).post(feed::publish).layer(DefaultBodyLimit::max(feed::MAX_BYTES)),
        )
        .layer(from_fn_with_state(gateway.clone(), bounded))
        .route("/health", get(|| async { "ok\n" }))
        .layer(DefaultBodyLimit::max(Limits::DEFAULT.max_message_bytes as usize))
        .with_state(gateway)
}

async fn uplink(
    State(gateway): State<Gateway>,
    Path(store): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let store = match gateway.admit(&store, &headers, &[Role::Terminals]) {
        Ok(store) => store,
        Err(response) => return *response,
    };
    let request = match CloudRequest::decode(&body, &Limits::DEFAULT) {
        Ok(request) if request.store() == store => request,
        Ok(_) => return (StatusCode::BAD_REQUEST, "the request is about another store\n").into_response(),
        Err(error) => {
            tracing::warn!(%store, %error, "a request does not decode");
            return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response();
        }
    };
    match gateway.ingest().handle(&request).await {
        Ok(reply) => {
            tracing::debug!(%store, reply = kind(&reply), "answered");
            reply.encode().into_response()
        }
        Err(error) => failed(&error),
    }
}

async fn head(State(gateway): State<Gateway>, Path(store): Path<String>, headers: HeaderMap) -> Response {
    let store = match gateway.admit(&store, &headers, &[Role::Terminals, Role::Publisher]) {
        Ok(store) => store,
        Err(response) => return *response,
    };
    match gateway.ingest().store().load(store).await {
        Ok(state) => Json(Head::of(store, &state)).into_response(),
        Err(error) => failed(&error),
    }
}

#[derive(Deserialize)]
struct Which {
    /// The name of an event, such as `3-0123456789ab/0:17`.
    event: String,
}

async fn hash(
    State(gateway): State<Gateway>,
    Path(store): Path<String>,
    headers: HeaderMap,
    Query(which): Query<Which>,
) -> Response {
    let store = match gateway.admit(&store, &headers, &[Role::Terminals, Role::Publisher]) {
        Ok(store) => store,
        Err(response) => return *response,
    };
    let event: EventId = match which.event.parse() {
        Ok(event) => event,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    match gateway.ingest().store().hash(store, event).await {
        Ok(hash) => Json(HashReport { event: event.to_string(), hash: hash.map(|hash| hash.to_string()) })
            .into_response(),
        Err(error) => failed(&error),
    }
}

fn kind(reply: &CloudReply) -> &'static str {
    match reply {
        CloudReply::Lease { .. } => "lease",
        CloudReply::Busy { .. } => "busy",
        CloudReply::Head { .. } => "head",
        CloudReply::Ack { .. } => "ack",
        CloudReply::Fenced { .. } => "fenced",
        CloudReply::Conflict { .. } => "conflict",
        CloudReply::Fork { .. } => "fork",
        CloudReply::Hash { .. } => "hash",
        CloudReply::Events { .. } => "events",
        CloudReply::Refused { .. } => "refused",
        _ => "unknown",
    }
}
