//! The cloud in a PostgreSQL.
//!
//! Three tables, each with the store first in its key, and no statement about two stores: the same schema runs on one server, in
//! hash partitions, and on a database that speaks PostgreSQL's protocol and spreads keys over machines. Events are not rows: a batch is kept
//! as it came, compressed, and a row for each run says where an event is.

mod fault;
mod schema;

use std::time::Duration;

use async_trait::async_trait;
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Timeouts};
use edgepos_core::{EventId, Seq, StoreId};
use edgepos_sync::{Batch, EventRecord, Hash, IngestState, Limits, Run};
use tokio_postgres::types::ToSql;
use tokio_postgres::{NoTls, Row};

use self::fault::{away, sql_error};
use crate::ingest::{IngestError, IngestStore, Step, Taken};

/// How a [`PostgresIngest`] uses its server.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// Connections at most. Default 16: a commit waits for a flush, and one server flushes for all of them at once.
    pub connections: usize,
    /// How long a request waits for a connection before it is told that the cloud is busy. Default 2 s.
    pub wait: Duration,
    /// How long one statement may take before its connection is given up. Default 5 s: half of what an uploader waits.
    pub statement: Duration,
    /// How many hash partitions each table gets when it is made; 0: none. Default 0. Changing it later changes nothing.
    pub partitions: u32,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            connections: 16,
            wait: Duration::from_secs(2),
            statement: Duration::from_secs(5),
            partitions: 0,
        }
    }
}

/// A PostgreSQL of version 12 or later, or one that speaks its protocol.
#[derive(Debug)]
pub struct PostgresIngest {
    pool: Pool,
    statement: Duration,
}

impl PostgresIngest {
    /// Connects, and makes or brings up to date the tables. `url` is `postgresql://user@host:port,other:port/database`: of several hosts
    /// the one that takes writes is used, so that a standby which was promoted is found. Without TLS: for a server on this machine or
    /// behind a tunnel.
    ///
    /// Two that start at once wait for each other.
    ///
    /// # Errors
    /// [`IngestError::Database`] for a URL that does not read or tables of a later version; [`IngestError::Away`] where no server takes
    /// writes.
    pub async fn connect(url: &str, options: PostgresOptions) -> Result<Self, IngestError> {
        let mut config: tokio_postgres::Config = url.parse().map_err(sql_error)?;
        config.target_session_attrs(tokio_postgres::config::TargetSessionAttrs::ReadWrite);
        config.connect_timeout(options.statement).keepalives_idle(options.statement);
        let recycling_method = RecyclingMethod::Fast;
        let manager = Manager::from_config(config, NoTls, ManagerConfig { recycling_method });
        let timeouts = Timeouts { wait: Some(options.wait), create: Some(options.statement), recycle: None };
        let pool = Pool::builder(manager)
            .max_size(options.connections.max(1))
            .timeouts(timeouts)
            .runtime(deadpool_postgres::Runtime::Tokio1)
            .build()
            .map_err(|error| IngestError::Database(Box::new(error)))?;
        let ingest = Self { pool, statement: options.statement };
        let mut client = ingest.client().await?;
        schema::migrate(&mut client, options.partitions).await?;
        drop(client);
        Ok(ingest)
    }

    async fn client(&self) -> Result<Object, IngestError> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Timeout(deadpool_postgres::TimeoutType::Wait) => IngestError::Busy,
            PoolError::Closed => IngestError::Closed,
            PoolError::Backend(error) => away(error),
            error => IngestError::Away(Box::new(error)),
        })
    }

    /// The rows of one statement. A connection that failed, or did not answer in time, is not used again: what it was asked may still be
    /// under way.
    async fn rows(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, IngestError> {
        let client = self.client().await?;
        let asked = async {
            let statement = client.prepare_cached(sql).await?;
            client.query(&statement, params).await
        };
        let answer = match tokio::time::timeout(self.statement, asked).await {
            Ok(Ok(rows)) => return Ok(rows),
            Ok(Err(error)) => sql_error(error),
            Err(elapsed) => IngestError::Away(Box::new(elapsed)),
        };
        if matches!(answer, IngestError::Away(_)) {
            drop(Object::take(client));
        }
        Err(answer)
    }

    /// The run that has the event.
    async fn run_of(&self, store: StoreId, event: EventId) -> Result<Option<Found>, IngestError> {
        let (chain, seq) = (event.chain.to_key(), sql(event.seq.0));
        let rows = self.rows(RUN, &[&store.0.as_slice(), &chain.as_slice(), &seq]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let damaged = IngestError::Damaged { store, what: "the row of a run" };
        let found = Found::read(row, event).ok_or(damaged)?;
        Ok(Some(found).filter(|found| found.taken.first <= event.seq))
    }

    /// The events of a run, linked to what comes before it.
    async fn linked(&self, store: StoreId, found: &Found) -> Result<Vec<(EventRecord, Hash)>, IngestError> {
        let damaged = |what| IngestError::Damaged { store, what };
        let Taken { chain, first, .. } = found.taken;
        let before = match first.0 {
            0 | 1 => Hash::ZERO,
            first => {
                let previous = self.run_of(store, EventId::new(chain, Seq(first - 1))).await?;
                previous.ok_or_else(|| damaged("the run before"))?.taken.head
            }
        };
        let rows = self.rows(BATCH, &[&store.0.as_slice(), &found.no]).await?;
        let body: &[u8] =
            rows.first().and_then(|row| row.try_get(0).ok()).ok_or_else(|| damaged("a batch"))?;
        let batch = Batch::decode(body, &Limits::DEFAULT).map_err(|_| damaged("a batch"))?;
        let run = batch.runs.into_iter().find(|run| run.chain == chain && run.first == first);
        run.and_then(|run| run.linked(before)).ok_or_else(|| damaged("a batch"))
    }
}

#[async_trait]
impl IngestStore for PostgresIngest {
    async fn load(&self, store: StoreId) -> Result<IngestState, IngestError> {
        let rows = self.rows(LOAD, &[&store.0.as_slice()]).await?;
        let Some(row) = rows.first() else { return Ok(IngestState::new()) };
        let damaged = || IngestError::Damaged { store, what: "the row of the store" };
        let state: &[u8] = row.try_get(0).map_err(|_| damaged())?;
        IngestState::decode(state, &Limits::DEFAULT).map_err(|_| damaged())
    }

    async fn commit(&self, step: &Step) -> Result<bool, IngestError> {
        let (epoch, batches) = step.guard();
        let taken: Vec<Taken> = step.taken().collect();
        let chains: Vec<Vec<u8>> = taken.iter().map(|run| run.chain.to_key().to_vec()).collect();
        let heads: Vec<&[u8]> = taken.iter().map(|run| run.head.0.as_slice()).collect();
        let firsts: Vec<i64> = taken.iter().map(|run| sql(run.first.0)).collect();
        let lasts: Vec<i64> = taken.iter().map(|run| sql(run.last.0)).collect();
        let rows = self
            .rows(
                COMMIT,
                &[
                    &step.store.0.as_slice(),
                    &sql(step.after.epoch().0),
                    &sql(step.after.batches()),
                    &step.after.encode(),
                    &sql(epoch.0),
                    &sql(batches),
                    &step.batch,
                    &chains,
                    &firsts,
                    &lasts,
                    &heads,
                ],
            )
            .await?;
        let moved: i64 = rows.first().and_then(|row| row.try_get(0).ok()).unwrap_or(0);
        Ok(moved == 1)
    }

    async fn hash(&self, store: StoreId, event: EventId) -> Result<Option<Hash>, IngestError> {
        let Some(found) = self.run_of(store, event).await? else { return Ok(None) };
        let events = self.linked(store, &found).await?;
        Ok(events.into_iter().find(|(record, _)| record.id == event).map(|(_, hash)| hash))
    }

    async fn events(
        &self,
        store: StoreId,
        first: EventId,
        last: Seq,
    ) -> Result<Option<Vec<u8>>, IngestError> {
        let limits = &Limits::DEFAULT;
        let (mut next, mut payloads, mut bytes, mut head) = (first, Vec::new(), 0, Hash::ZERO);
        while next.seq <= last {
            let Some(found) = self.run_of(store, next).await? else { return Ok(None) };
            for (record, hash) in self.linked(store, &found).await? {
                if record.id.seq < next.seq || record.id.seq > last {
                    continue;
                }
                bytes += record.payload.len();
                if record.id != next || bytes > limits.max_body_bytes as usize / 2 {
                    return Ok(None);
                }
                (head, next.seq) = (hash, next.seq.next());
                payloads.push(record.payload);
            }
            if next.seq <= found.taken.last.min(last) {
                return Ok(None);
            }
        }
        let run = Run { chain: first.chain, first: first.seq, head, payloads, gaps: Vec::new() };
        Ok((!run.payloads.is_empty()).then(|| Batch { runs: vec![run] }.encode(limits)))
    }

    async fn close(&self) -> Result<(), IngestError> {
        self.pool.close();
        Ok(())
    }
}

/// A run, and the batch that it came in.
struct Found {
    taken: Taken,
    no: i64,
}

impl Found {
    fn read(row: &Row, event: EventId) -> Option<Self> {
        let (first, last): (i64, i64) = (row.try_get(0).ok()?, row.try_get(1).ok()?);
        let head: &[u8] = row.try_get(3).ok()?;
        let seq = |number: i64| u64::try_from(number).ok().map(Seq);
        let taken = Taken {
            chain: event.chain,
            first: seq(first)?,
            last: seq(last)?,
            head: Hash(head.try_into().ok()?),
        };
        Some(Self { taken, no: row.try_get(2).ok()? })
    }
}

const LOAD: &str = "SELECT state FROM edgepos_store WHERE store_id = $1";
const BATCH: &str = "SELECT body FROM edgepos_batch WHERE store_id = $1 AND no = $2";
const RUN: &str = "SELECT first, last, no, head FROM edgepos_run
    WHERE store_id = $1 AND chain = $2 AND last >= $3 ORDER BY last LIMIT 1";
/// One statement, so one transaction: the row moves on only if it is still the one that was decided upon, and whatever came with the step
/// follows from its having moved. A store without a row begins at 0 and 0, and at nothing else.
const COMMIT: &str = "WITH moved AS (
        INSERT INTO edgepos_store AS s (store_id, epoch, batches, state)
        SELECT $1, $2, $3, $4
        WHERE ($5::bigint = 0 AND $6::bigint = 0) OR EXISTS (SELECT 1 FROM edgepos_store WHERE store_id = $1)
        ON CONFLICT (store_id) DO UPDATE SET epoch = excluded.epoch, batches = excluded.batches, state = excluded.state
        WHERE s.epoch = $5 AND s.batches = $6
        RETURNING 1
    ), kept AS (
        INSERT INTO edgepos_batch (store_id, no, body)
        SELECT $1, $3, $7::bytea FROM moved WHERE $7::bytea IS NOT NULL
    ), runs AS (
        INSERT INTO edgepos_run (store_id, chain, last, first, no, head)
        SELECT $1, r.chain, r.last, r.first, $3, r.head
        FROM moved, unnest($8::bytea[], $9::bigint[], $10::bigint[], $11::bytea[]) AS r (chain, first, last, head)
    )
    SELECT count(*) FROM moved";

/// PostgreSQL's integers are signed; none of these numbers comes near.
fn sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
