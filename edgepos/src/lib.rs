//! What a point-of-sale vendor embeds: a store of terminals that keep selling, and syncing, when the network, the cloud, the
//! leader or the power fails.
//!
//! [`Terminal`] is the sans-IO composition of the election, the outbox and the store's state; it owns the transaction, so that a
//! sale's event, the counter rows that it moves, its chain head and its receipt number are one durable write. [`Driver`] is the
//! only async loop: it feeds a terminal from the ports [`Store`], [`Transport`], [`Uplink`] and [`Clock`] and hands out
//! [`Node`]s, through which a till sells.

#![forbid(unsafe_code)]

pub mod conformance;
mod driver;
mod http_uplink;
pub mod model;
mod node;
mod ports;
pub mod recovery;
mod retail;
mod sqlite_store;
mod tcp;
mod terminal;

pub use driver::{Driver, DriverConfig, StartError};
pub use edgepos_consensus as consensus;
pub use edgepos_core as core;
pub use edgepos_crdt as crdt;
#[cfg(feature = "embedded")]
pub use edgepos_inference as inference;
pub use edgepos_sync as sync;
pub use http_uplink::HttpUplink;
pub use node::{Begun, Committed, Node};
pub use ports::{
    Clock, Delivery, EachRow, MemoryStore, Rows, Store, StoreError, SystemClock, Transport, TransportEvent,
    Uplink, UplinkFuture,
};
pub use retail::counters::CounterValue;
pub use retail::record::Record;
pub use retail::sale::basket::OpenBasket;
pub use retail::sale::draft::Draft;
pub use retail::sale::receipt::{Commit, Receipt};
pub use sqlite_store::SqliteStore;
pub use tcp::{TcpConfig, TcpTransport};
pub use terminal::{
    Config, ConfigError, Event, Genesis, Input, MAX_FRAME, Output, Refusal, Reply, RequestId, RestoreError,
    Restored, Status, Terminal,
};
