//! Counters, sets, registers and clocks that merge without a coordinator.
//!
//! The types are plain values: they read no clock, disk or network. The terminal that uses them
//!
//! 1. gives each event its place, an [`EventId`](edgepos_core::EventId): a chain that one incarnation of one terminal writes, and the
//!    next position in it;
//! 2. calls `apply` (or [`Replica::record`]) and makes the event and what is returned durable together, before anything of it is sent;
//! 3. tells its peers the [`VersionVector`] of what is durable, and answers theirs with `delta_since`;
//! 4. merges what comes, again in one disk transaction, and asks anew after [`MergeError::Gap`].
//!
//! Whatever is refused changes nothing. Merges commute, associate and repeat, so loss, duplication and reordering do no harm.
//!
//! The guide in `docs/guide-crdt.md` says which type is for which problem, why folding counts nothing twice, and what each type costs.
//!
//! # Features
//! `std` (default) adds nothing but `serde`'s; without it the crate is `no_std` with `alloc`. `crdts` gives the traits of the crate
//! `crdts` and conversions.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

mod counter;
mod delta;
mod error;
mod four;
mod hybrid_clock;
#[cfg(feature = "crdts")]
mod interop;
mod origin;
mod pairs;
mod register;
mod replica;
mod set;
mod stability;
mod stamp;
mod table;
mod version;
mod wire;

pub use counter::{BoundedCounter, GCounter, NotEnough, PnCounter, Recount, RecountLog, TransferError};
pub use delta::Session;
pub use error::{ApplyError, Corruption, MergeError, Overflow};
pub use hybrid_clock::{ClockAhead, Hlc, HybridClock};
#[cfg(feature = "crdts")]
pub use interop::{ShareOp, event_of};
pub use origin::{MustPropose, OriginGuard};
pub use register::{LwwMap, LwwRegister, MapDelta, SetError, WouldLose};
pub use replica::{
    Amendment, Change, Checkpoint, Final, Fold, FoldError, Frame, Merged, RecordError, Replica, Retirement,
    UsedBefore,
};
pub use set::{MvRegister, OrSet, SetDelta, TxSet};
pub use stability::Stability;
pub use stamp::Stamp;
pub use table::{GDelta, GRow, GTable, Item, PnDelta, PnRow, PnTable, TableDelta};
pub use version::VersionVector;
pub use wire::{Limits, Reader, Wire, WireError, Writer};

/// The examples of the guide, compiled and run with the crate's own.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guide-crdt.md")]
struct Guide;
