//! Who leads a store of point-of-sale terminals, and what the store decides together.
//!
//! An [`Election`] is one terminal's part in it: a plain value that is told what happened and asked what to do. It never reads a
//! clock, a file, a socket or global randomness, so that a run replays from its seed. Below it works [Raft], with pre-vote and
//! check-quorum always on, and hidden: its messages, entries and errors are this crate's own.
//!
//! [Raft]: https://raft.github.io/raft.pdf
//!
//! # The run loop
//!
//! ```
//! use edgepos_consensus::{Config, Election, Input, Output, Restored};
//! use edgepos_core::{Now, ReplicaId};
//!
//! // A store of one terminal elects itself.
//! let me = ReplicaId::new(1, 0xA5);
//! let config = Config::standard(me, vec![me], 7);
//! let mut election = Election::new(Now::new(0, 0), config, Restored::new())?;
//! let mut now = Now::new(0, 0);
//! while !election.entitled() {
//!     while let Some(output) = election.poll_output() {
//!         match output {
//!             // Make it durable first; a decision's effects and the write that follows go into one transaction.
//!             Output::Persist(persist) => election.handle(now, Input::Persisted(persist.id)),
//!             Output::Apply(decision) => println!("decided: {decision:?}"),
//!             Output::Install(state) => println!("decisions were missed; this is what others made of them: {state:?}"),
//!             Output::Transmit(message) => println!("send {} bytes to {}", message.encode().len(), message.to()),
//!             Output::Notice(notice) => println!("{notice:?}"),
//!         }
//!     }
//!     if let Some(deadline) = election.poll_timeout() {
//!         now = Now { mono: deadline.max(now.mono), ..now }; // A driver sleeps here, or gets a message.
//!         election.handle(now, Input::Timeout);
//!     }
//! }
//! assert_eq!(election.leader().map(|leader| leader.replica), Some(me));
//! # Ok::<(), edgepos_consensus::StartError>(())
//! ```
//!
//! The contract is that of every engine (see `edgepos_core`): `now` never goes back, outputs are done in order, a [`Persist`] is
//! durable before it is reported, and nothing that depends on one leaves before. A failed write ends the engine: drop it and start
//! from the store.
//!
//! # What it promises
//!
//! - At most one leader in each term, and at most one [*entitled*](Election::entitled) terminal at any moment.
//! - Every decision once, in the same order, on every terminal, through any crash.
//! - No panic on any input: what is impossible is refused and counted by [`DropReason`].
//!
//! It does not make a lying terminal harmless: whoever holds a terminal's key can vote twice. So the transport authenticates:
//! [`Message::from`] is the terminal that the connection belongs to, and [`Input::PeerUp`] is told of terminals of this store only.
//!
//! # Who belongs
//!
//! A store begins with the list in [`Config::voters`], the same on each of its first terminals; the first five vote, the others learn.
//! From then on the log says who belongs: the leader [admits](Election::admit) and [retires](Election::retire), one terminal at a time.
//! A newcomer learns first and gets a free vote when it has caught up; a voter that was away for ten minutes loses its vote to a
//! learner that is there. A terminal that lost its disk is a newcomer with a new name: once admitted it takes the place of the member of
//! its number as soon as that one is silent, or at once where an operator [replaces](Election::replace) it.
//!
//! [`Persist`]: edgepos_core::Persist

#![forbid(unsafe_code)]

mod apply;
mod beat;
mod candidacy;
mod config;
pub mod conformance;
mod decisions;
mod distrust;
mod election;
mod entry;
mod error;
mod flight;
mod forgotten;
mod guard;
mod hand_over;
mod io;
mod log;
mod members;
mod message;
mod outputs;
mod pace;
mod parting;
mod parts;
mod peers;
mod promise;
mod proposals;
mod quorum;
mod raft;
pub mod recovery;
mod report;
mod restored;
mod rows;
mod snapshot;
mod snapshots_sent;
mod standing;
mod subjects;
mod succession;
mod ticks;
mod turn;
mod wire;

pub use config::{Config, MAX_ENTRY_BYTES, MAX_LEVEL, MAX_TERMINALS, MAX_VOTERS, Timing};
pub use edgepos_wire::{DecodeError, DecodeFault};
pub use election::Election;
pub use entry::{MAX_SUBJECT_BYTES, Proposal, ProposalKey};
pub use error::{
    ConfigError, HaltReason, MembershipError, NotLeader, ProposeError, RecoverError, RestoreError, StartError,
};
pub use guard::DropReason;
pub use io::{Decision, Health, Input, Leader, Notice, Output};
pub use message::Message;
pub use report::Report;
pub use restored::Restored;
pub use snapshot::{Attachment, MAX_ATTACHMENT_BYTES};
pub use succession::Held;
pub use wire::MAX_MESSAGE_BYTES;
