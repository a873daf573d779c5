//! Somebody who holds events: a till's file, the cloud's file, a running cloud.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use edgepos::core::{Chain, EventId, Seq, StoreId};
use edgepos::sync::Hash;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use thiserror::Error;

use crate::cloud::{HashReport, Head};
use crate::http::Client;
use crate::names::parse_chain;
use crate::sealed::{self, SEQ_BITS};
use crate::till_file;

/// Somebody cannot be read.
#[derive(Debug, Error)]
#[error("{holder}: {reason}")]
pub struct AuditError {
    holder: String,
    reason: String,
}

/// Where each chain ends, and the hash there.
type Heads = BTreeMap<Chain, (Seq, Hash)>;

pub(super) struct Holder {
    name: String,
    heads: Heads,
    source: Source,
}

enum Source {
    /// `events` of a till; whether its rows are numbered by chain.
    Till(Connection, bool),
    Cloud(Connection, StoreId),
    CloudAt(Client, SocketAddr, StoreId),
}

impl Holder {
    pub(super) fn till(path: &Path) -> Result<Self, AuditError> {
        let (name, db) = open(path)?;
        till_file::check(&db).map_err(|error| failed(&name, error))?;
        let read = || {
            let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'chains'";
            let numbered: i64 = db.query_row(sql, [], |row| row.get(0))?;
            // The bare columns of a row with `max` are those of the row that has it.
            let sql = "SELECT key, hash, max(seq) FROM events GROUP BY terminal, incarnation, lane";
            let mut statement = db.prepare(sql)?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok((numbered > 0, rows.collect::<rusqlite::Result<Vec<_>>>()?))
        };
        let (numbered, rows) = read().map_err(|error: rusqlite::Error| failed(&name, error))?;
        let heads = heads(&name, rows)?;
        Ok(Self { name, heads, source: Source::Till(db, numbered) })
    }

    pub(super) fn cloud(path: &Path, store: StoreId) -> Result<Self, AuditError> {
        let (name, db) = open(path)?;
        let read = || {
            let sql = "SELECT key, hash, max(seq) FROM event WHERE store = ?1 GROUP BY substr(key, 1, 9)";
            let mut statement = db.prepare(sql)?;
            let rows = statement.query_map([store.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        let rows = read().map_err(|error| failed(&name, error))?;
        let heads = heads(&name, rows)?;
        Ok(Self { name, heads, source: Source::Cloud(db, store) })
    }

    pub(super) async fn cloud_at(address: SocketAddr, store: StoreId) -> Result<Self, AuditError> {
        let (client, name) = (Client::new(), format!("the cloud at {address}"));
        let path = format!("/v1/stores/{store}/head");
        let head: Head = client.get(address, &path).await.map_err(|error| failed(&name, error))?;
        let mut heads = Heads::new();
        for (chain, seq) in head.vector {
            let hash = head.heads.get(&chain).and_then(|hash| from_hex(hash));
            let hash = hash.ok_or_else(|| failed(&name, format!("it says no hash of {chain}")))?;
            let chain = parse_chain(&chain).map_err(|error| failed(&name, error))?;
            heads.insert(chain, (Seq(seq), hash));
        }
        Ok(Self { name, heads, source: Source::CloudAt(client, address, store) })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn heads(&self) -> &Heads {
        &self.heads
    }

    /// The hash of a chain at one of its events; `None` where it does not have it.
    pub(super) async fn hash(&self, id: EventId) -> Result<Option<Hash>, AuditError> {
        if let Some((seq, hash)) = self.heads.get(&id.chain).filter(|(seq, _)| *seq <= id.seq) {
            return Ok((*seq == id.seq).then_some(*hash));
        }
        let found = match &self.source {
            Source::Till(db, true) => {
                let sql =
                    "SELECT hash FROM events WHERE id = (SELECT no FROM chains WHERE key = ?1) * ?2 + ?3";
                let seq = i64::try_from(id.seq.0).unwrap_or(i64::MAX);
                db.query_row(sql, params![id.chain.to_key(), SEQ_BITS, seq], |row| row.get(0)).optional()
            }
            Source::Till(db, false) => {
                let sql = "SELECT hash FROM events WHERE key = ?1";
                db.query_row(sql, [id.to_key()], |row| row.get(0)).optional()
            }
            Source::Cloud(db, store) => {
                let sql = "SELECT hash FROM event WHERE store = ?1 AND key = ?2";
                db.query_row(sql, params![store.0, id.to_key()], |row| row.get(0)).optional()
            }
            Source::CloudAt(client, address, store) => {
                let path = format!("/v1/stores/{store}/hash?event={id}");
                let report: HashReport =
                    client.get(*address, &path).await.map_err(|error| failed(&self.name, error))?;
                return Ok(report.hash.and_then(|hash| from_hex(&hash)));
            }
        };
        let found: Option<Option<Vec<u8>>> = found.map_err(|error| failed(&self.name, error))?;
        let found = found.flatten().and_then(|hash| hash_of(&hash));
        match &self.source {
            Source::Till(db, true) if found.is_none() => {
                let sealed = sealed::has_segments(db)
                    .and_then(|has| if has { sealed::hash(db, id) } else { Ok(None) });
                sealed.map_err(|error| failed(&self.name, error))
            }
            _ => Ok(found),
        }
    }
}

fn heads(name: &str, rows: Vec<(Vec<u8>, Option<Vec<u8>>)>) -> Result<Heads, AuditError> {
    let read = |(key, hash): (Vec<u8>, Option<Vec<u8>>)| {
        let id = EventId::from_key(&key).ok_or_else(|| failed(name, "a key names no event"))?;
        let hash = hash.and_then(|hash| hash_of(&hash));
        let hash = hash.ok_or_else(|| {
            failed(name, format!("event {id} has no hash: it came before hashes were kept"))
        })?;
        Ok((id.chain, (id.seq, hash)))
    };
    rows.into_iter().map(read).collect()
}

/// Its name, and the file. Not read-only: where the writer was killed, its write-ahead log has to be replayed first. Never made where it is
/// missing.
fn open(path: &Path) -> Result<(String, Connection), AuditError> {
    let name = path.display().to_string();
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(|error| failed(&name, error))?;
    // Its log stays as it is: of a damaged one the till itself reads more than SQLite does.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .map_err(|error| failed(&name, error))?;
    Ok((name, db))
}

fn failed(holder: &str, reason: impl ToString) -> AuditError {
    AuditError { holder: holder.to_owned(), reason: reason.to_string() }
}

fn from_hex(text: &str) -> Option<Hash> {
    let digits = |at: usize| u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..32).map(digits).collect();
    hash_of(&bytes.filter(|_| text.len() == 64)?)
}

fn hash_of(bytes: &[u8]) -> Option<Hash> {
    bytes.try_into().ok().map(Hash)
}
