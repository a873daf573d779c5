//! The cloud's SQLite file, and the one thread that touches it.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use edgepos::core::{EventId, Seq, StoreId, WallMs};
use edgepos::sync::{Batch, CloudReply, CloudRequest, EventRecord, Hash, IngestState, Ingested, Limits, Run};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use thiserror::Error;
use tokio::sync::oneshot;

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

/// The cloud's file failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DbError {
    /// It cannot be opened.
    #[error("{}: {source}", path.display())]
    Open {
        /// Where the file should be.
        path: PathBuf,
        /// What the call beneath it says.
        source: rusqlite::Error,
    },
    /// A read or a write failed; nothing of the write was stored.
    #[error("the cloud's database failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A row does not read.
    #[error("the row of store {0} is damaged")]
    Damaged(StoreId),
    /// Too many requests wait already.
    #[error("the cloud is busy")]
    Busy,
    /// The thread has ended.
    #[error("the cloud is closing")]
    Closed,
}

type Answer<T> = oneshot::Sender<Result<T, DbError>>;

enum Job {
    Handle(CloudRequest, Answer<CloudReply>),
    Look(StoreId, Answer<(IngestState, u64)>),
    Close(Answer<()>),
    Hash(StoreId, EventId, Answer<Option<Hash>>),
}

/// A handle on the thread. It ends with the last handle, or when [`close`](Self::close) was called.
#[derive(Debug)]
pub struct Db {
    jobs: mpsc::SyncSender<Job>,
}

impl Db {
    /// Opens the file, or makes it, and starts the thread.
    ///
    /// # Errors
    /// [`DbError::Open`].
    pub fn open(path: &Path) -> Result<Self, DbError> {
        let connection = open(path).map_err(|source| DbError::Open { path: path.to_owned(), source })?;
        let (jobs, waiting) = mpsc::sync_channel(MAX_WAITING);
        std::thread::Builder::new()
            .name("cloud-db".into())
            .spawn(move || work(connection, &waiting))
            .expect("a process that just started can start a thread");
        Ok(Self { jobs })
    }

    /// Decides about one request and makes the decision durable.
    ///
    /// # Errors
    /// When the file fails or too many requests wait. The uploader then knows nothing and asks again, which is harmless.
    pub async fn handle(&self, request: CloudRequest) -> Result<CloudReply, DbError> {
        self.ask(|answer| Job::Handle(request, answer)).await
    }

    /// What is held of a store, and how many events that is.
    ///
    /// # Errors
    /// When the file fails or too many requests wait.
    pub async fn look(&self, store: StoreId) -> Result<(IngestState, u64), DbError> {
        self.ask(|answer| Job::Look(store, answer)).await
    }

    /// The hash of a chain at one of its events; `None` where the event is not held, or came before hashes were kept.
    ///
    /// # Errors
    /// When the file fails or too many requests wait.
    pub async fn hash(&self, store: StoreId, id: EventId) -> Result<Option<Hash>, DbError> {
        self.ask(|answer| Job::Hash(store, id, answer)).await
    }

    /// Ends the thread after the work that waits, and lets go of the file, which is the whole database then. Later requests are
    /// told that the cloud is closing.
    ///
    /// # Errors
    /// When the file could not be tidied up; what was answered is durable all the same.
    pub async fn close(&self) -> Result<(), DbError> {
        let (answer, answered) = oneshot::channel();
        let jobs = self.jobs.clone();
        // The queue may be full: this request waits for its turn.
        let sent = tokio::task::spawn_blocking(move || jobs.send(Job::Close(answer))).await;
        if !matches!(sent, Ok(Ok(()))) {
            return Err(DbError::Closed);
        }
        answered.await.map_err(|_| DbError::Closed)?
    }

    async fn ask<T>(&self, job: impl FnOnce(Answer<T>) -> Job) -> Result<T, DbError> {
        let (answer, answered) = oneshot::channel();
        self.jobs.try_send(job(answer)).map_err(|error| match error {
            mpsc::TrySendError::Full(_) => DbError::Busy,
            mpsc::TrySendError::Disconnected(_) => DbError::Closed,
        })?;
        answered.await.map_err(|_| DbError::Closed)?
    }
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    connection.execute_batch(SCHEMA)?;
    if connection.prepare("SELECT hash FROM event LIMIT 0").is_err() {
        connection.execute_batch(ADD_HASH)?;
    }
    Ok(connection)
}

fn work(mut connection: Connection, jobs: &mpsc::Receiver<Job>) {
    for job in jobs {
        // An asker that has gone away does not need the answer.
        match job {
            Job::Handle(request, answer) => drop(answer.send(handle(&mut connection, &request))),
            Job::Look(store, answer) => drop(answer.send(look(&connection, store))),
            Job::Close(answer) => {
                let closed = connection.close().map_err(|(_, error)| DbError::Sqlite(error));
                return drop(answer.send(closed));
            }
            Job::Hash(store, id, answer) => drop(answer.send(hash(&connection, store, id))),
        }
    }
}

/// One request, one transaction: the store's row moves on only if it is still the one that was decided upon.
fn handle(connection: &mut Connection, request: &CloudRequest) -> Result<CloudReply, DbError> {
    if let CloudRequest::Probe { store, event } = request {
        return Ok(CloudReply::Hash { event: *event, hash: hash(connection, *store, *event)? });
    }
    if let CloudRequest::Fetch { store, first, last } = request {
        let batch = events(connection, *store, *first, *last)?;
        return Ok(CloudReply::Events { first: *first, last: *last, batch });
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let store = request.store();
    let before = load(&transaction, store)?;
    let mut after = before.clone();
    let (reply, events) = after.handle(wall(), request, &Limits::DEFAULT);
    if after == before {
        return Ok(reply);
    }
    let moved = transaction.execute(
        "INSERT INTO store (id, epoch, batches, state) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (id) DO UPDATE SET epoch = ?2, batches = ?3, state = ?4 WHERE epoch = ?5 AND batches = ?6",
        params![
            store.0,
            sql(after.epoch().0),
            sql(after.batches()),
            after.encode(),
            sql(before.epoch().0),
            sql(before.batches())
        ],
    )?;
    if moved != 1 {
        return Ok(CloudReply::Fenced { epoch: after.epoch() });
    }
    if let CloudRequest::Append { batch, .. } = request {
        transaction.execute(
            "INSERT INTO batch (store, no, body) VALUES (?1, ?2, ?3)",
            params![store.0, sql(after.batches()), batch],
        )?;
    }
    insert(&transaction, store, &events)?;
    transaction.commit()?;
    Ok(reply)
}

fn insert(transaction: &Transaction<'_>, store: StoreId, events: &[Ingested]) -> Result<(), DbError> {
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

fn load(connection: &Connection, store: StoreId) -> Result<IngestState, DbError> {
    let row: Option<Vec<u8>> = connection
        .query_row("SELECT state FROM store WHERE id = ?1", [store.0], |row| row.get(0))
        .optional()?;
    let Some(row) = row else { return Ok(IngestState::new()) };
    IngestState::decode(&row, &Limits::DEFAULT).map_err(|_| DbError::Damaged(store))
}

fn look(connection: &Connection, store: StoreId) -> Result<(IngestState, u64), DbError> {
    let state = load(connection, store)?;
    let events = state.vector().iter().map(|(_, seq)| seq.0).sum();
    Ok((state, events))
}

/// Events that came before hashes were kept are linked anew, from the nearest hash below.
fn hash(connection: &Connection, store: StoreId, id: EventId) -> Result<Option<Hash>, DbError> {
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
        unlinked.push((EventId::from_key(&key).ok_or(DbError::Damaged(store))?, payload));
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
) -> Result<Option<Vec<u8>>, DbError> {
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

fn wall() -> WallMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallMs(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[tokio::test]
    async fn after_a_close_the_one_file_is_the_database() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cloud.db");
        let db = Db::open(&path).unwrap();
        let store = StoreId([3; 16]);
        let (_, events) = db.look(store).await.unwrap();
        assert_eq!(events, 0);
        db.close().await.unwrap();
        assert!(matches!(db.look(store).await, Err(DbError::Closed)));
        let beside = std::fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(beside, 1);
    }
}
