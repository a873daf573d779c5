//! The chain's side: takes what the stores upload, once, in order, without gaps.
//!
//! `POST /v1/stores/{store}/uplink` takes an encoded [`CloudRequest`](edgepos::sync::CloudRequest) and answers an encoded
//! [`CloudReply`](edgepos::sync::CloudReply); `GET /v1/stores/{store}/head` says in JSON what is held, with its hashes, and
//! `GET /v1/stores/{store}/hash?event=` the hash of a chain at one event; `GET /health` says that it lives.

mod db;
mod server;

pub use db::{Db, DbError};
pub use server::{CloudError, HashReport, Head, Options, serve};
