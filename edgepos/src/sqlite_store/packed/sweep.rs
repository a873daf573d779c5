//! Which rows are moved into blocks, and when: those of events that are sealed and old, in the order of their keys, round and round.
//!
//! Names are random, so that a new row may belong anywhere: a block is written again once enough rows wait for it.

use edgepos_core::Space;
use edgepos_crdt::VersionVector;
use edgepos_sync::{BlockRows, RowBlock};
use rusqlite::{OptionalExtension as _, Transaction, params};

use super::{Block, LAST_KEY, covering, damaged, delete, has_table, write};
use crate::ports::{Rows, StoreError};
use crate::retail::rebuilt::{OF_OLD_EVENTS, event_of};
use crate::sqlite_store::failure::told;
use crate::sqlite_store::sums;

/// Old rows for which a block is written, with those that it has already: fewer wait.
const LEAST: usize = 32;
/// Rows that are looked at together.
const WINDOW: i64 = 512;
/// Windows that one call looks at where nothing is to be done in them.
const LOOKS: usize = 8;
/// Calls of one round after which events have their turn to be sealed.
const TURN: u32 = 64;
/// How much later a round must be asked for to be another one, in ms: rows do not grow old by the minute.
const ROUND_MS: u64 = 12 * 3600 * 1_000;

/// A round through the keys of all spaces.
#[derive(Debug, Default)]
pub(in crate::sqlite_store) struct Sweep {
    /// Where it goes on; `None`: no round is under way.
    at: Option<Place>,
    /// For which time the last round began.
    began: Option<u64>,
    /// Calls that are left before events are sealed.
    turn: u32,
}

#[derive(Clone, Debug)]
struct Place {
    /// Up to which event of each chain rows are old.
    old: VersionVector,
    /// Which space, by its place among those of old events.
    space: usize,
    from: Vec<u8>,
}

/// What a call came to, once it is committed.
#[derive(Debug)]
pub(in crate::sqlite_store) struct Swept {
    next: Option<Place>,
    pub(in crate::sqlite_store) wrote: bool,
}

impl Swept {
    pub(in crate::sqlite_store) fn goes_on(&self) -> bool {
        self.next.is_some()
    }
}

impl Sweep {
    /// Whether it goes on before more events are sealed.
    pub(in crate::sqlite_store) fn has_its_turn(&self) -> bool {
        self.at.is_some() && self.turn > 0
    }

    /// Whether a call for that time has something to do. Where another round begins, `old` says what is old by then.
    ///
    /// # Errors
    /// Those of `old`.
    pub(in crate::sqlite_store) fn begin(
        &mut self,
        before_utc_ms: u64,
        old: impl FnOnce() -> Result<VersionVector, StoreError>,
    ) -> Result<bool, StoreError> {
        let is_due = self.began.is_none_or(|began| before_utc_ms.abs_diff(began) >= ROUND_MS);
        if self.at.is_none() && is_due {
            let old = old()?;
            self.began = Some(before_utc_ms);
            let nothing = old.iter().next().is_none();
            self.at = (!nothing).then_some(Place { old, space: 0, from: Vec::new() });
        }
        self.turn = self.turn.checked_sub(1).unwrap_or(TURN);
        Ok(self.at.is_some())
    }

    /// Looks at the next rows, and moves those that are old into blocks.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub(in crate::sqlite_store) fn step(&self, transaction: &Transaction<'_>) -> Result<Swept, StoreError> {
        let mut next = self.at.clone();
        for _ in 0..LOOKS {
            let Some(place) = next.take() else { break };
            let Some(&space) = OF_OLD_EVENTS.get(place.space) else { break };
            let Looked { reached, wrote } = look(transaction, space, &place)?;
            next = match reached {
                Some(from) => Some(Place { from, ..place }),
                None if place.space + 1 < OF_OLD_EVENTS.len() => {
                    Some(Place { space: place.space + 1, from: Vec::new(), ..place })
                }
                None => None,
            };
            if wrote {
                return Ok(Swept { next, wrote });
            }
        }
        Ok(Swept { next, wrote: false })
    }

    /// What [`step`](Self::step) did is committed.
    pub(in crate::sqlite_store) fn settle(&mut self, swept: Swept) {
        self.at = swept.next;
    }
}

struct Looked {
    /// Where to go on in this space; `None`: it has no further rows.
    reached: Option<Vec<u8>>,
    wrote: bool,
}

fn look(transaction: &Transaction<'_>, space: Space, place: &Place) -> Result<Looked, StoreError> {
    let failed = |error| told("putting rows of old events together".into(), error);
    let (code, from) = (space.code(), place.from.as_slice());
    let has_blocks = has_table(transaction).map_err(failed)?;
    let border = if has_blocks { border(transaction, code, from).map_err(failed)? } else { None };
    let Window { rows, end } = window(transaction, space, from, border)?;
    let is_old = |(key, value): &&(Vec<u8>, Vec<u8>)| {
        let event = event_of(space, key, value);
        event.is_some_and(|id| id.seq <= place.old.get(id.chain))
            && key.len() + value.len() <= RowBlock::MAX_ROW_BYTES
    };
    let old: Vec<_> = rows.iter().filter(is_old).cloned().collect();
    if old.len() < LEAST {
        return Ok(Looked { reached: end, wrote: false });
    }
    let block = if has_blocks { covering(transaction, code, from).map_err(failed)? } else { None };
    merge(transaction, space, block, old)?;
    Ok(Looked { reached: end, wrote: true })
}

/// The first key of the first block behind that key.
fn border(transaction: &Transaction<'_>, space: u8, key: &[u8]) -> rusqlite::Result<Option<Vec<u8>>> {
    let sql = "SELECT first FROM blocks WHERE space = ?1 AND first > ?2 ORDER BY first LIMIT 1";
    transaction.prepare_cached(sql)?.query_row(params![space, key], |row| row.get(0)).optional()
}

struct Window {
    rows: Rows,
    /// Where the next one begins.
    end: Option<Vec<u8>>,
}

/// Rows that stand by themselves, from a key on and before another one.
fn window(
    transaction: &Transaction<'_>,
    space: Space,
    from: &[u8],
    border: Option<Vec<u8>>,
) -> Result<Window, StoreError> {
    let failed = |error| told("reading rows of old events".into(), error);
    let sql =
        "SELECT key, value, sum FROM rows WHERE space = ?1 AND key >= ?2 AND key < ?3 ORDER BY key LIMIT ?4";
    let mut statement = transaction.prepare_cached(sql).map_err(failed)?;
    let before = border.as_deref().unwrap_or(&LAST_KEY);
    let mut cursor = statement.query(params![space.code(), from, before, WINDOW]).map_err(failed)?;
    let mut rows = Rows::new();
    while let Some(row) = cursor.next().map_err(failed)? {
        let (key, value): (Vec<u8>, Vec<u8>) = (row.get(0).map_err(failed)?, row.get(1).map_err(failed)?);
        if !sums::fits(space.code(), &key, &value, row.get(2).map_err(failed)?) {
            return Err(damaged(space));
        }
        rows.push((key, value));
    }
    let is_full = i64::try_from(rows.len()).is_ok_and(|rows| rows >= WINDOW);
    let end = match rows.last() {
        Some((last, _)) if is_full => Some([last.as_slice(), &[0]].concat()),
        _ => border.clone(),
    };
    Ok(Window { rows, end })
}

/// Writes a block anew with further rows, as several where it is more than one has room for.
fn merge(
    transaction: &Transaction<'_>,
    space: Space,
    block: Option<Block>,
    further: Rows,
) -> Result<(), StoreError> {
    let failed = |error| told("putting rows of old events together".into(), error);
    let code = space.code();
    let mut rows = match &block {
        Some(block) => block.rows(code).ok_or_else(|| damaged(space))?,
        None => BlockRows::new(),
    };
    let mut gone =
        transaction.prepare_cached("DELETE FROM rows WHERE space = ?1 AND key = ?2").map_err(failed)?;
    for (key, value) in further {
        gone.execute(params![code, key]).map_err(failed)?;
        match rows.binary_search_by(|(other, _)| other.cmp(&key)) {
            Ok(at) => rows[at].1 = value,
            Err(at) => rows.insert(at, (key, value)),
        }
    }
    if let Some(block) = block {
        delete(transaction, block.id).map_err(failed)?;
    }
    let pieces = rows.len().div_ceil(RowBlock::MAX_ROWS).max(1);
    for piece in rows.chunks(rows.len().div_ceil(pieces).max(1)) {
        if !write(transaction, code, &piece.to_vec()).map_err(failed)? {
            return Err(StoreError::plain("rows of old events make no block"));
        }
    }
    Ok(())
}
