//! The cloud's side of a chain of stores: takes what the stores upload, once, in order, without gaps.
//!
//! What is taken and what is refused is decided by [`IngestState`](edgepos_sync::IngestState), which is pure. An [`IngestStore`] keeps
//! its row and the events; an [`Ingest`] brings the two together, without a state of its own:
//!
//! ```
//! # #[cfg(feature = "sqlite")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//!
//! use edgepos_cloud::{Ingest, SqliteIngest};
//! use edgepos_core::StoreId;
//! use edgepos_sync::{CloudReply, CloudRequest};
//!
//! let folder = tempfile::tempdir()?;
//! let ingest = Ingest::new(Arc::new(SqliteIngest::open(&folder.path().join("cloud.db"))?));
//! let reply = ingest.handle(&CloudRequest::Head { store: StoreId([7; 16]) }).await?;
//! assert!(matches!(reply, CloudReply::Head { held, .. } if held.vector.is_empty()));
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "sqlite"))]
//! # fn main() {}
//! ```
//!
//! Features: `sqlite` (default) keeps everything in one file; `postgres` in a PostgreSQL, plain, partitioned, or one that spreads stores
//! over machines; `gateway` serves it over HTTP, and takes what comes down to a store from its head office.

#![forbid(unsafe_code)]

pub mod conformance;
#[cfg(feature = "gateway")]
pub mod gateway;
mod ingest;
#[cfg(feature = "postgres")]
mod postgres;
mod publishing;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use ingest::{Ingest, IngestError, IngestStore, Step, Taken};
#[cfg(feature = "postgres")]
pub use postgres::{PostgresIngest, PostgresOptions};
pub use publishing::Published;
#[cfg(feature = "sqlite")]
pub use sqlite::{OpenError, SqliteIngest};
