//! The segments of a till's file: old events, many in one row.

use edgepos::core::{Chain, EventId, Seq};
use edgepos::sync::{DecodeError, EventRecord, Hash, Segment};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// Bits of an event's row number that its position takes, in files whose rows are numbered by chain.
pub(crate) const SEQ_BITS: i64 = 1 << 40;

/// A segment, and the number of its first row.
pub(crate) struct Stored {
    pub(crate) id: i64,
    segment: Segment,
}

impl Stored {
    /// The number that its last event's row would have.
    pub(crate) fn last_id(&self) -> i64 {
        let positions = self.segment.last.0.saturating_sub(self.segment.first.seq.0);
        self.id.saturating_add(i64::try_from(positions).unwrap_or(i64::MAX))
    }

    /// Its first event, and the position of its last.
    pub(crate) fn reach(&self) -> (EventId, Seq) {
        (self.segment.first, self.segment.last)
    }

    /// Its events.
    pub(crate) fn events(&self) -> Result<Vec<(EventRecord, Hash)>, DecodeError> {
        self.segment.unpack()
    }
}

/// Whether a file has any.
pub(crate) fn has_segments(db: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'segments'";
    db.query_row(sql, [], |row| row.get::<_, i64>(0)).map(|tables| tables > 0)
}

/// The first segment of a chain, by its number, that has a row behind number `after`. The file has the table.
pub(crate) fn next(db: &Connection, no: i64, after: i64) -> rusqlite::Result<Option<Stored>> {
    let sql = "SELECT id, last, hash, digest, batch, (SELECT key FROM chains WHERE no = ?1) FROM segments
         WHERE id BETWEEN ?1 * ?2 AND (?1 + 1) * ?2 - 1 AND id + last - first > ?3 ORDER BY id LIMIT 1";
    db.prepare_cached(sql)?.query_row(params![no, SEQ_BITS, after], stored).optional()
}

/// Every segment of a file, which may have none, one by one; an error for a row that cannot be read as one.
pub(crate) fn each(db: &Connection, mut see: impl FnMut(rusqlite::Result<Stored>)) -> rusqlite::Result<()> {
    if !has_segments(db)? {
        return Ok(());
    }
    let sql = "SELECT id, last, hash, digest, batch, (SELECT key FROM chains WHERE no = id / ?1) FROM segments ORDER BY id";
    let mut statement = db.prepare(sql)?;
    let mut rows = statement.query([SEQ_BITS])?;
    while let Some(row) = rows.next()? {
        see(stored(row));
    }
    Ok(())
}

/// The chain's hash at an event that is in a segment; `None` where none has it that can be read.
pub(crate) fn hash(db: &Connection, id: EventId) -> rusqlite::Result<Option<Hash>> {
    let sql = "SELECT no FROM chains WHERE key = ?1";
    let no: Option<i64> = db.query_row(sql, [id.chain.to_key()], |row| row.get(0)).optional()?;
    let before = i64::try_from(id.seq.0).ok().zip(no).map(|(seq, no)| (no, no * SEQ_BITS + seq - 1));
    let Some((no, before)) = before else { return Ok(None) };
    let events = next(db, no, before)?.and_then(|stored| stored.events().ok()).unwrap_or_default();
    Ok(events.into_iter().find(|(record, _)| record.id == id).map(|(_, hash)| hash))
}

fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    let unreadable = |at: usize, what: &'static str| {
        rusqlite::Error::FromSqlConversionFailure(at, Type::Blob, what.into())
    };
    let fixed = |at: usize| -> rusqlite::Result<[u8; 32]> {
        row.get::<_, Vec<u8>>(at)?.try_into().map_err(|_| unreadable(at, "a hash has 32 bytes"))
    };
    let id: i64 = row.get(0)?;
    let key: Vec<u8> = row.get(5)?;
    let chain = Chain::from_key(&key).ok_or_else(|| unreadable(5, "the key names no chain"))?;
    let last = Seq(row.get::<_, i64>(1)?.unsigned_abs());
    let first = EventId::new(chain, Seq((id % SEQ_BITS).unsigned_abs()));
    let segment = Segment { first, last, hash: Hash(fixed(2)?), digest: fixed(3)?, batch: row.get(4)? };
    Ok(Stored { id, segment })
}
