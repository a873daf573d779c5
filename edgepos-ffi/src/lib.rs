//! The C API of edgepos: what a till in C, C++, C#, Java or Python links to. [The guide](https://github.com/edgepos/edgepos/blob/main/docs/c-guide.md)
//! shows it from the caller's side, and `include/edgepos.h`, which is made from this source, is the interface.
//!
//! - **Calls.** Each answers with a status: 0 is done, above 0 there is nothing to write, below 0 it was not done. Arguments come in the
//!   order self, inputs, outputs; outputs are written only on success. `edgepos_last_detail` says why a call failed, in words.
//! - **Handles** are made by the library and freed by the caller. NULL may be freed; a handle that was freed, one of another type and
//!   one that was made up are found out and refused.
//! - **Texts** come with their length, in UTF-8. What has fields is JSON, in which names stand as they are displayed; numbers and
//!   names that stand alone are arguments.
//! - **Threads.** A handle may be used from any thread. Concurrent calls of a node are safe; what one thread at a time may use answers the
//!   others with `EDGEPOS_BUSY`. There are no callbacks: whoever wants to hear something asks for it, with a time to wait.
//! - **Signals** are the host's: the threads of a node take none.
//! - **Faults.** A panic inside ends no process: the call answers `EDGEPOS_POISONED`, and so does every later one of its handle. Nothing
//!   is written to stderr.
//!
//! A terminal is used at one of two levels: `edgepos_node_…` has its own threads, files and sockets, `edgepos_terminal_…` does nothing by itself
//! and is for whoever has a loop, a store and a transport of their own.
//!
//! What is `unsafe` is in `argument`, where a pointer of the caller is read and where one is written, where the caller's store is read, and in
//! `signals` and `forks`.

#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]

mod argument;
mod closing;
mod forecast;
mod forks;
mod guard;
mod handle;
mod hexadecimal;
mod library;
#[cfg_attr(not(feature = "models"), path = "no_models.rs")]
mod models;
mod node;
mod patience;
#[cfg(feature = "poison")]
mod poison;
mod signals;
mod signing;
mod status;
mod terminal;
mod text;

pub use argument::{EDGEPOS_MAX_BYTES, EDGEPOS_MAX_MEDIA, EDGEPOS_MAX_NAME, EDGEPOS_MAX_REQUEST};
pub use forecast::*;
pub use library::*;
pub use node::conditions::*;
pub use node::counters::*;
pub use node::documents::*;
pub use node::events::*;
pub use node::members::*;
pub use node::models::*;
pub use node::receipts::*;
pub use node::resolving::*;
pub use node::selling::*;
pub use node::signing::*;
pub use node::watching::*;
pub use node::*;
#[cfg(feature = "poison")]
pub use poison::*;
pub use status::*;
pub use terminal::commands::*;
pub use terminal::getters::*;
pub use terminal::inputs::*;
pub use terminal::outputs::*;
pub use terminal::rows::*;
pub use terminal::*;
pub use text::*;
