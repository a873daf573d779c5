//! The road to the cloud, and the cloud's side of it.

mod feed;
mod head_watch;
pub(crate) mod health;
pub(crate) mod ingest;
mod mandate;
mod packing;
mod retry;
pub(crate) mod uploader;
