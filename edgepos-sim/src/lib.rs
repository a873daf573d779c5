//! The store in a box: whole stores of real terminals in virtual time, with a network, disks, clocks and a cloud that fail.
//!
//! A run follows from its seed. [`Plan`] holds what the seed decides beforehand; [`World`] runs real [`edgepos::Terminal`]s until
//! they are quiet. For about a minute of virtual time everything goes wrong: processes die and devices lose power (disks forget
//! what they had not reported), the network splits, connections die and come back, the cloud is away or loses replies, clocks
//! are set, tills repeat what they asked. Then everything heals, and the store must come to rest in time.
//!
//! What must hold is judged by the [checkers](judge), which know nothing of how terminals work: they compare what tills were
//! promised with what lies on the disks and in the cloud, and read events from their bytes. [`Sabotage`] breaks a part on
//! purpose, so that a test can show that a checker notices.
//!
//! ```
//! use edgepos_sim::{Keep, Plan, run};
//!
//! let mut plan = Plan::from_seed(1);
//! plan.faults_us = 3_000_000;
//! let outcome = run(plan, Keep::Hash);
//! assert!(outcome.is_good(), "{:?}", outcome.violations);
//! ```
//!
//! A simulator proves only its fault model. Not in it: torn or rotten rows of a disk, two disks that are put back at once, messages that
//! somebody forges, membership that changes, more than seven terminals.

#![forbid(unsafe_code)]

mod agenda;
mod boxes;
mod check;
mod clerk;
mod clock;
mod cloud;
mod digests;
mod disk;
mod drafts;
pub mod elections;
mod errand;
mod faults;
mod goods;
mod images;
mod later;
mod machine;
mod manager;
mod moments;
mod network;
mod outcome;
mod papers;
mod plan;
pub mod report;
mod runner;
mod settings;
mod signer;
pub mod small;
mod station;
mod street;
mod till;
mod trace;
mod world;

pub use boxes::{Back, BoxFault};
pub use check::{
    CloudView, DayEntry, DiskView, Facts, HeadRow, Leadership, Ledger, LogEntry, LogGrowth, Rule, SaidRows,
    Sayings, StoreView, TerminalView, Violation, judge,
};
pub use digests::{Digests, DigestsError};
pub use faults::{Fault, Planned, schedule};
pub use images::PutBack;
pub use moments::Moment;
pub use outcome::Outcome;
pub use plan::{CloudStyle, DiskStyle, FaultStyle, LaterStyle, NetworkStyle, Plan, Sabotage, TillStyle};
pub use runner::{run, run_seeds, run_twice};
pub use trace::{Finished, Keep};
pub use world::World;
