//! A durable event log that reaches every terminal of a store and the cloud exactly once, as a sans-IO state machine.
//!
//! Each terminal records events into chains of its own: one for each [`Lane`](edgepos_core::Lane), numbered 1, 2, 3 … without gaps
//! and linked by SHA-256. An [`Outbox`] makes them durable, exchanges them with peers by version vector, and uploads them while
//! it holds the upload lease. What an event means is not its business: payloads are opaque.
//!
//! ```
//! use edgepos_core::{Lane, Now, ReplicaId, StoreId};
//! use edgepos_sync::{Config, Input, Outbox, Output, Restored};
//!
//! let config = Config::standard(StoreId([7; 16]), ReplicaId::new(1, 0xA5), 42);
//! let mut outbox = Outbox::new(Now::new(0, 0), config, Restored::new())?;
//! let id = outbox.record(Now::new(5, 0), Lane::Transactions, b"two coffees".to_vec())?;
//! while let Some(output) = outbox.poll_output() {
//!     match output {
//!         // Commit `persist.writes` in one transaction, synced; then:
//!         Output::Persist(persist) => outbox.handle(Now::new(9, 0), Input::Persisted(persist.id)),
//!         Output::Load(load) => outbox.handle(Now::new(9, 0), Input::Loaded(load.id, Vec::new())),
//!         Output::Reissue { record, .. } => drop(outbox.reissue(Now::new(9, 0), record.id, Some(record.payload))),
//!         Output::Accepted(_) => { /* effects of a peer's event: into the transaction of the next Persist */ }
//!         Output::Healed { .. } => { /* bytes that were damaged or lost, as Accepted where they are new */ }
//!         Output::Transmit { .. } | Output::Uplink(..) => { /* send message.encode(), request.encode() */ }
//!         Output::Notice(_) => { /* news: show it, or drop it */ }
//!     }
//! }
//! assert_eq!(outbox.durable().get(id.chain), id.seq);
//! // Sleep until `outbox.poll_timeout()` or the next input.
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The contract
//! That of every engine ([`edgepos_core`]): a `now` that never goes back; drain the outputs in order; answer each `Persist` once it
//! would survive a power cut, in order; a failed write ends the outbox, and a restart from the rows ([`Restored`]) is the recovery.
//! The numbers of `Persist`, `Load` and `Uplink` start at 1 with each start.
//!
//! # What holds
//! - **Nothing leaves before it is durable**, neither an event nor an acknowledgement. So a number is never seen by anybody and then
//!   given to another event.
//! - **An event is taken exactly once**: iff its position follows on what is held. Lower is a duplicate, for ever; higher is a gap,
//!   answered with what is held. There is no window and no timestamp.
//! - **Two histories never mix.** A run of events carries the chain's hash after its last event. Where that does not follow from
//!   what is held, the run is refused whole, the chain is set apart against that peer, and [`Notice::Fork`] says so.
//! - **No event blocks another**, whatever its payload; no chain blocks another, whatever is wrong with it; no lane starves.
//! - **Selling never waits** for a network, a leader or the cloud.
//!
//! # Who tells whom
//! Followers push to the leader, the leader to followers. Where no leader is known or can be reached, terminals exchange directly,
//! and ask those who can reach it to relay. Batches of up to [`Config::batch_bytes`] go every [`Config::flush_interval`], at once
//! when one is full, on [`Outbox::flush`], after a greeting and after a change of leader; one at a time to each peer; repeated with
//! jittered back-off until the acknowledgement, which is a version vector and therefore may be lost as well.
//!
//! A terminal at peak ([`Config::peak_above`]) sends every [`Config::peak_flush_interval`]. Who has taken in more than
//! [`Config::high_water_events`] that are not durable yet asks for a pause in each acknowledgement; peers pause and send less at a
//! time, then recover step by step. What waits for the cloud alone pauses nobody.
//!
//! # The cloud
//! The entitled leader takes the upload lease and appends batches under its epoch, one at a time. What a peer has batched already goes
//! up [`Config::upload_interval`] after it came. A terminal that has known no
//! leader for [`Config::leaderless_lease_after`] does the same for what it holds: uploading is idempotent, so this decides nothing.
//! [`IngestState`] is the other side, pure like the rest: every cloud that uses it decides alike.
//!
//! The bytes on disk and on the wire are in `docs/formats-sync.md`, each with a golden test.

#![forbid(unsafe_code)]

mod at_rest;
mod author;
mod backoff;
mod claims;
mod cloud;
mod config;
mod event;
mod floor;
mod flush;
mod gap;
mod gather;
mod io;
mod judging;
mod limits;
mod log;
mod losing;
mod mending;
mod outbox;
mod outputs;
mod peers;
mod proofs;
mod receiver;
mod rewriting;
mod row_block;
mod segment;
mod turn;
mod wire;

pub use at_rest::AtRest;
pub use cloud::health::CloudRefusal;
pub use cloud::ingest::{IngestState, Ingested};
pub use config::{Config, ConfigError, StartError};
pub use edgepos_wire::{DecodeError, DecodeFault};
pub use event::{EventRecord, Hash};
pub use gap::{Gap, Lost};
pub use io::{Input, Mistake, Notice, Output, UplinkError, UplinkId, Witness};
pub use limits::Limits;
pub use log::record::{Decided, RecordError};
pub use log::restored::{RestoreError, Restored};
pub use outbox::Outbox;
pub use row_block::{BlockRows, RowBlock};
pub use segment::Segment;
pub use wire::batch::{BATCH_FORMAT, Batch, Run};
pub use wire::claim::{Claim, CloudInstance};
pub use wire::message::{Ack, Hello, Message, VERSIONS};
pub use wire::reply::{CloudReply, RefusedReason};
pub use wire::request::CloudRequest;
