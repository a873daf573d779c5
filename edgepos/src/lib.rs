//! What a point-of-sale vendor embeds: a store of terminals that keep selling, and syncing, when the network, the cloud, the
//! leader or the power fails.
//!
//! [`Terminal`] is the sans-IO composition of the election, the outbox and the store's state; it owns the transaction, so that a
//! sale's event, its effects, its chain head and its receipt number are one durable write. [`Driver`] is the
//! only async loop: it feeds a terminal from the ports [`Store`], [`Transport`], [`Uplink`], [`Clock`] and [`Alerts`] and hands
//! out [`Node`]s, through which a till sells.
//!
//! Whoever has a loop of their own does without the driver:
//!
//! ```
//! use edgepos::core::{IdempotencyKey, Now, ReplicaId, StoreGeneration, StoreId};
//! use edgepos::model::{BasketId, Currency, Line, Tender};
//! use edgepos::{Commit, Config, Draft, Genesis, Input, MemoryStore, Output, Reply, RequestId, Restored, Store, Terminal};
//!
//! let me = ReplicaId::new(1, 42);
//! let genesis = Genesis { store: StoreId([1; 16]), generation: StoreGeneration(0), voters: vec![me], recovery: None };
//! let now = Now::new(0, 1_700_000_000_000);
//! let mut store = MemoryStore::new();
//! let mut terminal = Terminal::new(now, Config::new(me, genesis, 7), Restored::new())?;
//!
//! let mut replies = Vec::new();
//! let mut run = |terminal: &mut Terminal| {
//!     while let Some(output) = terminal.poll_output() {
//!         match output {
//!             // One that flushes with care tells the two apart: [`Store::write`] and [`Store::commit`].
//!             Output::Persist(persist) | Output::Write(persist) => {
//!                 store.commit(std::slice::from_ref(&persist)).expect("memory does not fail");
//!                 terminal.handle(now, Input::Persisted(persist.id));
//!             }
//!             Output::Load(load) => {
//!                 let rows = store.scan(load.space, &load.from, &load.to, load.max_bytes).expect("memory does not fail");
//!                 terminal.handle(now, Input::Loaded(load.id, rows));
//!             }
//!             Output::Reply(_, reply) => replies.push(reply),
//!             Output::Transmit { .. } | Output::Uplink(..) | Output::Notice(_) => {}
//!         }
//!     }
//! };
//!
//! let basket = BasketId([9; 16]);
//! let milk = Line { no: 1, product: "milk".into(), quantity: 2, amount: 258, ..Line::default() };
//! terminal.begin(now, RequestId(1), Draft::sale(basket, Currency::EUR, vec![milk]))?;
//! run(&mut terminal);
//! let commit = Commit { basket, key: IdempotencyKey([3; 16]), tenders: Tender::cash(258).into() };
//! terminal.commit(now, RequestId(2), commit)?;
//! run(&mut terminal);
//!
//! assert_eq!(replies[0], Ok(Reply::Begun { number: 1, total: 258 }));
//! assert!(matches!(&replies[1], Ok(Reply::Committed { receipt, repeated: false }) if receipt.number == 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod advising;
pub mod conformance;
mod courier;
mod driver;
#[cfg(feature = "serde")]
pub mod forms;
mod handover;
mod history;
mod http_date;
mod http_uplink;
pub mod identity;
pub mod model;
#[cfg(feature = "embedded")]
mod models;
mod monitor;
mod node;
mod object;
mod ports;
pub mod recovery;
mod retail;
mod retention;
#[cfg(feature = "embedded")]
mod scored;
mod setup;
mod shown;
mod signatory;
mod sqlite_store;
mod stopping;
mod store_thread;
mod tcp;
mod terminal;
#[cfg(feature = "embedded")]
mod till_models;
mod tls;
mod token_file;
mod zone;

pub use advising::Adviser;
pub use async_trait::async_trait;
pub use courier::MAX_INCIDENTS;
pub use driver::{Driver, StartError};
pub use edgepos_consensus as consensus;
pub use edgepos_core as core;
pub use edgepos_crdt as crdt;
#[cfg(feature = "embedded")]
pub use edgepos_inference as inference;
pub use edgepos_sync as sync;
pub use history::attachments::{Attachment, AttachmentName, AttachmentQuery, MAX_ATTACHMENTS};
pub use history::baskets::{BasketContents, BasketState};
pub use history::beside::ReceiptState;
pub use history::customers::{Customer, CustomerQuery, CustomerState};
pub use history::days::DayQuery;
pub use history::documents::{Document, DocumentName, DocumentQuery, DocumentsQuery};
pub use history::durability::Durability;
pub use history::transactions::{
    BookedTransaction, MAX_LOOKED_AT, MAX_TRANSACTIONS, TransactionPage, TransactionQuery,
};
pub use history::{Events, HistoryError, StoredEvent};
pub use http_uplink::HttpUplink;
#[cfg(feature = "embedded")]
pub use models::ModelWatch;
pub use monitor::Monitor;
pub use monitor::alert::Alert;
pub use monitor::exposition::METRICS_CONTENT_TYPE;
pub use monitor::inference::Inference;
pub use node::{Begun, Claimed, Committed, Node};
pub use ports::{
    AlertError, Alerts, Bulletin, Case, Clock, Delivery, EachRow, Incident, IncidentKind, LogOnly,
    MemoryStore, Ports, Resolver, Rows, Sealing, Signer, Store, StoreError, StoreFailure, SystemClock,
    Transport, TransportEvent, Uplink,
};
pub use retail::counters::CounterValue;
pub use retail::counting::body::MAX_COUNT_LINES;
pub use retail::day::shift::{MAX_SHIFTS, OpenShift};
pub use retail::exception::open::OpenException;
pub use retail::exception::policy::{Handling, Policy, Rules};
pub use retail::exception::resolution::{Action, Resolution, Resolve, ResolveError};
pub use retail::exception::resolutions::{AuditEntry, Audited, ResolutionState};
pub use retail::figures::report::{DayClose, DayFigures, DayOpening, LateSale, MAX_LATE};
pub use retail::figures::shifts::{CountedDrawer, MAX_SHIFTS_LISTED, ShiftCount, ShiftFigures};
pub use retail::figures::sums::{
    CurrencyFigures, DocumentFigures, DrawerFigures, MovementFigures, OperatorFigures, Sums, TaxFigures,
    TenderFigures,
};
pub use retail::label::Labels;
pub use retail::label::country::LabelCountry;
pub use retail::label::pattern::{LabelPattern, LabelPatternError, LabelValue};
pub use retail::payment::OpenPayment;
pub use retail::record::Record;
pub use retail::sale::beside::Fiscal;
pub use retail::sale::draft::Draft;
pub use retail::sale::fiscal::{SignError, ToSign, UnsignedReceipt};
pub use retail::sale::receipt::{Commit, Receipt};
pub use retail::sale::signing::{SignatureId, SignatureWanted};
pub use retail::sale::unresolved::OpenBasket;
pub use retail::unreadable::Unreadable;
#[cfg(feature = "embedded")]
pub use scored::ScoredResolver;
pub use setup::open::OpenTerminal;
pub use setup::terminal_name::TerminalName;
pub use setup::{Setup, SetupError};
pub use signatory::Signatory;
pub use sqlite_store::{Compacted, CopyProgress, EventColumns, SqliteStore, StoreCopy};
pub use stopping::Stopped;
pub use tcp::{TcpConfig, TcpTransport};
pub use terminal::signing::SignatureAsked;
pub use terminal::{
    BusinessDayOf, CLOCK_GUARD, Condition, ConditionKind, Config, ConfigError, Diagnosis, Disk, Dropped,
    Finding, Genesis, Input, LevelError, MAX_ABOUT, MAX_FRAME, MAX_PAGE, Notice, NumberAt, OldEvents, Output,
    PeerDiagnosis, Refusal, ReplaceError, Reply, RequestId, RestoreError, Restored, RowError, Status,
    Terminal,
};
#[cfg(feature = "embedded")]
pub use till_models::{NoModel, TillModels};
pub use token_file::{TokenFileError, read_token};
pub use zone::{UnknownZone, Zone};
