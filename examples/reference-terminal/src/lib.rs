//! A store of terminals and a cloud on one machine, to evaluate `edgepos` with.
//!
//! - [`demo`]: starts them all, sells a real week through them, breaks what can break, and proves that nothing was lost.
//! - [`run`]: one terminal from a TOML file, with a till API over HTTP and JSON on loopback.
//! - [`cloud`]: the chain's side, on SQLite.
//! - [`replay`]: the shopping that a demo replays.
//! - [`audit`]: whether tills and the cloud hold the same histories.
//! - [`members`]: who belongs to a store.
//! - [`authority`]: whose certificates count in it.
//! - [`operate`]: how a terminal is, what happened, everything that was booked.
//! - [`signer`]: a stand-in for a fiscal device.
//! - [`doctor`]: which engine would run which model on this machine.
//!
//! [`cli`] is the command line of them all. [`api`] is what a till and a terminal say to each other.

#![forbid(unsafe_code)]

pub mod api;
pub mod audit;
pub mod authority;
pub mod cli;
pub mod cloud;
pub mod demo;
pub mod doctor;
mod event_rows;
mod http;
mod lifeline;
mod logging;
pub mod members;
pub mod names;
pub mod operate;
pub mod recovery;
pub mod replay;
pub mod run;
mod sealed;
pub mod signer;
mod till_file;
