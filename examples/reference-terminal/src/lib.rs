//! A store of terminals and a cloud on one machine, to evaluate `edgepos` with.
//!
//! - [`demo`]: starts them all, sells a real week through them, breaks what can break, and proves that nothing was lost.
//! - [`run`]: one terminal from a TOML file, with a till API over HTTP and JSON on loopback.
//! - [`cloud`]: the chain's side, on SQLite.
//! - [`replay`]: the shopping that a demo replays.
//!
//! [`cli`] is the command line of all three. [`api`] is what a till and a terminal say to each other.

#![forbid(unsafe_code)]

pub mod api;
pub mod cli;
pub mod cloud;
pub mod demo;
mod http;
mod lifeline;
pub mod names;
pub mod recovery;
pub mod replay;
pub mod run;
