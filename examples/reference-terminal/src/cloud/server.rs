//! The cloud's HTTP server.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use edgepos::core::StoreId;
use edgepos::sync::{CloudReply, CloudRequest, Limits};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::net::TcpListener;

use super::{Db, DbError};
use crate::api::LostEvents;
use crate::lifeline;
use crate::names::{VectorText, parse_16, parse_event, vector_text};

/// How the cloud runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Its SQLite file.
    pub db: PathBuf,
    /// Whether it ends when its standard input does.
    pub supervised: bool,
}

/// The cloud cannot run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CloudError {
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the call beneath it says.
        source: io::Error,
    },
    /// The file failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The server ended with an error.
    #[error("serving ended: {0}")]
    Serve(#[source] io::Error),
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
    pub vector: VectorText,
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

/// What `GET /v1/stores/{store}/hash?event=…` says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HashReport {
    /// The event that was asked for.
    pub event: String,
    /// The hash of its chain there; absent where the event is not held, or came before hashes were kept.
    pub hash: Option<String>,
}

/// Serves until it is asked to stop; prints `READY http://ADDR` on standard output once it does.
///
/// # Errors
/// [`CloudError`].
pub async fn serve(options: Options) -> Result<(), CloudError> {
    let address = options.listen;
    let listener =
        TcpListener::bind(address).await.map_err(|source| CloudError::Listen { address, source })?;
    let address = listener.local_addr().map_err(|source| CloudError::Listen { address, source })?;
    let parent = options.supervised.then(lifeline::parent_gone).transpose().map_err(CloudError::Serve)?;
    let db = Arc::new(Db::open(&options.db)?);
    let app = router(Arc::clone(&db));
    // Whoever started this may have closed the pipe: that is no reason not to serve.
    let _ = writeln!(io::stdout(), "READY http://{address}");
    tracing::info!(%address, db = %options.db.display(), "the cloud is up");
    let stop = async move {
        match parent {
            Some(gone) => tokio::select! {
                _ = gone => {}
                () = lifeline::asked_to_stop() => {}
            },
            None => lifeline::asked_to_stop().await,
        }
    };
    tokio::select! {
        served = async { axum::serve(listener, app).await } => served.map_err(CloudError::Serve)?,
        () = stop => {}
    }
    db.close().await?;
    tracing::info!("the cloud is down");
    Ok(())
}

fn router(db: Arc<Db>) -> Router {
    Router::new()
        .route("/v1/stores/{store}/uplink", post(uplink))
        .route("/v1/stores/{store}/head", get(head))
        .route("/v1/stores/{store}/hash", get(hash))
        .route("/health", get(|| async { "ok\n" }))
        .layer(DefaultBodyLimit::max(Limits::DEFAULT.max_message_bytes as usize))
        .with_state(db)
}

async fn uplink(State(db): State<Arc<Db>>, Path(store): Path<String>, body: Bytes) -> Response {
    let Ok(store) = parse_16(&store).map(StoreId) else {
        return (StatusCode::NOT_FOUND, "no such store\n").into_response();
    };
    let request = match CloudRequest::decode(&body, &Limits::DEFAULT) {
        Ok(request) if request.store() == store => request,
        Ok(_) => return (StatusCode::BAD_REQUEST, "the request is about another store\n").into_response(),
        Err(error) => {
            tracing::warn!(%store, %error, "a request does not decode");
            return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response();
        }
    };
    match db.handle(request).await {
        Ok(reply) => {
            tracing::debug!(%store, reply = kind(&reply), "answered");
            reply.encode().into_response()
        }
        Err(error) => failed(&error),
    }
}

async fn head(State(db): State<Arc<Db>>, Path(store): Path<String>) -> Response {
    let Ok(id) = parse_16(&store).map(StoreId) else {
        return (StatusCode::NOT_FOUND, "no such store\n").into_response();
    };
    match db.look(id).await {
        Ok((state, events)) => Json(Head {
            store: id.to_string(),
            epoch: state.epoch().0,
            holder: state.holder().map(|holder| holder.to_string()),
            events,
            batches: state.batches(),
            vector: vector_text(state.vector()),
            heads: state.heads().iter().map(|(chain, hash)| (chain.to_string(), hash.to_string())).collect(),
            instance: state.instance().map(|instance| instance.to_string()),
            lost: LostEvents::list(state.lost()),
        })
        .into_response(),
        Err(error) => failed(&error),
    }
}

#[derive(Deserialize)]
struct Which {
    /// The name of an event, such as `3-0123456789ab/0:17`.
    event: String,
}

async fn hash(State(db): State<Arc<Db>>, Path(store): Path<String>, Query(which): Query<Which>) -> Response {
    let Ok(store) = parse_16(&store).map(StoreId) else {
        return (StatusCode::NOT_FOUND, "no such store\n").into_response();
    };
    let event = match parse_event(&which.event) {
        Ok(event) => event,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    match db.hash(store, event).await {
        Ok(hash) => Json(HashReport { event: event.to_string(), hash: hash.map(|hash| hash.to_string()) })
            .into_response(),
        Err(error) => failed(&error),
    }
}

fn failed(error: &DbError) -> Response {
    tracing::warn!(%error, "not answered");
    (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response()
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
