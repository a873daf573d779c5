//! What a manager says about an exception.

use edgepos::core::EventId;
use edgepos::{Action, Resolve};
use serde::Deserialize;

use super::basket::key;
use crate::argument::bytes_of;
use crate::status::Failure;

/// What is to be done about an exception, and who says so.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskedResolve {
    /// Its `row`, in hexadecimal.
    exception: String,
    episode: u32,
    resolution: AskedAction,
    actor: String,
    #[serde(default)]
    reason: String,
    /// Where something was decided since, nothing is done.
    base: Option<u64>,
    key: String,
}

#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
enum AskedAction {
    Backorder {},
    AdjustInventory { delta: i64 },
    Recount { counted: Option<i64> },
    Accept {},
    VoidTransaction { transaction: String, refund: bool, approved_by: String },
    Undo { of: String },
    Fulfil { of: String },
    Cancel { of: String },
    Count { of: String, counted: i64 },
}

impl AskedResolve {
    pub(crate) fn into_resolve(self) -> Result<Resolve, Failure> {
        let Self { exception, episode, resolution, actor, reason, base, key: name } = self;
        let wrong = || Failure::bad_request("exception: expected hexadecimal digits, two a byte");
        let exception = bytes_of(&exception).ok_or_else(wrong)?;
        let (action, key) = (resolution.into_action()?, key(&name)?);
        Ok(Resolve { exception, episode, action, actor, reason, base, key })
    }
}

impl AskedAction {
    fn into_action(self) -> Result<Action, Failure> {
        Ok(match self {
            Self::Backorder {} => Action::Backorder,
            Self::AdjustInventory { delta } => Action::AdjustInventory { delta },
            Self::Recount { counted } => Action::Recount { counted },
            Self::Accept {} => Action::Accept,
            Self::VoidTransaction { transaction, refund, approved_by } => {
                Action::VoidTransaction { transaction: event(&transaction)?, refund, approved_by }
            }
            Self::Undo { of } => Action::Undo { of: event(&of)? },
            Self::Fulfil { of } => Action::Fulfil { of: event(&of)? },
            Self::Cancel { of } => Action::Cancel { of: event(&of)? },
            Self::Count { of, counted } => Action::Count { of: event(&of)?, counted },
        })
    }
}

fn event(text: &str) -> Result<EventId, Failure> {
    text.parse().map_err(|error| Failure::bad_request(format!("{text:?}: {error}")))
}
