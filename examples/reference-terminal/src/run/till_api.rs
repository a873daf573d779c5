//! The till's calls over HTTP and JSON. [`crate::api`] says what they are.

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use edgepos::core::ReplicaId;
use edgepos::{Begun, Clock, Committed, Diagnosis, METRICS_CONTENT_TYPE, Refusal, Resolution, SystemClock};
use serde::{Deserialize, Serialize};

use super::asked::{Answer, Asked, Till, asked, read};
use super::convert;
use super::guard::{self, Body};
use super::look_up;
use super::published;
use super::recogniser;
use super::resolving;
use super::till_token::TillToken;
use crate::api::{
    Abandon, Admit, Bare, Begin, Done, Flush, Flushed, KeyedRecord, LevelRaised, Park, Pay, Problem,
    ProblemCode, Recognised, Recorded, Replace, ResolveException, Retire, WriteOff,
};
use crate::cloud::LostEvents;

/// Largest JSON body: the largest receipt fits some times over.
const MAX_JSON: usize = 1 << 20;
/// Longest wait for the cloud, in ms: a till's own call does not hang for longer.
const MAX_FLUSH_MS: u32 = 60_000;
/// Largest picture.
const MAX_PICTURE: usize = 16 << 20;

pub(super) fn router(till: Till, token: Option<TillToken>) -> Router {
    let picture = post(recognise)
        .layer(DefaultBodyLimit::max(MAX_PICTURE))
        .layer(from_fn_with_state(Body::Picture, guard::content_type));
    Router::new()
        .route("/begin", post(begin))
        .route("/update", post(update))
        .route("/commit", post(commit))
        .route("/abandon", post(abandon))
        .route("/park", post(park))
        .route("/claim", post(claim))
        .route("/record", post(record))
        .route("/status", get(status))
        .route("/unresolved", get(unresolved))
        .route("/payments", get(payments))
        .route("/lost", get(lost))
        .route("/diagnosis", get(diagnosis))
        .route("/counters", get(look_up::counters))
        .route("/exceptions", get(look_up::exceptions))
        .route("/resolve", post(resolve))
        .route("/resolutions", get(resolving::resolutions))
        .route("/transactions", get(look_up::transactions))
        .route("/transaction", get(look_up::transaction))
        .route("/receipts", get(look_up::receipts))
        .route("/basket", get(look_up::basket))
        .route("/price", get(price))
        .route("/day", get(look_up::day))
        .route("/customer", get(published::customer))
        .route("/keep_key", post(published::keep_key))
        .route("/document", get(published::document))
        .route("/documents", get(published::documents))
        .route("/attachments", get(published::attachments))
        .route("/attachment", get(published::attachment))
        .route("/product", get(product))
        .route("/metrics", get(metrics))
        .route("/admit", post(admit))
        .route("/retire", post(retire))
        .route("/replace", post(replace))
        .route("/write_off", post(write_off))
        .route("/raise-level", post(raise_level))
        .route("/flush", post(flush))
        .route("/stop", post(stop))
        .layer(DefaultBodyLimit::max(MAX_JSON))
        .layer(from_fn_with_state(Body::Json, guard::content_type))
        .route("/recognise", picture)
        .layer(from_fn_with_state(token, guard::caller))
        .layer(from_fn(guard::in_json))
        .with_state(till)
}

async fn begin(State(till): State<Till>, body: Bytes) -> Answer<Begun> {
    let draft = read::<Begin>(&body)?.into_draft()?;
    Ok(Json(till.node.begin(draft).await?))
}

async fn update(State(till): State<Till>, body: Bytes) -> Answer<Begun> {
    let draft = read::<Begin>(&body)?.into_draft()?;
    Ok(Json(till.node.update(draft).await?))
}

async fn commit(State(till): State<Till>, body: Bytes) -> Answer<Committed> {
    let commit = read::<Pay>(&body)?.into_commit()?;
    Ok(Json(till.node.commit(commit).await?))
}

async fn abandon(State(till): State<Till>, body: Bytes) -> Answer<Done> {
    let basket = convert::basket(&read::<Abandon>(&body)?.basket)?;
    till.node.abandon(basket).await?;
    Ok(Json(Done {}))
}

async fn park(State(till): State<Till>, body: Bytes) -> Answer<Done> {
    let basket = convert::basket(&read::<Park>(&body)?.basket)?;
    till.node.park(basket).await?;
    Ok(Json(Done {}))
}

async fn claim(State(till): State<Till>, body: Bytes) -> Answer<impl Serialize> {
    let basket = convert::basket(&read::<Park>(&body)?.basket)?;
    let claimed = till.node.claim(basket).await?;
    Ok(Json(convert::claimed(basket, claimed)))
}

async fn record(State(till): State<Till>, body: Bytes) -> Answer<Recorded> {
    let record = read::<KeyedRecord>(&body)?.into_record(till.location)?;
    let event = till.node.record(record).await?;
    Ok(Json(Recorded { event: event.to_string() }))
}

async fn status(State(till): State<Till>) -> Answer<impl Serialize> {
    Ok(Json(till.node.status().await?))
}

async fn diagnosis(State(till): State<Till>) -> Answer<Diagnosis> {
    Ok(Json(till.node.diagnosis().await?))
}

async fn metrics(State(till): State<Till>) -> Result<impl IntoResponse, Problem> {
    Ok(([(CONTENT_TYPE, METRICS_CONTENT_TYPE)], till.node.metrics().await?))
}

async fn unresolved(State(till): State<Till>) -> Answer<impl Serialize> {
    Ok(Json(till.node.unresolved().await?))
}

async fn payments(State(till): State<Till>) -> Answer<impl Serialize> {
    Ok(Json(till.node.unresolved_payments().await?))
}

async fn lost(State(till): State<Till>) -> Answer<impl Serialize> {
    Ok(Json(LostEvents::list(&till.node.lost().await?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Priced {
    product: String,
    #[serde(default)]
    list: u16,
    /// The moment, milliseconds since 1970 UTC; this one where absent.
    at_ms: Option<u64>,
}

async fn price(State(till): State<Till>, priced: Asked<Priced>) -> Answer<impl Serialize> {
    let Priced { product, list, at_ms } = asked(priced)?;
    let now = || SystemClock::new().now().wall.0;
    let missing = || {
        let error = format!("no price of {product:?} is in force");
        Problem::new(ProblemCode::NoPrice, error)
    };
    let found = till.node.price(product.clone(), list, at_ms.unwrap_or_else(now)).await?;
    found.map(Json).ok_or_else(missing)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    product: String,
    /// The moment, milliseconds since 1970 UTC; this one where absent.
    at_ms: Option<u64>,
}

async fn product(State(till): State<Till>, described: Asked<Described>) -> Answer<impl Serialize> {
    let Described { product, at_ms } = asked(described)?;
    let at_ms = at_ms.unwrap_or_else(|| SystemClock::new().now().wall.0);
    let missing = || Problem::new(ProblemCode::NotFound, format!("no product {product:?} is in force"));
    let found = till.node.product_at(product.clone(), at_ms).await?;
    found.map(Json).ok_or_else(missing)
}

async fn recognise(State(till): State<Till>, body: Bytes) -> Answer<Recognised> {
    Ok(Json(recogniser::recognise(&till.models, body.to_vec()).await?))
}

async fn admit(State(till): State<Till>, body: Bytes) -> Answer<Done> {
    let replica: ReplicaId = read::<Admit>(&body)?.replica.parse().map_err(convert::bad_request)?;
    till.node.admit(replica).await.map_err(convert::bad_request)?;
    Ok(Json(Done {}))
}

async fn retire(State(till): State<Till>, body: Bytes) -> Answer<Done> {
    let replica: ReplicaId = read::<Retire>(&body)?.replica.parse().map_err(convert::bad_request)?;
    till.node.retire(replica).await.map_err(|error| convert::membership_problem(&error))?;
    Ok(Json(Done {}))
}

async fn replace(State(till): State<Till>, body: Bytes) -> Answer<Done> {
    let Replace { terminal, planned } = read(&body)?;
    till.node.replace(terminal, planned).await.map_err(|error| convert::replace_problem(&error))?;
    Ok(Json(Done {}))
}

async fn write_off(State(till): State<Till>, body: Bytes) -> Answer<Done> {
    let WriteOff { terminal } = read(&body)?;
    till.node.write_off(terminal).await.map_err(|error| convert::replace_problem(&error))?;
    Ok(Json(Done {}))
}

async fn resolve(State(till): State<Till>, body: Bytes) -> Answer<Resolution> {
    let call = read::<ResolveException>(&body)?.into_resolve()?;
    Ok(Json(till.node.resolve(call).await?))
}

async fn raise_level(State(till): State<Till>, body: Bytes) -> Answer<LevelRaised> {
    bare(&body)?;
    let level = till.node.raise_level().await.map_err(|error| convert::level_problem(&error))?;
    Ok(Json(LevelRaised { level }))
}

async fn flush(State(till): State<Till>, body: Bytes) -> Answer<Flushed> {
    let asked: Flush = if body.is_empty() { Flush::default() } else { read(&body)? };
    let queued = match asked.until_uploaded_ms {
        None => {
            till.node.flush().await;
            None
        }
        Some(ms) if ms > MAX_FLUSH_MS => {
            return Err(convert::bad_request(format!("until_uploaded_ms: over {MAX_FLUSH_MS}")));
        }
        Some(ms) => Some(till.node.flush_until_uploaded(Duration::from_millis(ms.into())).await?),
    };
    Ok(Json(Flushed { queued }))
}

async fn stop(State(till): State<Till>, body: Bytes) -> Answer<Done> {
    bare(&body)?;
    till.stop.notify_one();
    Ok(Json(Done {}))
}

/// A call that says nothing more than its path.
fn bare(body: &Bytes) -> Result<(), Problem> {
    if body.is_empty() { Ok(()) } else { read::<Bare>(body).map(drop) }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        convert::problem(&refusal)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = match self.code {
            ProblemCode::BadRequest => StatusCode::BAD_REQUEST,
            ProblemCode::NoPrice | ProblemCode::NotFound => StatusCode::NOT_FOUND,
            ProblemCode::Forbidden => StatusCode::FORBIDDEN,
            ProblemCode::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ProblemCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            ProblemCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            ProblemCode::NotReturnable
            | ProblemCode::Overdrawn
            | ProblemCode::UnknownBasket
            | ProblemCode::Elsewhere
            | ProblemCode::Tenders
            | ProblemCode::Payment
            | ProblemCode::Booked
            | ProblemCode::BookedElsewhere
            | ProblemCode::Day
            | ProblemCode::DayClosed
            | ProblemCode::Level
            | ProblemCode::NotLeader
            | ProblemCode::ClockOff
            | ProblemCode::Connected
            | ProblemCode::NoMajority
            | ProblemCode::Ended
            | ProblemCode::Resolved
            | ProblemCode::Stale
            | ProblemCode::DiskFull => StatusCode::CONFLICT,
            ProblemCode::Busy
            | ProblemCode::Stopped
            | ProblemCode::Damaged
            | ProblemCode::NoModel
            | ProblemCode::Undecided => StatusCode::SERVICE_UNAVAILABLE,
        };
        (status, Json(self)).into_response()
    }
}
