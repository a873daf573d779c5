//! How what a vendor shows reads as JSON and in other formats of [`serde`], with the feature `serde`.
//!
//! Names and counts stand as they are displayed: ids as text, durations in milliseconds, keys and bodies in hexadecimal. What is only
//! told, such as a notice, is written and not read. Fields are added and never renamed.

#[cfg(feature = "serde")]
mod counter;
#[cfg(feature = "serde")]
mod envelope;
#[cfg(feature = "serde")]
mod exception;
#[cfg(feature = "serde")]
mod fiscal;
#[cfg(feature = "serde")]
mod names;
#[cfg(feature = "serde")]
mod notice;
#[cfg(feature = "serde")]
mod resolution;
#[cfg(feature = "serde")]
mod status;
pub(crate) mod text;
