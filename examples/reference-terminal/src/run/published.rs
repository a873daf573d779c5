//! The till's questions about what was published to its store, beside products and prices.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Json;
use edgepos::model::BasketId;
use edgepos::{
    Attachment, AttachmentName, AttachmentQuery, Clock, Customer, CustomerQuery, Document, DocumentName,
    DocumentQuery, DocumentsQuery, SystemClock,
};
use serde::Deserialize;

use super::asked::{Answer, Asked, Till, asked, read};
use super::convert::bad_request;
use crate::api::{Done, KeepKey, Problem, ProblemCode};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct One {
    namespace: String,
    document: String,
    /// The moment, milliseconds since 1970 UTC; this one where absent.
    at_ms: Option<u64>,
}

pub(super) async fn document(State(till): State<Till>, one: Asked<One>) -> Answer<Document> {
    let One { namespace, document: key, at_ms } = asked(one)?;
    let error = format!("no document {key:?} of {namespace:?} is in force");
    let query = DocumentQuery { namespace, key, at_ms: at_ms.unwrap_or_else(now) };
    let found = till.node.document(query).await?;
    found.map(Json).ok_or_else(|| Problem::new(ProblemCode::NotFound, error))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Many {
    namespace: String,
    /// The moment, milliseconds since 1970 UTC; this one where absent.
    at_ms: Option<u64>,
    /// The key that the page before ended with.
    after: Option<String>,
}

pub(super) async fn documents(State(till): State<Till>, many: Asked<Many>) -> Answer<Vec<DocumentName>> {
    let Many { namespace, at_ms, after } = asked(many)?;
    let query = DocumentsQuery { namespace, at_ms: at_ms.unwrap_or_else(now), after };
    Ok(Json(till.node.documents(query).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfBasket {
    basket: BasketId,
}

pub(super) async fn attachments(
    State(till): State<Till>,
    of: Asked<OfBasket>,
) -> Answer<Vec<AttachmentName>> {
    Ok(Json(till.node.attachments(asked(of)?.basket).await?))
}

pub(super) async fn attachment(State(till): State<Till>, one: Asked<AttachmentQuery>) -> Answer<Attachment> {
    let found = till.node.attachment(asked(one)?).await?;
    found
        .map(Json)
        .ok_or_else(|| Problem::new(ProblemCode::NotFound, "nothing of this hash is attached here"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Named {
    customer: Option<String>,
    name: Option<String>,
}

pub(super) async fn customer(State(till): State<Till>, named: Asked<Named>) -> Answer<Customer> {
    let query = match asked(named)? {
        Named { customer: Some(customer), name: None } => CustomerQuery::Customer(customer),
        Named { customer: None, name: Some(name) } => CustomerQuery::Name(name),
        _ => return Err(bad_request("either customer or name is needed")),
    };
    let found = till.node.customer(query).await?;
    found
        .map(Json)
        .ok_or_else(|| Problem::new(ProblemCode::NotFound, "no customer of this name is known here"))
}

pub(super) async fn keep_key(State(till): State<Till>, body: Bytes) -> Answer<Done> {
    till.node.keep_key(read::<KeepKey>(&body)?.into_key()?).await?;
    Ok(Json(Done {}))
}

fn now() -> u64 {
    SystemClock::new().now().wall.0
}
