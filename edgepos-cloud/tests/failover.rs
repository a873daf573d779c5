//! A primary is killed under load and its standby promoted: nothing that was acknowledged is lost, nothing is stored twice.
//!
//! Two rounds; `EDGEPOS_FAILOVERS=20` for more.
#![cfg(all(feature = "postgres", unix))]
#![allow(clippy::unwrap_used, reason = "a test")]

mod server;
mod uploader;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use edgepos_cloud::{Ingest, PostgresIngest, PostgresOptions};
use edgepos_core::{EventId, Seq};
use edgepos_sync::{Batch, Limits};

use crate::server::{Installation, Server};
use crate::uploader::Uploader;

const STORES: u8 = 8;
/// Generous: a loaded machine promotes slowly.
const PATIENCE: Duration = Duration::from_secs(120);

/// A gateway of its own, with connections of its own.
async fn gateway(primary: &Server<'_>, standby: &Server<'_>) -> Ingest {
    let options = PostgresOptions { connections: 4, ..PostgresOptions::default() };
    let store = PostgresIngest::connect(&primary.url(Some(standby)), options).await.unwrap();
    Ingest::new(Arc::new(store))
}

/// Uploads until it is told to stop, now at one gateway, now at the other. What is not answered is asked again.
async fn upload(
    mut uploader: Uploader,
    gateways: [Ingest; 2],
    stop: Arc<AtomicBool>,
    acks: Arc<AtomicU64>,
) -> Uploader {
    let mut at = 0;
    while !stop.load(Ordering::Relaxed) {
        at += 1;
        match gateways[at % 2].handle(&uploader.next()).await {
            Ok(reply) => {
                uploader.hear(&reply);
                acks.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    uploader
}

async fn reaches(acks: &AtomicU64, count: u64) {
    let since = Instant::now();
    while acks.load(Ordering::Relaxed) < count {
        assert!(
            since.elapsed() < PATIENCE,
            "the stores do not get on: {} answers",
            acks.load(Ordering::Relaxed)
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_takes_over_with_all_that_was_acknowledged() {
    let Some(installation) = Installation::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    let rounds = std::env::var("EDGEPOS_FAILOVERS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(2);
    let mut primary = installation.primary(folder.path());
    let mut uploaders: Vec<Uploader> = (1..=STORES).map(Uploader::new).collect();
    for round in 0..rounds {
        // The tables are made before the standby is, which has them then.
        drop(PostgresIngest::connect(&primary.url(None), PostgresOptions::default()).await.unwrap());
        let standby = primary.standby(folder.path(), &format!("standby-{round}"));
        let gateways = [gateway(&primary, &standby).await, gateway(&primary, &standby).await];
        let (stop, acks) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let tasks: Vec<_> = uploaders
            .drain(..)
            .map(|uploader| {
                tokio::spawn(upload(uploader, gateways.clone(), Arc::clone(&stop), Arc::clone(&acks)))
            })
            .collect();
        reaches(&acks, 100).await;
        let killed = Instant::now();
        primary.kill();
        standby.promote();
        let before = acks.load(Ordering::Relaxed);
        reaches(&acks, before + 100).await;
        println!(
            "round {round}: selling stores upload again {} ms after the kill",
            killed.elapsed().as_millis()
        );
        stop.store(true, Ordering::Relaxed);
        for task in tasks {
            uploaders.push(task.await.unwrap());
        }
        check(&standby, &gateways[0], &uploaders).await;
        primary = standby;
    }
}

/// What the server holds, read back event by event, and its batches counted in SQL.
async fn check(server: &Server<'_>, gateway: &Ingest, uploaders: &[Uploader]) {
    let counted = server.query("SELECT encode(store_id, 'hex') || ' ' || count(*) || ' ' || max(no) FROM edgepos_batch GROUP BY store_id");
    let counted: BTreeMap<_, _> = counted.lines().map(|line| line.split_once(' ').unwrap()).collect();
    for uploader in uploaders {
        let (last, hash) = uploader.acknowledged();
        let state = gateway.store().load(uploader.store).await.unwrap();
        let held = state.vector().get(uploader.chain);
        assert!(held >= last, "{last:?} was acknowledged, and {held:?} is held");
        assert_eq!(
            gateway.store().hash(uploader.store, EventId::new(uploader.chain, last)).await.unwrap(),
            Some(hash)
        );
        // No number is missing or given twice.
        let batches = state.batches();
        assert_eq!(
            counted.get(uploader.store.to_string().as_str()).copied(),
            Some(format!("{batches} {batches}").as_str())
        );
        let (mut next, mut events) = (Seq(1), 0);
        while next <= held {
            let to = Seq((next.0 + 199).min(held.0));
            let batch =
                gateway.store().events(uploader.store, EventId::new(uploader.chain, next), to).await.unwrap();
            events += Batch::decode(&batch.unwrap(), &Limits::DEFAULT).unwrap().events();
            next = to.next();
        }
        assert_eq!(events as u64, held.0);
    }
}
