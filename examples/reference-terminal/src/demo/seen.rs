//! What the demo reads of a terminal's answers: a few fields, as a vendor's screen would.

use serde::{Deserialize, Serialize};

use crate::names::VectorText;

/// Of `GET /status`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct SeenStatus {
    pub(super) me: String,
    /// Who writes its events: itself, or who it became where its disk had been put back.
    pub(super) author: String,
    pub(super) term: Option<u64>,
    pub(super) leads: bool,
    pub(super) mode: String,
    pub(super) queued: u64,
    pub(super) business_day: Option<u32>,
    pub(super) connected: Vec<String>,
    pub(super) voters: Vec<String>,
    pub(super) exceptions: Vec<SeenException>,
    pub(super) conditions: Vec<SeenCondition>,
    pub(super) durable: VectorText,
}

/// An exception of a status.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize)]
pub(super) struct SeenException {
    pub(super) exception: String,
    /// What it is about, in hexadecimal.
    pub(super) row: String,
    pub(super) value: i64,
    pub(super) floor: i64,
    /// The events that brought it about.
    pub(super) involved: Vec<String>,
}

/// What someone must act on.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize)]
pub(super) struct SeenCondition {
    pub(super) condition: String,
    pub(super) says: String,
    pub(super) remedy: String,
    pub(super) about: String,
}

/// Of `GET /counters`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct SeenCounter {
    pub(super) value: i64,
}
