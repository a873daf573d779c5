//! Which events are moved into a segment, and when: the oldest of each chain in its turn, a whole segment at a time.

use std::ops::Bound;

use edgepos_core::{Chain, EventId};
use edgepos_crdt::VersionVector;
use edgepos_sync::{AtRest, EventRecord, Hash, Segment};
use rusqlite::{OptionalExtension as _, Transaction, params};

use super::{Chains, Events, Table, payload};
use crate::ports::{Sealing, StoreError};
use crate::sqlite_store::columns::signed;
use crate::sqlite_store::failure::told;
use crate::sqlite_store::numbering::{chain_rows, row_number};
use crate::sqlite_store::segments::{self, Span};

/// How far behind the oldest event a younger time than it should have is seen through: a clock that was ahead for a while must not keep its
/// chain from being sealed until the others have caught up with it.
const LOOK_AHEAD: [i64; 2] = [Segment::MAX_EVENTS as i64, 8 * Segment::MAX_EVENTS as i64];

/// What a turn came to.
#[derive(Debug)]
pub(in crate::sqlite_store) struct Sealed {
    /// The number of the chain, and where its new segment lies, once this is committed.
    pub(in crate::sqlite_store) segment: Option<(i64, Span)>,
    /// Whether the round goes on: not all chains have had their turn.
    pub(in crate::sqlite_store) goes_on: bool,
}

/// Events that follow on each other, and the lowest and the highest time that they state.
#[derive(Default)]
struct Oldest {
    events: Vec<(EventRecord, Hash)>,
    times: Option<(i64, i64)>,
}

impl Events {
    /// Looks at one chain, each in its turn, and moves its oldest events into a segment where that is due.
    pub(in crate::sqlite_store) fn seal(
        &mut self,
        transaction: &Transaction<'_>,
        sealing: &Sealing,
    ) -> Result<Sealed, StoreError> {
        let Self { table: Table::ByChain(chains), shelf } = self else {
            return Ok(Sealed { segment: None, goes_on: false });
        };
        let next = match chains.looked_at {
            None => chains.numbers.iter().next(),
            Some(last) => chains.numbers.range((Bound::Excluded(last), Bound::Unbounded)).next(),
        };
        let Some((&key, &no)) = next else {
            chains.looked_at = None;
            return Ok(Sealed { segment: None, goes_on: false });
        };
        let chain = Chain::from_key(&key);
        let written = chain
            .map_or(Ok(None), |chain| chains.seal(transaction, shelf.get_mut(), (chain, no), sealing))
            .map_err(|error| told("sealing old events".into(), error))?;
        if written.is_none() {
            chains.looked_at = Some(key);
        }
        Ok(Sealed { segment: written.map(|span| (no, span)), goes_on: true })
    }

    /// Up to which event of each chain events are sealed and were recorded before that time.
    pub(in crate::sqlite_store) fn sealed_before(
        &self,
        transaction: &Transaction<'_>,
        before_utc_ms: u64,
    ) -> rusqlite::Result<VersionVector> {
        let Table::ByChain(chains) = &self.table else { return Ok(VersionVector::new()) };
        let sealed = chains.numbers.iter().filter(|(_, no)| chains.sealed.end(**no).is_some());
        let mut reached = VersionVector::new();
        for (chain, no) in sealed {
            let Some(chain) = Chain::from_key(chain) else { continue };
            let last = segments::last_before(transaction, *no, before_utc_ms)?;
            last.into_iter().for_each(|last| reached.set_max(chain, last));
        }
        Ok(reached)
    }

    /// What [`seal`](Self::seal) has moved is committed.
    pub(in crate::sqlite_store) fn sealed(&mut self, (no, span): (i64, Span)) {
        if let Table::ByChain(chains) = &mut self.table {
            chains.sealed.written(no, span);
        }
    }
}

impl Chains {
    fn seal(
        &self,
        transaction: &Transaction<'_>,
        shelf: &mut AtRest,
        (chain, no): (Chain, i64),
        sealing: &Sealing,
    ) -> rusqlite::Result<Option<Span>> {
        let (first, end) = chain_rows(no);
        let Some(floor) = row_number(no, sealing.floor.get(chain)) else { return Ok(None) };
        let sql = "SELECT min(id) FROM events WHERE id BETWEEN ?1 AND ?2";
        let oldest: Option<i64> =
            transaction.prepare_cached(sql)?.query_row(params![first, floor], |row| row.get(0))?;
        let Some(oldest) = oldest else { return Ok(None) };
        if !is_old(transaction, oldest, floor, sealing.before_utc_ms)? {
            return Ok(None);
        }
        let Oldest { events, times } = read(transaction, shelf, chain, (oldest, floor))?;
        let linking = Segment::linking(&events);
        let last = oldest + linking as i64 - 1;
        let sql = "SELECT min(id) FROM events WHERE id > ?1 AND id <= ?2";
        let behind: Option<i64> =
            transaction.prepare_cached(sql)?.query_row(params![last, end], |row| row.get(0))?;
        // The chain's last event stays a row, which says where the chain ends. What would be a short segment waits for more, where more
        // can come.
        let Some(behind) = behind else { return Ok(None) };
        let more_can_come = linking == events.len()
            && linking < Segment::MAX_EVENTS
            && (behind == last + 1 || behind > floor)
            && self.sealed.end(no).is_none_or(|end| end < last);
        let bytes: usize = events[..linking].iter().map(|(record, _)| record.payload.len()).sum();
        if more_can_come && bytes < Segment::MAX_BYTES {
            return Ok(None);
        }
        match Segment::pack(&events[..linking]) {
            Some(segment) => segments::write(transaction, no, &segment, times),
            None => Ok(None),
        }
    }
}

/// Whether events from row `oldest` on are from before that time: one of them, or one behind them, states so or states no time at all.
fn is_old(
    transaction: &Transaction<'_>,
    oldest: i64,
    floor: i64,
    before_utc_ms: u64,
) -> rusqlite::Result<bool> {
    let [near, far] = LOOK_AHEAD.map(|behind| oldest.saturating_add(behind).min(floor));
    let sql = "SELECT 1 FROM events WHERE id IN (?1, ?2, ?3) AND (utc_ms < ?4 OR utc_ms IS NULL) LIMIT 1";
    let found = transaction
        .prepare_cached(sql)?
        .query_row(params![oldest, near, far, signed(before_utc_ms)], |_| Ok(()))
        .optional()?;
    Ok(found.is_some())
}

/// The events of a chain from a row on that follow on each other, as many as a segment has.
fn read(
    transaction: &Transaction<'_>,
    shelf: &mut AtRest,
    chain: Chain,
    (oldest, floor): (i64, i64),
) -> rusqlite::Result<Oldest> {
    let sql = "SELECT id, key, hash, payload, dictionary, utc_ms FROM events WHERE id BETWEEN ?1 AND ?2 ORDER BY id";
    let last = oldest.saturating_add(Segment::MAX_EVENTS as i64 - 1).min(floor);
    let mut statement = transaction.prepare_cached(sql)?;
    let mut cursor = statement.query(params![oldest, last])?;
    let (mut found, mut bytes) = (Oldest::default(), 0);
    while let Some(row) = cursor.next()? {
        let follows = row.get::<_, i64>(0)? == oldest + found.events.len() as i64;
        let id = EventId::from_key(row.get_ref(1)?.as_blob().unwrap_or_default());
        let hash = row.get_ref(2)?.as_blob().unwrap_or_default().try_into().map(Hash);
        let (Some(id), Ok(hash)) = (id.filter(|id| follows && id.chain == chain), hash) else { break };
        let payload = payload(shelf, row.get_ref(3)?, row.get_ref(4)?)?;
        bytes += payload.len();
        found.events.push((EventRecord { id, payload }, hash));
        if let Some(at) = row.get::<_, Option<i64>>(5)? {
            let (from, to) = found.times.unwrap_or((at, at));
            found.times = Some((from.min(at), to.max(at)));
        }
        if bytes >= Segment::MAX_BYTES {
            break;
        }
    }
    Ok(found)
}
