//! What the demo reads of a terminal's answers: a few fields, as a vendor's screen would.

use serde::Deserialize;

use crate::names::VectorText;

/// Of `GET /status`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct SeenStatus {
    pub(super) term: Option<u64>,
    pub(super) leads: bool,
    pub(super) mode: String,
    pub(super) queued: u64,
    pub(super) business_day: Option<u32>,
    pub(super) exceptions: Vec<SeenException>,
    pub(super) durable: VectorText,
}

/// An exception of a status.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct SeenException {
    pub(super) exception: String,
}

/// Of `GET /counters`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct SeenCounter {
    pub(super) value: i64,
}
