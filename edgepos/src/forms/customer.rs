//! A customer's key, and what nobody shall read in a log line.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::FormError;
use crate::model::CustomerKey;

/// A text that is shown to nobody: its `Debug` has its length alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

/// The key to a customer's fields, for a terminal to keep.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeepKey {
    /// The customer's pseudonym.
    pub customer: String,
    /// The key: 64 hexadecimal digits.
    pub secret: Secret,
}

impl Secret {
    /// A secret of this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for whoever needs it.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl KeepKey {
    /// The key that it is.
    ///
    /// # Errors
    /// When it is not 64 hexadecimal digits.
    pub fn into_key(self) -> Result<CustomerKey, FormError> {
        key(self.customer, &self.secret)
    }
}

/// The key of a customer.
pub(super) fn key(customer: String, secret: &Secret) -> Result<CustomerKey, FormError> {
    CustomerKey::parse(customer, secret.text()).map_err(FormError::CustomerKey)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn what_is_secret_is_read_and_not_shown() {
        let digits = "a1".repeat(32);
        let json = format!(r#"{{"customer": "c-1", "secret": "{digits}"}}"#);
        let form: KeepKey = serde_json::from_str(&json).unwrap();
        assert!(!format!("{form:?}").contains("a1a1"));
        assert_eq!(form.into_key(), CustomerKey::parse("c-1", &digits).map_err(FormError::CustomerKey));
    }
}
