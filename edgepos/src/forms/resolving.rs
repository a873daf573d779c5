//! What a manager says about an exception.

use serde::{Deserialize, Serialize};

use super::{FormError, bytes, key, name};
use crate::retail::exception::resolution::{Action, Resolve};

/// What is to be done about an exception. Asked at any terminal; the store decides, once for each exception.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolveException {
    /// What the exception is about: its `row`, in hexadecimal, as it is shown.
    pub exception: String,
    /// Which exception of the row.
    pub episode: u32,
    /// What is to be done.
    #[serde(deserialize_with = "crate::object::one")]
    pub resolution: ResolutionPart,
    /// Who decides, by the name that the shop knows them by.
    pub actor: String,
    /// Why it is done, for whoever reads the audit record.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The `base` that was shown with it: where something was decided since, nothing is done. Default: the latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<u64>,
    /// A key of 32 hexadecimal digits: a repeat answers the first result.
    pub key: String,
}

/// What is to be done about an exception.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum ResolutionPart {
    /// What is missing is owed to customers.
    Backorder {},
    /// The stock record was wrong.
    AdjustInventory {
        /// By how much the record changes.
        delta: i64,
    },
    /// Somebody counts, or has counted.
    Recount {
        /// How much there is, where it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        counted: Option<i64>,
    },
    /// It stays as it is, and open until the counter is at its floor again.
    Accept {},
    /// A sale is taken back.
    VoidTransaction {
        /// The event that booked it, such as `3-0123456789ab/0:17`.
        transaction: String,
        /// Whether its money was given back.
        refund: bool,
        /// Who has approved it.
        approved_by: String,
    },
    /// The latest decision about the exception is taken back.
    Undo {
        /// The event of that decision.
        of: String,
    },
    /// What was owed is handed out.
    Fulfil {
        /// The event that made it a back-order.
        of: String,
    },
    /// What was owed is owed no longer.
    Cancel {
        /// The event that made it a back-order.
        of: String,
    },
    /// What was to be counted is counted.
    Count {
        /// The event that asked for it.
        of: String,
        /// How much there is.
        counted: i64,
    },
}

impl ResolveException {
    /// The call that it asks for.
    ///
    /// # Errors
    /// When the row, a name or the key cannot be read.
    pub fn into_resolve(self) -> Result<Resolve, FormError> {
        let Self { exception, episode, resolution, actor, reason, base, key: text } = self;
        let (exception, action) = (bytes(&exception)?, resolution.into_action()?);
        Ok(Resolve { exception, episode, action, actor, reason, base, key: key(&text)? })
    }
}

impl ResolutionPart {
    fn into_action(self) -> Result<Action, FormError> {
        Ok(match self {
            Self::Backorder {} => Action::Backorder,
            Self::AdjustInventory { delta } => Action::AdjustInventory { delta },
            Self::Recount { counted } => Action::Recount { counted },
            Self::Accept {} => Action::Accept,
            Self::VoidTransaction { transaction, refund, approved_by } => {
                Action::VoidTransaction { transaction: name(&transaction)?, refund, approved_by }
            }
            Self::Undo { of } => Action::Undo { of: name(&of)? },
            Self::Fulfil { of } => Action::Fulfil { of: name(&of)? },
            Self::Cancel { of } => Action::Cancel { of: name(&of)? },
            Self::Count { of, counted } => Action::Count { of: name(&of)?, counted },
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    fn read(action: &str) -> Result<Resolve, String> {
        let text = format!(
            r#"{{"exception":"000000000000006d696c6b","episode":1,"resolution":{action},"actor":"Ada","key":"{}"}}"#,
            "09".repeat(16)
        );
        let form: ResolveException = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        form.into_resolve().map_err(|error| error.to_string())
    }

    #[test]
    fn each_action_is_read() {
        let of = r#""of":"0-000000000001/0:3""#;
        let sale = r#""transaction":"3-0123456789ab/0:17","refund":true,"approved_by":"Bo""#;
        let texts = [
            (r#"{"action":"backorder"}"#.to_owned(), "backorder"),
            (r#"{"action":"adjust_inventory","delta":-3}"#.to_owned(), "adjust_inventory"),
            (r#"{"action":"recount"}"#.to_owned(), "recount"),
            (r#"{"action":"recount","counted":7}"#.to_owned(), "recount"),
            (r#"{"action":"accept"}"#.to_owned(), "accept"),
            (format!(r#"{{"action":"void_transaction",{sale}}}"#), "void_transaction"),
            (format!(r#"{{"action":"undo",{of}}}"#), "undo"),
            (format!(r#"{{"action":"fulfil",{of}}}"#), "fulfil"),
            (format!(r#"{{"action":"cancel",{of}}}"#), "cancel"),
            (format!(r#"{{"action":"count",{of},"counted":4}}"#), "count"),
        ];
        for (text, name) in texts {
            assert_eq!(read(&text).unwrap().action.code().name(), name);
        }
        for bad in
            [r#"{"action":"forget"}"#, r#"{"action":"accept","delta":1}"#, r#"{"action":"undo","of":"x"}"#]
        {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
