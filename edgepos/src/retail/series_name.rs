//! What a receipt series may be called: it stands on each receipt, and in what authorities are told of it.

use super::redact::is_card_number;

/// Longest name, in characters.
pub(crate) const MAX: usize = 16;

/// Refuses a name that no series may have.
///
/// # Errors
/// Says why.
pub(crate) fn check(series: &str) -> Result<(), &'static str> {
    match series {
        _ if series.trim().is_empty() || series.chars().count() > MAX => {
            Err("a series has 1 to 16 characters")
        }
        _ if series.chars().any(char::is_control) => Err("a series has no control characters"),
        _ if is_card_number(series) => Err("it is a card number"),
        _ => Ok(()),
    }
}
