//! SQLite keeps what a cloud takes.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;

use edgepos_cloud::{IngestStore, SqliteIngest, conformance};

#[tokio::test(flavor = "multi_thread")]
async fn it_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cloud.db");
    let open = || -> Arc<dyn IngestStore> { Arc::new(SqliteIngest::open(&path).unwrap()) };
    conformance::ingest_store(async || open()).await;
}
