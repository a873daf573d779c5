//! One terminal: its store on disk, its peers, its cloud, and a till API on loopback.

mod config;
mod convert;
mod guard;
mod recogniser;
mod terminal;
mod till_api;

pub(crate) use config::File as ConfigFile;
pub use config::{Config, ConfigError};
pub use terminal::{RunError, run};
