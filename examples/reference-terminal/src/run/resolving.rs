//! The manager's calls about exceptions: what is to be done, and what was done.

use axum::extract::State;
use axum::response::Json;
use edgepos::AuditEntry;
use edgepos::core::EventId;
use serde::Deserialize;

use super::asked::{Answer, Asked, Till, asked};
use super::convert::bad_request;
use crate::api::Problem;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct After {
    /// The event that the page before ended with.
    after: Option<String>,
}

pub(super) async fn resolutions(State(till): State<Till>, after: Asked<After>) -> Answer<Vec<AuditEntry>> {
    let after = asked(after)?.after.as_deref().map(event).transpose()?;
    Ok(Json(till.node.resolutions(after).await?))
}

fn event(text: &str) -> Result<EventId, Problem> {
    text.parse().map_err(|error| bad_request(format!("{text:?}: {error}")))
}
