//! The manager's calls about exceptions: what is to be done, and what was done.

use axum::extract::State;
use axum::response::Json;
use edgepos::core::EventId;
use edgepos::{Action, AuditEntry, Resolve};
use serde::Deserialize;

use super::asked::{Answer, Asked, Till, asked};
use super::convert::{self, bad_request};
use super::look_up::bytes;
use crate::api::{Problem, ResolutionPart, ResolveException};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct After {
    /// The event that the page before ended with.
    after: Option<String>,
}

pub(super) async fn resolutions(State(till): State<Till>, after: Asked<After>) -> Answer<Vec<AuditEntry>> {
    let after = asked(after)?.after.as_deref().map(event).transpose()?;
    Ok(Json(till.node.resolutions(after).await?))
}

/// The call that a body asks for.
pub(super) fn call(asked: ResolveException) -> Result<Resolve, Problem> {
    let ResolveException { exception, episode, resolution, actor, reason, base, key } = asked;
    let action = match resolution {
        ResolutionPart::Backorder {} => Action::Backorder,
        ResolutionPart::AdjustInventory { delta } => Action::AdjustInventory { delta },
        ResolutionPart::Recount { counted } => Action::Recount { counted },
        ResolutionPart::Accept {} => Action::Accept,
        ResolutionPart::VoidTransaction { transaction, refund, approved_by } => {
            Action::VoidTransaction { transaction: event(&transaction)?, refund, approved_by }
        }
        ResolutionPart::Undo { of } => Action::Undo { of: event(&of)? },
        ResolutionPart::Fulfil { of } => Action::Fulfil { of: event(&of)? },
        ResolutionPart::Cancel { of } => Action::Cancel { of: event(&of)? },
        ResolutionPart::Count { of, counted } => Action::Count { of: event(&of)?, counted },
    };
    let (exception, key) = (bytes(&exception)?, convert::key(&key)?);
    Ok(Resolve { exception, episode, action, actor, reason, base, key })
}

fn event(text: &str) -> Result<EventId, Problem> {
    text.parse().map_err(|error| bad_request(format!("{text:?}: {error}")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;
    use crate::api::ProblemCode;

    fn read(action: &str) -> Result<Resolve, Problem> {
        let text = format!(
            r#"{{"exception":"000000000000006d696c6b","episode":1,"resolution":{action},"actor":"Ada","key":"{}"}}"#,
            "09".repeat(16)
        );
        call(serde_json::from_str(&text).map_err(bad_request)?)
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
            assert_eq!(read(bad).unwrap_err().code, ProblemCode::BadRequest, "{bad}");
        }
    }
}
