//! How long a store is without a leader: elections alone, thousands of them, in virtual milliseconds.
//!
//! Real [`Election`](edgepos_consensus::Election)s on a network that loses or delays messages and on disks that take their time. A
//! [`Cell`] says which store and what happens to its leader; [`measure`] repeats it on many seeds and gives one [`Row`]. The fault
//! models are the simple ones: a datagram is lost or arrives after 1 to 5 ms, by itself; on a stream a lost segment comes again
//! after 200 ms, then 400 and so on, and everything behind it waits. Bursts, queues and slow processors are not in it.

mod error;
mod lan;
mod row;
mod table;
mod terminal;
mod trial;
mod week;

pub use error::TrialError;
pub use lan::Wire;
pub use row::Row;
pub use table::{CellError, Target, cells, measure, targets};
pub use trial::{Cell, Profile, What};
pub use week::{Week, week};
