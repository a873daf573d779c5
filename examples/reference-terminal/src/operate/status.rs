//! `status`: how a running terminal is, for people and for scripts.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use edgepos::{TokenFileError, read_token};
use serde_json::Value;
use thiserror::Error;

use crate::http::{CallError, Client};

/// How long the answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Exit status where the terminal does not answer, or with no status: a script that watches it tells that from something to act on.
const UNKNOWN: u8 = 3;

/// Which terminal is asked, and how its answer is shown.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Where its till calls it
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7101")]
    till: SocketAddr,
    /// The file with its token, where it has one
    #[arg(long, value_name = "FILE")]
    till_token: Option<PathBuf>,
    /// Print what it answers, as JSON
    #[arg(long)]
    json: bool,
}

/// Nobody knows how it is.
#[derive(Debug, Error)]
#[error(transparent)]
pub struct StatusError(Failure);

#[derive(Debug, Error)]
enum Failure {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("{0} answers, and not as a terminal does: its answer lists no conditions")]
    NoTerminal(SocketAddr),
    #[error("{}: {source}", path.display())]
    Token { path: PathBuf, source: TokenFileError },
}

impl StatusError {
    /// The exit status: 2 where what was asked for is at fault, 3 where nobody knows how it is.
    pub(crate) fn status(&self) -> u8 {
        if matches!(self.0, Failure::Token { .. }) { 2 } else { UNKNOWN }
    }
}

/// What it says, and whether nothing must be acted on.
///
/// # Errors
/// [`StatusError`] where it does not answer, or not as a terminal does.
pub async fn status(args: &StatusArgs) -> Result<(String, bool), StatusError> {
    let token = args.till_token.as_ref().map(|path| {
        read_token(path).map_err(|source| StatusError(Failure::Token { path: path.clone(), source }))
    });
    let client = Client::with_token(token.transpose()?);
    let told = client.get_within(args.till, "/status", PATIENCE).await;
    let told: Value = told.map_err(|error| StatusError(error.into()))?;
    let well = is_well(&told).ok_or(StatusError(Failure::NoTerminal(args.till)))?;
    Ok((if args.json { format!("{told:#}\n") } else { table(&told) }, well))
}

/// Whether nothing must be acted on; `None` for what no terminal answers. One of before lists no alerts.
fn is_well(told: &Value) -> Option<bool> {
    let none = |key: &str| told[key].as_array().map(Vec::is_empty);
    Some(none("conditions")? && none("alerts").unwrap_or(true))
}

fn table(told: &Value) -> String {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".into(),
        other => other.to_string(),
    };
    let names = |key: &str| {
        let names: Vec<String> = told[key].as_array().into_iter().flatten().map(text).collect();
        if names.is_empty() { "-".to_owned() } else { names.join(", ") }
    };
    let mut said = String::new();
    let mut row = |name: &str, value: String| {
        let _ = writeln!(said, "{name:<16}{value}");
    };
    row("terminal", text(&told["me"]));
    if told["author"] != told["me"] {
        row("writes as", text(&told["author"]));
    }
    row("mode", text(&told["mode"]));
    row("leader", format!("{} in term {}", text(&told["leader"]), text(&told["term"])));
    row("voters", names("voters"));
    row("connected", names("connected"));
    row("business day", text(&told["business_day"]));
    row("not in cloud", format!("{} events", text(&told["queued"])));
    row("open baskets", text(&told["open_baskets"]));
    row("exceptions", text(&told["open_exceptions"]));
    for condition in told["conditions"].as_array().into_iter().flatten() {
        let _ = writeln!(
            said,
            "! {}: {} {}",
            text(&condition["condition"]),
            text(&condition["says"]),
            text(&condition["remedy"])
        );
    }
    for alert in told["alerts"].as_array().into_iter().flatten() {
        let _ = writeln!(
            said,
            "! {}: {} {} ({}, with a threshold of {})",
            text(&alert["name"]),
            text(&alert["says"]),
            text(&alert["remedy"]),
            text(&alert["value"]),
            text(&alert["threshold"])
        );
    }
    said
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_condition_stands_last_with_what_to_do() {
        let told = json!({
            "me": "1-0123456789ab", "author": "1-0123456789ab", "mode": "normal", "leader": "2-0123456789ab", "term": 7,
            "voters": ["1-0123456789ab"], "connected": [], "business_day": null, "queued": 3, "open_baskets": 0, "open_exceptions": 1,
            "alerts": [{ "name": "sync_lag", "firing": true, "value": 75.0, "threshold": 60.0, "says": "Events are old.", "remedy": "Look." }],
            "conditions": [{ "condition": "disk_low", "says": "The disk is nearly full.", "remedy": "Make room." }],
        });
        let said = table(&told);
        assert!(
            said.contains("leader          2-0123456789ab in term 7\n") && !said.contains("writes as"),
            "{said}"
        );
        let last = "! disk_low: The disk is nearly full. Make room.\n\
                    ! sync_lag: Events are old. Look. (75.0, with a threshold of 60.0)\n";
        assert!(said.ends_with(last), "{said}");
        assert_eq!(is_well(&told), Some(false));
    }

    #[test]
    fn who_lists_no_conditions_is_no_terminal() {
        for (told, well) in [
            (json!({}), None),
            (json!({ "status": "ok" }), None),
            (json!({ "conditions": [] }), Some(true)),
            (json!({ "conditions": [], "alerts": [] }), Some(true)),
            (json!({ "conditions": [], "alerts": [{}] }), Some(false)),
            (json!({ "conditions": [{}], "alerts": [] }), Some(false)),
        ] {
            assert_eq!(is_well(&told), well, "{told}");
        }
    }
}
