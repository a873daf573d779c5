//! What a button answers: in words what the store did, and the events that are in its log for it.

use serde::Serialize;
use thiserror::Error;

use crate::api::Problem;
use crate::demo::faults::FaultError;
use crate::demo::process::GaveUp;
use crate::demo::register::RegisterError;
use crate::http::CallError;

/// What was done.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub(in crate::demo::dashboard) struct Told {
    /// What the store did, sentence by sentence.
    said: Vec<String>,
    /// The names of the events.
    events: Vec<String>,
    /// The basket that it was about, if one.
    #[serde(skip_serializing_if = "Option::is_none")]
    basket: Option<String>,
}

impl Told {
    pub(super) fn one(sentence: impl Into<String>) -> Self {
        Self { said: vec![sentence.into()], ..Self::default() }
    }

    pub(super) fn say(&mut self, sentence: impl Into<String>) {
        self.said.push(sentence.into());
    }

    pub(super) fn event(&mut self, event: impl Into<String>) {
        self.events.push(event.into());
    }

    /// It was about this basket.
    pub(super) fn about(&mut self, basket: &str) {
        self.basket = Some(basket.to_owned());
    }

    /// What was told of a sale stands behind what was told so far.
    pub(super) fn add(&mut self, other: Self) {
        self.said.extend(other.said);
        self.events.extend(other.events);
        self.basket = other.basket.or(self.basket.take());
    }

    pub(super) fn said(&self) -> &[String] {
        &self.said
    }
}

/// Why a button did not do it. What was done until then is in the story.
#[derive(Debug, Error)]
pub(in crate::demo::dashboard) enum ActError {
    /// It makes no sense as it is asked.
    #[error("{0}")]
    Ask(String),
    /// The store is not in a state for it.
    #[error("{0}")]
    NotNow(String),
    #[error(transparent)]
    Fault(#[from] FaultError),
    #[error(transparent)]
    Register(#[from] RegisterError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Gone(#[from] GaveUp),
}

impl ActError {
    /// The status of the answer (RFC 9110, section 15.5).
    pub(in crate::demo::dashboard) fn status(&self) -> u16 {
        match self {
            Self::Ask(_) => 400,
            Self::Call(CallError::Refused(Problem { .. })) | Self::NotNow(_) | Self::Register(_) => 409,
            Self::Fault(_) | Self::Call(_) | Self::Gone(_) => 503,
        }
    }
}
