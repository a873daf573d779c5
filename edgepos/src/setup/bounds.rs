//! What a terminal and its engines refuse of a configuration, said under the names that a file has, before anything is made on a disk.

use edgepos_consensus as consensus;
use edgepos_sync as sync;
use thiserror::Error;

use crate::terminal::{Config, ConfigError};

/// The keys of a file by the names of the fields that they set, where these differ.
const KEYS: [(&str, &str); 15] = [
    ("me", "terminal"),
    ("flush_interval", "flush_ms"),
    ("peak_flush_interval", "busy_flush_ms"),
    ("exception_grace", "exception_grace_ms"),
    ("begin_pause", "begin_pause_ms"),
    ("sign_within", "sign_within_ms"),
    ("uplink_timeout", "uplink_timeout_ms"),
    ("uplink_retry", "uplink_retry_ms"),
    ("uplink_max", "uplink_retry_ms"),
    ("leaderless_upload_after", "leaderless_upload_after_ms"),
    ("replace_voter_after (ms)", "replace_voter_after_s"),
    ("disk_stall_after (ms)", "disk_stall_after_ms"),
    ("level", "level_after_s"),
    ("peak_above", "busy_above"),
    ("peak_below", "busy_above"),
];

/// What is refused, with its key.
#[derive(Debug, Error)]
#[error("{0}")]
pub(super) struct OutOfBounds(String);

/// Refuses what would be refused when the terminal starts.
pub(super) fn check(config: &Config) -> Result<(), OutOfBounds> {
    let Err(error) = config.check_all() else { return Ok(()) };
    let said = |field: &str, reason: String| OutOfBounds(format!("field {}: {reason}", key(field)));
    Err(match error {
        ConfigError::Bounds { field, bounds } => {
            said(field, format!("is out of its bounds: {}", bounds.replace("flush_interval", "flush_ms")))
        }
        ConfigError::Election(consensus::StartError::Config(error)) => match error {
            consensus::ConfigError::OutOfRange { field, given, min, max } => {
                let unit = if field.ends_with("(ms)") { " ms" } else { "" };
                let most = if max == u64::MAX { String::new() } else { format!(" to {max}") };
                said(field, format!("{given}{unit} is out of its bounds: {min}{most}{unit} at least"))
            }
            consensus::ConfigError::Twice { replica } => {
                said("voters", format!("terminal {} is listed twice", replica.terminal()))
            }
            other => said("voters", other.to_string()),
        },
        ConfigError::Outbox(sync::StartError::Config(error)) => match error {
            sync::ConfigError::Zero { field } => said(field, "is zero".into()),
            sync::ConfigError::Above { field, value, limit, .. } => {
                said(field, format!("{value} is above {limit}"))
            }
            sync::ConfigError::Order { low, high } => said(low, format!("is not below {}", key(high))),
            other => OutOfBounds(format!("the configuration contradicts itself: {other}")),
        },
        other => OutOfBounds(format!("the configuration contradicts itself: {other}")),
    })
}

/// The key of a field.
fn key(field: &str) -> &str {
    KEYS.iter().find(|(name, _)| *name == field).map_or(field, |(_, key)| key)
}
