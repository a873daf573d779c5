//! What is proposed and decided about exceptions.

use edgepos_core::EventId;
use serde::{Serialize, Serializer};

use super::text;
use crate::model::{Advice, ExceptionRaised, ExceptionResolved, ResolutionProposed, Reversal, Score};
use crate::retail::exception::open::OpenException;
use crate::retail::exception::resolution::Resolution;
use crate::retail::exception::resolutions::{AuditEntry, Audited};

/// Advice as it is shown.
#[derive(Serialize)]
struct Advised<'a> {
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction: Option<String>,
    by: &'a str,
    reasons: &'a [String],
    scores: &'a [Score],
    #[serde(skip_serializing_if = "Option::is_none")]
    fallback: Option<&'static str>,
}

/// A proposal.
#[derive(Serialize)]
struct Proposed<'a> {
    #[serde(serialize_with = "text::bytes::serialize")]
    row: &'a [u8],
    episode: u32,
    advice: &'a Advice,
}

/// A decision.
#[derive(Serialize)]
struct Resolved<'a> {
    #[serde(serialize_with = "text::bytes::serialize")]
    row: &'a [u8],
    episode: u32,
    action: &'static str,
    actor: &'a str,
    reason: &'a str,
    at_ms: u64,
    base: u64,
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refund: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approved_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'a Advice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reversal: Option<&'a Reversal>,
}

/// What a call came to.
#[derive(Serialize)]
struct Came<'a> {
    event: String,
    repeated: bool,
    #[serde(flatten)]
    resolved: &'a ExceptionResolved,
}

/// An exception with what became of it.
#[derive(Serialize)]
struct Open<'a> {
    #[serde(flatten)]
    raised: &'a ExceptionRaised,
    base: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    proposed: Option<&'a Advice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolution: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved: Option<&'a ExceptionResolved>,
}

/// A line of the audit record.
#[derive(Serialize)]
struct Line<'a> {
    event: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    proposed: Option<&'a ResolutionProposed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved: Option<&'a ExceptionResolved>,
}

fn name(id: Option<EventId>) -> Option<String> {
    id.map(|id| id.to_string())
}

impl Serialize for Advice {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self { action, transaction, by, reasons, scores, fallback } = self;
        let (action, fallback) = (action.name(), fallback.map(|fallback| fallback.name()));
        Advised { action, transaction: name(*transaction), by, reasons, scores, fallback }.serialize(to)
    }
}

impl Serialize for ResolutionProposed {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Proposed { row: self.subject(), episode: self.episode, advice: &self.advice }.serialize(to)
    }
}

impl Serialize for ExceptionResolved {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Resolved {
            row: self.subject(),
            episode: self.episode,
            action: self.action.name(),
            actor: &self.actor,
            reason: &self.reason,
            at_ms: self.at_ms,
            base: self.base,
            key: self.key().to_string(),
            of: name(self.of),
            amount: self.amount,
            transaction: name(self.transaction),
            refund: self.refund,
            approved_by: self.approved_by.as_deref(),
            advice: self.advice.as_ref(),
            refused: self.refused.map(|refused| refused.name()),
            reversal: self.reversal.as_deref(),
        }
        .serialize(to)
    }
}

impl Serialize for Resolution {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self { event, resolved, repeated } = self;
        Came { event: event.to_string(), repeated: *repeated, resolved }.serialize(to)
    }
}

impl Serialize for OpenException {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self { raised, base, proposed, resolution, resolved } = self;
        let (proposed, resolved) = (proposed.as_ref(), resolved.as_ref());
        Open { raised, base: *base, proposed, resolution: name(*resolution), resolved }.serialize(to)
    }
}

impl Serialize for AuditEntry {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (proposed, resolved) = match &self.what {
            Audited::Proposed(proposed) => (Some(proposed), None),
            Audited::Resolved(resolved) => (None, Some(resolved)),
        };
        Line { event: self.event.to_string(), state: self.state.name(), proposed, resolved }.serialize(to)
    }
}
