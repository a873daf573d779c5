//! What runs where, and why nothing better does: for `doctor`, for the dashboard, for support.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::backend::{EngineError, Placement};
use crate::integrity::Sha256;
use crate::manifest::Precision;

/// How one loaded model came to run where it runs.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The model's name in the manifest.
    pub model: String,
    /// The version of the model.
    pub version: String,
    /// The file's digest.
    pub sha256: Sha256,
    /// Which numbers it computes with.
    pub precision: Precision,
    /// The engine that runs it.
    pub engine: &'static str,
    /// Where the nodes run, in words.
    pub placement: String,
    /// How long loading took, in microseconds.
    pub load_us: u64,
    /// How long one run on the known sample took, in microseconds; `None` without a sample.
    pub warm_run_us: Option<u64>,
    /// Whether the known sample was answered as expected; `None` without a sample.
    pub known_answer: Option<bool>,
    /// What was tried before and refused.
    pub refused: Vec<RefusedEngine>,
}

/// An engine or file that was tried and not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RefusedEngine {
    /// The name of the engine that was not taken.
    pub engine: String,
    /// Which file it was to run.
    pub precision: Precision,
    /// Why it does not.
    pub reason: String,
}

impl Report {
    /// The model and its version, which say whose embeddings a [`Gallery`](crate::Gallery) holds: they are alike on any
    /// engine and in any precision.
    #[must_use]
    pub fn model_and_version(&self) -> String {
        format!("{} {}", self.model, self.version)
    }
}

impl RefusedEngine {
    pub(crate) fn new(engine: &str, precision: Precision, reason: impl Into<String>) -> Self {
        Self { engine: engine.to_owned(), precision, reason: in_one_line(&reason.into()) }
    }

    pub(crate) fn engine(error: &EngineError, engine: &str, precision: Precision) -> Self {
        Self::new(engine, precision, error.to_string())
    }
}

/// Longest reason, in bytes: some drivers answer with their stack.
const MAX_REASON: usize = 300;

fn in_one_line(reason: &str) -> String {
    let mut line = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.len() > MAX_REASON {
        line.truncate(line.floor_char_boundary(MAX_REASON));
        line.push('…');
    }
    line
}

impl fmt::Display for RefusedEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.engine, self.precision, self.reason)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} ({}) on {}, {}",
            self.model, self.version, self.precision, self.engine, self.placement
        )?;
        write!(f, "; loaded in {:.1} ms", self.load_us as f64 / 1e3)?;
        if let Some(run) = self.warm_run_us {
            write!(f, ", known sample in {:.1} ms", run as f64 / 1e3)?;
        }
        for refusal in &self.refused {
            write!(f, "\n  not {refusal}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("processor"),
            Self::Accelerated { provider, nodes, total } => {
                write!(f, "{provider} ({nodes} of {total} nodes)")
            }
        }
    }
}

pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_of_limited_length() {
        let refusal = RefusedEngine::new("gpu", Precision::Fp32, "  it\n\n\tfell over ");
        assert_eq!(refusal.to_string(), "gpu (fp32): it fell over");
        let long = RefusedEngine::new("gpu", Precision::Fp32, "ß".repeat(1000));
        assert!(long.reason.len() <= MAX_REASON + '…'.len_utf8() && long.reason.ends_with('…'));
    }
}
