//! What a caller at the till gets: an answer, or what to do without one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::backend::RunError;
use crate::picture::PictureError;

/// The result of asking a model at the till. There is no error type here on purpose: whatever went wrong, the sale
/// goes on, and the caller learns how.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub enum Outcome<T> {
    /// The model answered in time.
    Answer(T),
    /// No answer in time; the person at the till does `action`.
    Fallback {
        /// What to do instead.
        action: Action,
        /// Why there is no answer of the model.
        reason: Reason,
    },
}

impl<T> Outcome<T> {
    /// The answer, if there is one.
    pub fn answer(self) -> Option<T> {
        match self {
            Self::Answer(answer) => Some(answer),
            Self::Fallback { .. } => None,
        }
    }

    /// Whether there is none.
    pub fn is_fallback(&self) -> bool {
        matches!(self, Self::Fallback { .. })
    }
}

/// What a person or the till does when a model gives no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// Key in or pick the product.
    ManualEntry,
    /// Go on without a score; the shop's rules for unscored payments apply.
    ProceedUnscored,
    /// Use the screen instead of the voice.
    UseScreen,
}

/// Why a model gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The deadline passed.
    Timeout,
    /// Too many requests wait, or an earlier run overstays its deadline.
    Busy,
    /// The picture cannot be used.
    Decode(PictureError),
    /// The input has the wrong size or values that are not numbers.
    Input,
    /// There is nothing of the kind on the picture.
    NotFound,
    /// Not enough memory, even for one request alone.
    OutOfMemory,
    /// The model is sure of nothing: the confidence is below the model's `discard_below`.
    Unsure,
    /// The engine failed.
    Engine(RunError),
    /// The worker is shutting down or gone.
    Unavailable,
}

impl Reason {
    /// A stable word for metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Busy => "busy",
            Self::Decode(_) => "decode",
            Self::Input => "input",
            Self::NotFound => "not_found",
            Self::OutOfMemory => "out_of_memory",
            Self::Unsure => "unsure",
            Self::Engine(_) => "engine",
            Self::Unavailable => "unavailable",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("the deadline passed"),
            Self::Busy => f.write_str("the model is busy"),
            Self::Decode(error) => error.fmt(f),
            Self::Input => f.write_str("the input does not fit the model"),
            Self::NotFound => f.write_str("nothing was found on the picture"),
            Self::OutOfMemory => f.write_str("out of memory"),
            Self::Unsure => f.write_str("the model is not sure of anything"),
            Self::Engine(error) => error.fmt(f),
            Self::Unavailable => f.write_str("the model is not available"),
        }
    }
}

impl From<RunError> for Reason {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Stopped => Self::Timeout,
            RunError::OutOfMemory => Self::OutOfMemory,
            RunError::Input { .. } => Self::Input,
            other => Self::Engine(other),
        }
    }
}
