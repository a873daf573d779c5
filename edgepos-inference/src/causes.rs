//! Errors in one line.

use std::error::Error;

/// An error and its causes in one line, `what: why: why`, for a log, a report or a person.
///
/// ```
/// use edgepos_inference::{Manifest, with_causes};
///
/// let error = Manifest::read("there/is/none".as_ref()).unwrap_err();
/// assert!(with_causes(&error).contains("there/is/none"));
/// ```
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
