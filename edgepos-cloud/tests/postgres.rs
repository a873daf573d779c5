//! PostgreSQL keeps what a cloud takes: plain, and in hash partitions.
#![cfg(all(feature = "postgres", unix))]
#![allow(clippy::unwrap_used, reason = "a test")]

mod server;

use std::sync::Arc;

use edgepos_cloud::{IngestError, IngestStore, PostgresIngest, PostgresOptions, conformance};

use crate::server::Installation;

async fn conforms(partitions: u32) {
    let Some(installation) = Installation::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    let server = installation.primary(folder.path());
    let url = server.url(None);
    let options = PostgresOptions { partitions, connections: 8, ..PostgresOptions::default() };
    conformance::ingest_store(async || {
        let store: Arc<dyn IngestStore> =
            Arc::new(PostgresIngest::connect(&url, options.clone()).await.unwrap());
        store
    })
    .await;
    let tables = server.query("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'edgepos_run%'");
    assert_eq!(tables, if partitions == 0 { "1".to_owned() } else { (partitions + 1).to_string() });
}

#[tokio::test(flavor = "multi_thread")]
async fn it_conforms() {
    conforms(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_conforms_in_partitions() {
    conforms(4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_made_once_and_those_of_a_later_version_are_left_alone() {
    let Some(installation) = Installation::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    let server = installation.primary(folder.path());
    let url = server.url(None);
    // Eight gateways start at once.
    let starting: Vec<_> = (0..8)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(
                async move { PostgresIngest::connect(&url, PostgresOptions::default()).await.map(drop) },
            )
        })
        .collect();
    for started in starting {
        started.await.unwrap().unwrap();
    }
    assert_eq!(server.query("SELECT count(*) FROM edgepos_schema"), "1");
    server.query("INSERT INTO edgepos_schema VALUES (2)");
    let refused = PostgresIngest::connect(&url, PostgresOptions::default()).await.unwrap_err();
    assert!(
        matches!(&refused, IngestError::Database(fault) if fault.to_string().contains("version 2")),
        "{refused}"
    );
    let nowhere = PostgresIngest::connect("not a url", PostgresOptions::default()).await;
    assert!(matches!(nowhere, Err(IngestError::Database(_))));
    server.kill();
    let gone = PostgresIngest::connect(&url, PostgresOptions::default()).await;
    assert!(matches!(gone, Err(IngestError::Away(_))));
}
