//! One terminal: its store on disk, its peers, its cloud, and a till API on loopback.

mod asked;
mod config;
mod convert;
#[cfg(test)]
mod golden;
mod guard;
mod http_signer;
mod look_up;
mod notify;
mod printed;
mod published;
mod recogniser;
mod resolving;
mod terminal;
mod till_api;
mod till_token;
mod webhook;

pub use config::{Config, ConfigError};
pub(crate) use config::{File as ConfigFile, Own as OwnConfig};
pub(crate) use guard::{CallerError, check_caller, check_origin};
pub use printed::DEFAULT_CONFIG;
pub use terminal::{RunError, run};
pub use till_token::TillToken;
pub use webhook::{NotAWebhook, WebhookUrl};
