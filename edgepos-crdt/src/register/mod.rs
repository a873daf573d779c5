//! Registers: one value, written as a whole.

mod lww;
mod map;

pub use lww::{LwwRegister, WouldLose};
pub(crate) use map::{Entry, MIN_ENTRY, check_entries};
pub use map::{LwwMap, MapDelta, SetError};
