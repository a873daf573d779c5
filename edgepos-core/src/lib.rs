//! The nouns that every `edgepos` engine shares: time that is told, identities that are never reused, trade item numbers, and the duties that an
//! engine hands to its caller.
//!
//! An engine is a plain value that never reads a clock, a file, a socket or global randomness. It is *told* what happened
//! (`handle(now, input)`), it is *asked* what must be done (`poll_output`, `poll_timeout`), and it keeps the order of its own
//! duties. The contract of the caller, the same for each engine and for the terminal that composes them:
//!
//! 1. Call with a [`Now`] whose [`Now::mono`] never goes back.
//! 2. After each call drain `poll_output` until it returns `None`, and do each output in order.
//! 3. Make a [`Persist`] durable, all or nothing, with all that was asked for before it, then tell `Persisted(id)`; in order, without
//!    gaps.
//! 4. Sleep until `poll_timeout`, or until there is another input.
//! 5. News (a `Notice`) may be dropped and a `Transmit` may be lost; every other output must be done.
//!
//! A write that fails ends the engine: drop it, and start again from the store. A crash takes the same path.
//!
//! This crate is `no_std` with `alloc`, and depends on `serde` alone.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod gs1;
mod gtin;
mod ids;
mod jitter;
mod log_state;
mod persist;
mod time;

pub use gs1::{ElementString, ElementStringError};
pub use gtin::{Gtin, GtinError, has_check_digit};
pub use ids::{
    Chain, ConnectionId, EventId, FoldEpoch, IdempotencyKey, Lane, ParseIdError, RepairGen, ReplicaId, Seq,
    StoreGeneration, StoreId, Term, UploadEpoch, parse_hexadecimal,
};
pub use jitter::Jitter;
pub use log_state::{LogPosition, LogState};
pub use persist::{Load, LoadId, Persist, PersistId, Space, Write};
pub use time::{Now, Time, WallMs};
