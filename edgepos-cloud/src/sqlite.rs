//! The cloud in one SQLite file, and the one thread that touches it.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use async_trait::async_trait;
use edgepos_core::{EventId, Seq, StoreId};
use edgepos_sync::{Batch, EventRecord, Hash, IngestState, Ingested, Limits, Run};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use thiserror::Error;
use tokio::sync::oneshot;

use crate::ingest::{IngestError, IngestStore, Step};

/// Requests that may wait for the thread; a further one is told to come back.
const MAX_WAITING: usize = 64;
/// How long another process may hold the file, such as somebody's `sqlite3`.
const BUSY: Duration = Duration::from_secs(5);
/// What the write-ahead log is cut back to after it grew behind somebody's open query.
const LOG_BYTES: i32 = 6 << 20;

/// `store`: one row for each store. `batch`: what came in, as it came. `event`: the same events one by one, for a reader's eyes.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS store (
    id BLOB PRIMARY KEY, epoch INTEGER NOT NULL, batches INTEGER NOT NULL, state BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batch (
    store BLOB NOT NULL, no INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (store, no)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS event (
    store BLOB NOT NULL, key BLOB NOT NULL, terminal INTEGER NOT NULL, lane INTEGER NOT NULL, seq INTEGER NOT NULL,
    payload BLOB NOT NULL, hash BLOB, PRIMARY KEY (store, key)
) WITHOUT ROWID;
";
/// For a file that an earlier version made: its events have no hash, and the store's row has that of each chain's last one.
const ADD_HASH: &str = "ALTER TABLE event ADD COLUMN hash BLOB";

/// The tables of a cloud's file: those of [`SCHEMA`].
const OURS: &str = "name IN ('store', 'batch', 'event')";
/// Those of a till's.
const OF_A_TILL: &str = "name IN ('events', 'rows')";

/// The file cannot be opened. Nothing was written to it.
#[derive(Debug, Error)]
#[error("{}: {why}", path.display())]
pub struct OpenError {
    /// Where the file should be.
    path: PathBuf,
    #[source]
    why: Why,
}

#[derive(Debug, Error)]
enum Why {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error("it is the file of a till; expected that of a cloud, or none")]
    Till,
    #[error("it is the database of another program; expected the file of a cloud, or none")]
    Foreign,
    #[error("it has format {0}, of a later version; this one reads format 0")]
    Later(i32),
}

type Answer<T> = oneshot::Sender<Result<T, IngestError>>;

enum Job {
    Load(StoreId, Answer<IngestState>),
    Commit(Box<Step>, Answer<bool>),
    Hash(StoreId, EventId, Answer<Option<Hash>>),
    Events(StoreId, EventId, Seq, Answer<Option<Vec<u8>>>),
    Close(Answer<()>),
}

/// One SQLite file. Its thread ends with this value, or when it is closed.
///
/// Table `store` has a row for each store; `batch` what came in; `event` the same events one by one, for a reader's eyes.
#[derive(Debug)]
pub struct SqliteIngest {
    jobs: mpsc::SyncSender<Job>,
}

impl SqliteIngest {
    /// Opens the file, or makes it, and starts the thread. A file of version 0.1.0 gets a column for hashes.
    ///
    /// # Errors
    /// When SQLite cannot open it, or it is a till's, of another program or of a later version.
    ///
    /// # Panics
    /// When the process can start no more threads.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let connection = open(path).map_err(|why| OpenError { path: path.to_owned(), why })?;
        let (jobs, waiting) = mpsc::sync_channel(MAX_WAITING);
        std::thread::Builder::new()
            .name("cloud-db".into())
            .spawn(move || work(connection, &waiting))
            .expect("a process that just started can start a thread");
        Ok(Self { jobs })
    }

    async fn ask<T>(&self, job: impl FnOnce(Answer<T>) -> Job) -> Result<T, IngestError> {
        let (answer, answered) = oneshot::channel();
        self.jobs.try_send(job(answer)).map_err(|error| match error {
            mpsc::TrySendError::Full(_) => IngestError::Busy,
            mpsc::TrySendError::Disconnected(_) => IngestError::Closed,
        })?;
        answered.await.map_err(|_| IngestError::Closed)?
    }
}

#[async_trait]
impl IngestStore for SqliteIngest {
    async fn load(&self, store: StoreId) -> Result<IngestState, IngestError> {
        self.ask(|answer| Job::Load(store, answer)).await
    }

    async fn commit(&self, step: &Step) -> Result<bool, IngestError> {
        let step = Box::new(step.clone());
        self.ask(|answer| Job::Commit(step, answer)).await
    }

    async fn hash(&self, store: StoreId, event: EventId) -> Result<Option<Hash>, IngestError> {
        self.ask(|answer| Job::Hash(store, event, answer)).await
    }

    async fn events(
        &self,
        store: StoreId,
        first: EventId,
        last: Seq,
    ) -> Result<Option<Vec<u8>>, IngestError> {
        self.ask(|answer| Job::Events(store, first, last, answer)).await
    }

    /// The file is the whole database then.
    async fn close(&self) -> Result<(), IngestError> {
        let (answer, answered) = oneshot::channel();
        let jobs = self.jobs.clone();
        // The queue may be full: this request waits for its turn.
        let sent = tokio::task::spawn_blocking(move || jobs.send(Job::Close(answer))).await;
        if !matches!(sent, Ok(Ok(()))) {
            return Err(IngestError::Closed);
        }
        answered.await.map_err(|_| IngestError::Closed)?
    }
}

fn open(path: &Path) -> Result<Connection, Why> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    check_ours(&connection)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    connection.execute_batch(SCHEMA)?;
    if connection.prepare("SELECT hash FROM event LIMIT 0").is_err() {
        connection.execute_batch(ADD_HASH)?;
    }
    Ok(connection)
}

/// Refuses what is somebody else's, before anything is written; one without tables is nobody's yet.
fn check_ours(connection: &Connection) -> Result<(), Why> {
    let tables = |such: &str| -> rusqlite::Result<i64> {
        let sql = format!("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND {such}");
        connection.query_row(&sql, [], |row| row.get(0))
    };
    let format = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match (tables("1")?, tables(OURS)?) {
        (0, _) | (_, 3) if format == 0 => Ok(()),
        (_, 3) => Err(Why::Later(format)),
        _ if tables(OF_A_TILL)? == 2 => Err(Why::Till),
        _ => Err(Why::Foreign),
    }
}

fn work(mut connection: Connection, jobs: &mpsc::Receiver<Job>) {
    for job in jobs {
        // An asker that has gone away does not need the answer.
        match job {
            Job::Load(store, answer) => drop(answer.send(load(&connection, store))),
            Job::Commit(step, answer) => drop(answer.send(commit(&mut connection, &step))),
            Job::Hash(store, id, answer) => drop(answer.send(hash(&connection, store, id))),
            Job::Events(store, first, last, answer) => {
                drop(answer.send(events(&connection, store, first, last)))
            }
            Job::Close(answer) => {
                let closed = connection.close().map_err(|(_, error)| IngestError::from(error));
                return drop(answer.send(closed));
            }
        }
    }
}

/// The store's row moves on only if it is still the one that was decided upon.
fn commit(connection: &mut Connection, step: &Step) -> Result<bool, IngestError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let Step { store, after, batch, events, .. } = step;
    let (epoch, batches) = step.guard();
    let moved = transaction.execute(
        "INSERT INTO store (id, epoch, batches, state) SELECT ?1, ?2, ?3, ?4
         WHERE (?5 = 0 AND ?6 = 0) OR EXISTS (SELECT 1 FROM store WHERE id = ?1)
         ON CONFLICT (id) DO UPDATE SET epoch = ?2, batches = ?3, state = ?4 WHERE epoch = ?5 AND batches = ?6",
        params![
            store.0,
            sql(after.epoch().0),
            sql(after.batches()),
            after.encode(),
            sql(epoch.0),
            sql(batches)
        ],
    )?;
    if moved != 1 {
        return Ok(false);
    }
    if let Some(batch) = batch {
        transaction.execute(
            "INSERT INTO batch (store, no, body) VALUES (?1, ?2, ?3)",
            params![store.0, sql(after.batches()), batch],
        )?;
    }
    insert(&transaction, *store, events)?;
    transaction.commit()?;
    Ok(true)
}

fn insert(transaction: &Transaction<'_>, store: StoreId, events: &[Ingested]) -> Result<(), IngestError> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO event (store, key, terminal, lane, seq, payload, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for (EventRecord { id, payload }, hash) in events {
        let chain = id.chain;
        statement.execute(params![
            store.0,
            id.to_key(),
            chain.replica.terminal(),
            chain.lane.code(),
            sql(id.seq.0),
            payload,
            hash.0
        ])?;
    }
    Ok(())
}

fn load(connection: &Connection, store: StoreId) -> Result<IngestState, IngestError> {
    let row: Option<Vec<u8>> = connection
        .query_row("SELECT state FROM store WHERE id = ?1", [store.0], |row| row.get(0))
        .optional()?;
    let Some(row) = row else { return Ok(IngestState::new()) };
    IngestState::decode(&row, &Limits::DEFAULT)
        .map_err(|_| IngestError::Damaged { store, what: "the row of the store" })
}

/// Events that came before hashes were kept are linked anew, from the nearest hash below.
fn hash(connection: &Connection, store: StoreId, id: EventId) -> Result<Option<Hash>, IngestError> {
    let first = EventId::new(id.chain, Seq(1));
    let mut statement = connection.prepare_cached(
        "SELECT key, payload, hash FROM event WHERE store = ?1 AND key BETWEEN ?2 AND ?3 ORDER BY key DESC",
    )?;
    let mut rows = statement.query(params![store.0, first.to_key(), id.to_key()])?;
    let (mut unlinked, mut hash) = (Vec::new(), Hash::ZERO);
    while let Some(row) = rows.next()? {
        let (key, payload): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
        if let Some(known) = row.get::<_, Option<Vec<u8>>>(2)?.and_then(|known| known.try_into().ok()) {
            if unlinked.is_empty() && key != id.to_key() {
                return Ok(None);
            }
            if unlinked.is_empty() {
                return Ok(Some(Hash(known)));
            }
            hash = Hash(known);
            break;
        }
        unlinked.push((
            EventId::from_key(&key).ok_or(IngestError::Damaged { store, what: "the key of an event" })?,
            payload,
        ));
    }
    let found = unlinked.first().is_some_and(|(last, _)| *last == id);
    let linked = unlinked.iter().rev().fold(hash, |hash, (id, payload)| hash.link(*id, payload));
    Ok(found.then_some(linked))
}

/// The events from `first` to `last` as one batch; `None` where they are not all there, or not as their hashes say that they were.
fn events(
    connection: &Connection,
    store: StoreId,
    first: EventId,
    last: Seq,
) -> Result<Option<Vec<u8>>, IngestError> {
    let before = EventId::new(first.chain, Seq(first.seq.0 - 1));
    let Some(mut head) =
        (if before.seq == Seq(0) { Some(Hash::ZERO) } else { hash(connection, store, before)? })
    else {
        return Ok(None);
    };
    let mut statement = connection.prepare_cached(
        "SELECT key, payload, hash FROM event WHERE store = ?1 AND key BETWEEN ?2 AND ?3 ORDER BY key",
    )?;
    let to = EventId::new(first.chain, last);
    let mut rows = statement.query(params![store.0, first.to_key(), to.to_key()])?;
    let (mut next, mut payloads, mut bytes) = (first, Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let (key, payload): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
        head = head.link(next, &payload);
        let stated: Option<Vec<u8>> = row.get(2)?;
        bytes += payload.len();
        let fits = bytes <= Limits::DEFAULT.max_body_bytes as usize / 2;
        if key != next.to_key() || stated.is_some_and(|stated| stated != head.0) || !fits {
            return Ok(None);
        }
        payloads.push(payload);
        next.seq = next.seq.next();
    }
    let is_whole = next.seq == last.next();
    let run = Run { chain: first.chain, first: first.seq, head, payloads, gaps: Vec::new() };
    Ok(is_whole.then(|| Batch { runs: vec![run] }.encode(&Limits::DEFAULT)))
}

/// SQLite's integers are signed; none of these numbers comes near.
fn sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl From<rusqlite::Error> for IngestError {
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error_code();
        let busy =
            matches!(code, Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked));
        if busy { Self::Away(Box::new(error)) } else { Self::Database(Box::new(error)) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[tokio::test]
    async fn after_a_close_the_one_file_is_the_database() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cloud.db");
        let db = SqliteIngest::open(&path).unwrap();
        let store = StoreId([3; 16]);
        assert_eq!(db.load(store).await.unwrap(), IngestState::new());
        db.close().await.unwrap();
        assert!(matches!(db.load(store).await, Err(IngestError::Closed)));
        let beside = std::fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(beside, 1);
    }
}
