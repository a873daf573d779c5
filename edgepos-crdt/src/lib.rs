//! Counters, sets, registers and clocks that merge without a coordinator.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

mod clock;
mod counter;
mod delta;
mod error;
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

pub use clock::{Clock, ClockAhead, Hlc};
pub use counter::{BoundedCounter, GCounter, NotEnough, PnCounter, Recount, RecountLog, TransferError};
pub use delta::Session;
pub use error::{ApplyError, Corruption, MergeError, Overflow};
#[cfg(feature = "crdts")]
pub use interop::{ShareOp, event_of};
pub use origin::{MustPropose, OriginGuard};
pub use register::{LwwMap, LwwRegister, MapDelta, SetError, WouldLose};
pub use replica::{
    Amendment, Change, Checkpoint, Final, Fold, FoldError, Frame, Merged, RecordError, Replica, Retirement,
};
pub use set::{MvRegister, OrSet, SetDelta, TxSet};
pub use stability::Stability;
pub use stamp::Stamp;
pub use table::{GDelta, GRow, GTable, Item, PnDelta, PnRow, PnTable, TableDelta};
pub use version::VersionVector;
pub use wire::{DecodeError, Limits, Reader, Wire, Writer};
