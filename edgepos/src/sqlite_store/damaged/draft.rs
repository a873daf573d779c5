//! The new file that is made of what can be read of a damaged one.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use edgepos_core::{Chain, EventId, ReplicaId, Seq, Space, Write};
use edgepos_sync::{AtRest, EventRecord, Hash, Restored, Segment};
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::remains::{Lacks, Remains};
use super::shape::{Packed, Shape, State};
use crate::ports::StoreError;
use crate::retail::rebuilt;
use crate::sqlite_store::events::Events;
use crate::sqlite_store::failure::told;
use crate::sqlite_store::numbering::{chain_rows, seq_of};
use crate::sqlite_store::packed::{self, Block};
use crate::sqlite_store::tables::{PAGE_BYTES, make_tables, put_row};
use crate::terminal::restore::{COPIED, ME};

/// Rows of these spaces are one whole: a part of them is worse than none. What the election has forgotten others state.
const ELECTION: [Space; 3] = [Space::Election, Space::ElectionLog, Space::ElectionSnapshot];

/// What of a file was written anew.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Salvaged {
    events: u64,
    segments: u64,
    rows: u64,
    /// Rows, events and segments that were seen and could not be read.
    unreadable: u64,
    /// Whether rows other than events may be gone.
    lacks_rows: bool,
}

impl fmt::Display for Salvaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, segments, rows, unreadable, lacks_rows } = self;
        let lacking = if *lacks_rows { "; some rows are gone" } else { "" };
        write!(
            f,
            "{events} events, {segments} segments and {rows} rows were read, {unreadable} were not{lacking}"
        )
    }
}

/// The new file while it is written.
struct Draft<'d> {
    transaction: Transaction<'d>,
    events: Events,
    shelf: AtRest,
    lacks: Lacks,
    /// Who writes this terminal's events, as far as is known: names of its own have other rows.
    me: Option<ReplicaId>,
    heads: Restored,
    chains: BTreeSet<Chain>,
    salvaged: Salvaged,
}

/// Writes everything that can be read to a new file.
///
/// # Errors
/// When the disk says no.
pub(super) fn write(remains: &Remains<'_>, path: &Path) -> Result<Salvaged, StoreError> {
    let failed = |error| told(format!("writing {}", path.display()), error);
    let mut db = blank(path)?;
    let events = Events::of(&db).map_err(failed)?;
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let lacks = remains.lacks();
    let mut draft = Draft {
        transaction,
        events,
        shelf: AtRest::default(),
        lacks,
        me: None,
        heads: Restored::new(),
        chains: BTreeSet::new(),
        salvaged: Salvaged { lacks_rows: lacks.derived, ..Salvaged::default() },
    };
    // The rows first: an event's names are rows of another form where the terminal itself wrote it.
    remains.read(|shape| draft.row(shape))?;
    remains.read(|shape| draft.event(shape, remains))?;
    let salvaged = draft.end()?;
    db.close().map_err(|(_, error)| failed(error))?;
    Ok(salvaged)
}

impl Draft<'_> {
    fn put(&self, space: Space, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        put_row(&self.transaction, space, key, value)
            .map_err(|error| told("writing a row anew".into(), error))
    }

    fn row(&mut self, shape: Option<Shape>) -> Result<(), StoreError> {
        if let Some(Shape::Block { space, block }) = &shape {
            return self.block(*space, block);
        }
        let Some(Shape::Row { space, key, value, state }) = shape else {
            self.salvaged.unreadable += u64::from(shape.is_none());
            return Ok(());
        };
        let is_made_again = rebuilt::DERIVED.contains(&space) && !rebuilt::KEPT.contains(&space);
        let is_left =
            (self.lacks.derived && is_made_again) || (self.lacks.election && ELECTION.contains(&space));
        if state == State::Wrong || is_left {
            self.salvaged.unreadable += u64::from(state == State::Wrong);
            return Ok(());
        }
        let number = || value.as_slice().try_into().ok().map(|number| ReplicaId(u64::from_be_bytes(number)));
        match space {
            Space::Identity if key == ME => self.me = self.me.or_else(number),
            // A row that cannot be read tells no head; its events do.
            Space::Head | Space::Author => drop(self.heads.insert(space, &key, &value)),
            _ => {}
        }
        self.salvaged.rows += 1;
        self.put(space, &key, &value)
    }

    /// Rows of old events stay together. Where something may be missing, blocks may be older than others that lie over them: names are
    /// rows by themselves then, and what follows from events is made again.
    fn block(&mut self, space: Space, block: &Block) -> Result<(), StoreError> {
        let rows = block.rows(space.code());
        self.salvaged.unreadable += u64::from(rows.is_none());
        let is_left = self.lacks.derived && rebuilt::DERIVED.contains(&space);
        let Some(rows) = rows.filter(|_| !is_left) else { return Ok(()) };
        self.salvaged.rows += rows.len() as u64;
        if self.lacks.derived {
            return rows.iter().try_for_each(|(key, value)| self.put(space, key, value));
        }
        packed::write(&self.transaction, space.code(), &rows)
            .map(|_| ())
            .map_err(|error| told("writing rows of old events anew".into(), error))
    }

    fn event(&mut self, shape: Option<Shape>, remains: &Remains<'_>) -> Result<(), StoreError> {
        match shape {
            Some(Shape::Event { number, record, hash, dictionary }) => {
                let is_in_place = number.is_none_or(|number| seq_of(number) == record.id.seq);
                let payload = dictionary.map(|no| self.shelf.unpack(no, &record.payload));
                let record = match payload {
                    None => record,
                    Some(Ok(payload)) => EventRecord { payload, ..record },
                    Some(Err(_)) => return self.skip(),
                };
                if is_in_place { self.keep(&record, hash) } else { self.skip() }
            }
            Some(Shape::Segment(packed)) => self.segment(*packed, remains),
            _ => Ok(()),
        }
    }

    fn skip(&mut self) -> Result<(), StoreError> {
        self.salvaged.unreadable += 1;
        Ok(())
    }

    fn keep(&mut self, record: &EventRecord, hash: Hash) -> Result<(), StoreError> {
        self.events.put(&self.transaction, &record.id.to_key(), &record.to_row(hash))?;
        self.at_once(record)?;
        self.chains.insert(record.id.chain);
        self.salvaged.events += 1;
        Ok(())
    }

    /// What a retry asks for must be known before the terminal is asked.
    fn at_once(&self, record: &EventRecord) -> Result<(), StoreError> {
        let me = self.heads.author().or(self.me).unwrap_or_default();
        let rows = if self.lacks.derived { rebuilt::at_once(record, me) } else { Vec::new() };
        for row in rows {
            if let Write::Put { space, key, value } = row {
                self.put(space, &key, &value)?;
            }
        }
        Ok(())
    }

    fn segment(&mut self, packed: Packed, remains: &Remains<'_>) -> Result<(), StoreError> {
        let Packed { number, last, hash, digest, batch, times } = packed;
        let (no, first) = (number >> 40, seq_of(number));
        let Some(chain) = remains.chain(no).or_else(|| Segment::chain_of(&batch)) else { return self.skip() };
        let segment = Segment { first: EventId::new(chain, first), last, hash, digest, batch };
        let Ok(events) = segment.unpack() else { return self.skip() };
        for (record, _) in &events {
            self.at_once(record)?;
        }
        self.chains.insert(chain);
        self.salvaged.segments += 1;
        self.events.adopt(&self.transaction, &segment, times)
    }

    fn end(mut self) -> Result<Salvaged, StoreError> {
        let failed = |error| told("writing a file anew".into(), error);
        for chain in std::mem::take(&mut self.chains) {
            let (seq, hash) = self.last(chain).map_err(failed)?;
            let held = self.heads.held().get(chain);
            if held == Seq::ZERO || (self.lacks.others && held < seq) {
                // What the store itself decided is derived up to where its chain ends, where its log is there.
                let is_derived = chain.replica.is_store() && !self.lacks.election;
                let row = Restored::head_row(chain, seq, hash, is_derived);
                if let Write::Put { space, key, value } = &row {
                    self.put(*space, key, value)?;
                    drop(self.heads.insert(*space, key, value));
                }
            }
        }
        if self.lacks.derived {
            for row in rebuilt::to_be_counted(&self.heads.held()) {
                if let Write::Put { space, key, value } = row {
                    self.put(space, &key, &value)?;
                }
            }
        }
        if self.lacks.others {
            self.put(Space::Identity, COPIED, &[])?;
        }
        self.transaction.commit().map_err(failed)?;
        Ok(self.salvaged)
    }

    /// The last event of a chain that the new file has, outside of segments: those are older.
    fn last(&self, chain: Chain) -> rusqlite::Result<(Seq, Hash)> {
        let Some(no) = self.events.chain_number(chain) else { return Ok((Seq::ZERO, Hash::ZERO)) };
        let (first, last) = chain_rows(no);
        let sql = "SELECT id, hash FROM events WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 1";
        let mut statement = self.transaction.prepare_cached(sql)?;
        let found =
            statement.query_row(params![first, last], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        Ok(found.map_or((Seq::ZERO, Hash::ZERO), |(id, hash)| (seq_of(id), Hash(hash))))
    }
}

/// A new file to write to, without a log: whoever is cut off begins anew.
fn blank(path: &Path) -> Result<Connection, StoreError> {
    let failed = |error| told(format!("writing {}", path.display()), error);
    let db = Connection::open(path).map_err(failed)?;
    db.pragma_update(None, "page_size", PAGE_BYTES).map_err(failed)?;
    db.query_row("PRAGMA journal_mode = OFF", [], |_| Ok(())).map_err(failed)?;
    db.pragma_update(None, "synchronous", "OFF").map_err(failed)?;
    make_tables(&db).map_err(failed)?;
    Ok(db)
}
