//! Checks of the tree itself, as a library so that `cargo test` runs them.

#![forbid(unsafe_code)]

use std::path::PathBuf;

pub mod capi;
mod failure;
pub mod header;
pub mod models;
pub mod mutants;
pub mod ort;
pub mod tidy;

pub use failure::Failure;

/// The root of the checkout.
pub fn root() -> PathBuf {
    let xtask = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().expect("xtask lies in the root").to_owned()
}
