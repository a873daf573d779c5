//! Old events, many of them in one row: a segment, whose number is that of its first event.
//!
//! Each position of a chain is either in a segment or a row of its own, never both, so that readers see one order. A write to a position
//! that is in a segment takes that segment apart first.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

use edgepos_core::{Chain, EventId, Seq};
use edgepos_sync::{EventRecord, Hash, Segment};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::columns::signed;
use super::numbering::{chain_rows, row_number, seq_of};
use crate::ports::Rows;

/// What readers of format 3 do not know: the file is marked as of format 4 when its first segment is written.
const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS segments (
        id INTEGER PRIMARY KEY,
        terminal INTEGER NOT NULL,
        incarnation TEXT NOT NULL,
        lane INTEGER NOT NULL,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        from_utc_ms INTEGER,
        to_utc_ms INTEGER,
        hash BLOB NOT NULL,
        digest BLOB NOT NULL,
        batch BLOB NOT NULL
    );
";

/// Marks a file that has none yet.
const MARK: &str = "PRAGMA user_version = 4;";

/// Segments that are kept unpacked, of some 100 KB each where events are sales.
const KEPT: usize = 4;

/// Where a segment's events would lie: the numbers of the first row and of the last one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Span {
    pub(super) first: i64,
    pub(super) last: i64,
}

/// The segments of one file.
#[derive(Debug, Default)]
pub(super) struct Segments {
    /// By the number of each chain that has some, the last row's number that one of them has.
    ends: BTreeMap<i64, i64>,
    /// The segments that were read last, by their numbers, the latest in front: who reads one of its events often reads the next, of
    /// some chains by turns.
    latest: RefCell<VecDeque<(i64, Rows)>>,
}

impl Segments {
    /// Those of a file, whose chains have these numbers.
    pub(super) fn of(db: &Connection, chains: impl Iterator<Item = i64>) -> rusqlite::Result<Self> {
        let mut segments = Self::default();
        if !has_table(db)? {
            return Ok(segments);
        }
        let sql = "SELECT id, last - first FROM segments WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 1";
        let mut statement = db.prepare(sql)?;
        for no in chains {
            let (first, last) = chain_rows(no);
            let end = statement.query_row(params![first, last], span).optional()?;
            segments.ends.extend(end.map(|span| (no, span.last)));
        }
        Ok(segments)
    }

    /// The last row of the chain that a segment has or had.
    pub(super) fn end(&self, no: i64) -> Option<i64> {
        self.ends.get(&no).copied()
    }

    /// A segment was written, and its transaction committed.
    pub(super) fn written(&mut self, no: i64, span: Span) {
        let end = self.ends.entry(no).or_insert(span.last);
        *end = span.last.max(*end);
    }

    /// The segment that has row `at`, or the first behind it that has a row up to `to`; both are of the chain.
    pub(super) fn next(&self, db: &Connection, no: i64, at: i64, to: i64) -> rusqlite::Result<Option<Span>> {
        if self.end(no).is_none_or(|end| end < at) {
            return Ok(None);
        }
        let sql = "SELECT id, last - first FROM segments WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 1";
        let before = db.prepare_cached(sql)?.query_row(params![chain_rows(no).0, at], span).optional()?;
        if let Some(span) = before.filter(|span| span.last >= at) {
            return Ok(Some(span));
        }
        let sql = "SELECT id, last - first FROM segments WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT 1";
        db.prepare_cached(sql)?.query_row(params![at, to], span).optional()
    }

    /// The rows of a segment from number `from` to `to`, up to and including the one that takes all of `left`. The last number that was
    /// seen to. A segment that is damaged has a row for each of its events, with a hash of zeros and no payload: like any bytes whose hash
    /// is another one, and whoever reads them sees that.
    pub(super) fn read(
        &self,
        db: &Connection,
        chain: Chain,
        of: Span,
        (from, to): (i64, i64),
        left: &mut usize,
        rows: &mut Rows,
    ) -> rusqlite::Result<i64> {
        let mut latest = self.latest.borrow_mut();
        if let Some(at) = latest.iter().position(|(id, _)| *id == of.first) {
            latest.swap(0, at);
        } else {
            let row =
                |(record, hash): (EventRecord, Hash)| (record.id.to_key().to_vec(), record.to_row(hash));
            let events = stored(db, chain, of)?.and_then(|segment| segment.unpack().ok());
            let events = match events {
                Some(events) => events.into_iter().map(row).collect(),
                None => damaged(db, chain, of)?,
            };
            latest.truncate(KEPT - 1);
            latest.push_front((of.first, events));
        }
        let Some((_, events)) = latest.front() else { return Ok(of.last) };
        let last = of.first + events.len() as i64 - 1;
        let skipped = usize::try_from(from - of.first).unwrap_or_default();
        let taken = usize::try_from(to.min(last) - from + 1).unwrap_or_default();
        for (key, value) in events.iter().skip(skipped).take(taken) {
            if *left == 0 && !rows.is_empty() {
                break;
            }
            *left = left.saturating_sub(key.len() + value.len());
            rows.push((key.clone(), value.clone()));
        }
        Ok(last)
    }

    /// Takes the segment away that has this event, where one has it: its events, which are to be written one by one again. None, where it
    /// is damaged.
    pub(super) fn take_apart(
        &self,
        transaction: &Transaction<'_>,
        no: i64,
        id: EventId,
    ) -> rusqlite::Result<Vec<(EventRecord, Hash)>> {
        let Some(at) = row_number(no, id.seq) else { return Ok(Vec::new()) };
        let found = self.next(transaction, no, at, at)?;
        let Some(span) = found.filter(|span| span.first <= at) else { return Ok(Vec::new()) };
        self.latest.borrow_mut().retain(|(id, _)| *id != span.first);
        let events = stored(transaction, id.chain, span)?.and_then(|segment| segment.unpack().ok());
        transaction.prepare_cached("DELETE FROM segments WHERE id = ?1")?.execute([span.first])?;
        Ok(events.unwrap_or_default())
    }
}

/// What stands for the events of a segment that is damaged, the column of its last position perhaps included: up to what comes behind it.
fn damaged(db: &Connection, chain: Chain, of: Span) -> rusqlite::Result<Rows> {
    let most = of.first + Segment::MAX_EVENTS as i64;
    let sql = "SELECT min(id) FROM (SELECT min(id) AS id FROM events WHERE id > ?1 AND id < ?2
         UNION ALL SELECT min(id) FROM segments WHERE id > ?1 AND id < ?2)";
    let behind: Option<i64> = db.prepare_cached(sql)?.query_row(params![of.first, most], |row| row.get(0))?;
    let row = |id| {
        let record = EventRecord { id: EventId::new(chain, seq_of(id)), payload: Vec::new() };
        (record.id.to_key().to_vec(), record.to_row(Hash::ZERO))
    };
    Ok((of.first..behind.unwrap_or(most)).map(row).collect())
}

/// The last position of the latest segment of a chain whose events all state an earlier time.
pub(super) fn last_before(
    transaction: &Transaction<'_>,
    no: i64,
    before_utc_ms: u64,
) -> rusqlite::Result<Option<Seq>> {
    let (first, end) = chain_rows(no);
    let sql =
        "SELECT id, last - first FROM segments WHERE id BETWEEN ?1 AND ?2 AND coalesce(to_utc_ms, 0) < ?3
         ORDER BY id DESC LIMIT 1";
    let mut statement = transaction.prepare_cached(sql)?;
    let latest = statement.query_row(params![first, end, signed(before_utc_ms)], span).optional()?;
    Ok(latest.map(|span| seq_of(span.last)))
}

/// How many events all segments of a file have, as they state themselves.
pub(super) fn events(db: &Connection) -> rusqlite::Result<u64> {
    if !has_table(db)? {
        return Ok(0);
    }
    let sql = "SELECT coalesce(sum(last - first + 1), 0) FROM segments";
    db.query_row(sql, [], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
}

fn has_table(db: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'segments'";
    db.query_row(sql, [], |row| row.get::<_, i64>(0)).map(|tables| tables > 0)
}

/// Writes a segment in the place of its rows.
pub(super) fn write(
    transaction: &Transaction<'_>,
    no: i64,
    segment: &Segment,
    times: Option<(i64, i64)>,
) -> rusqlite::Result<Option<Span>> {
    let Segment { first: EventId { chain, seq }, last, hash, digest, batch } = segment;
    let numbers = row_number(no, *seq).zip(row_number(no, *last));
    let Some((first, end)) = numbers else { return Ok(None) };
    if !has_table(transaction)? {
        transaction.execute_batch(TABLE)?;
        transaction.execute_batch(MARK)?;
    }
    let sql = "DELETE FROM events WHERE id BETWEEN ?1 AND ?2";
    transaction.prepare_cached(sql)?.execute(params![first, end])?;
    let sql =
        "INSERT INTO segments (id, terminal, incarnation, lane, first, last, from_utc_ms, to_utc_ms, hash, digest, batch)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    transaction.prepare_cached(sql)?.execute(params![
        first,
        chain.replica.terminal(),
        chain.replica.to_string(),
        chain.lane.code(),
        signed(seq.0),
        signed(last.0),
        times.map(|(from, _)| from),
        times.map(|(_, to)| to),
        hash.0.as_slice(),
        digest.as_slice(),
        batch,
    ])?;
    Ok(Some(Span { first, last: end }))
}

fn span(row: &rusqlite::Row<'_>) -> rusqlite::Result<Span> {
    let (first, more): (i64, i64) = (row.get(0)?, row.get(1)?);
    // A column that is damaged must not lead into another chain.
    let more = more.clamp(0, Segment::MAX_EVENTS as i64 - 1);
    Ok(Span { first, last: first + more })
}

/// A segment as it is stored; `None` where its row has not the form of one.
fn stored(db: &Connection, chain: Chain, of: Span) -> rusqlite::Result<Option<Segment>> {
    let sql = "SELECT last, hash, digest, batch FROM segments WHERE id = ?1";
    let read = |row: &rusqlite::Row<'_>| {
        let last = row.get_ref(0)?.as_i64().ok().and_then(|last| u64::try_from(last).ok());
        let bytes = |at: usize| row.get_ref(at).map(|value| value.as_blob().unwrap_or_default().to_vec());
        let fixed = |at: usize| bytes(at).map(|bytes| <[u8; 32]>::try_from(bytes).ok());
        Ok((last, fixed(1)?, fixed(2)?, bytes(3)?))
    };
    let found = db.prepare_cached(sql)?.query_row([of.first], read).optional()?;
    Ok(found.and_then(|(last, hash, digest, batch)| {
        let first = EventId::new(chain, seq_of(of.first));
        Some(Segment { first, last: Seq(last?), hash: Hash(hash?), digest: digest?, batch })
    }))
}
