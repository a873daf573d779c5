//! Events that the counter rows lack although they are behind them: their bytes could not be read when they were to be counted, or the
//! rows themselves are gone.

use std::collections::BTreeMap;

use edgepos_core::{Chain, EventId, Lane, ReplicaId, Seq, Space, Write};
use edgepos_crdt::VersionVector;
use edgepos_sync::{EventRecord, Lost};

use crate::ports::Rows;
use crate::retail::tail::{Tail, Told};
use crate::retail::unreadable::Unreadable;
use crate::terminal::unit_of_work::{UnitOfWork, Wants};

/// What the keys of the rows begin with; the event follows. Other keys of the space are those of the event log.
const UNCOUNTED: &[u8] = b"u";

/// Bytes of events that are read at a time.
const PIECE: u32 = 1 << 16;

/// The events, until their bytes are there again.
#[derive(Debug, Default)]
pub(crate) struct Uncounted {
    /// By the first position of those that follow on each other.
    parts: BTreeMap<Chain, BTreeMap<Seq, Part>>,
    /// Up to here those that were there at the start have been looked for on the disk; `None`: all have.
    looking: Option<EventId>,
}

#[derive(Clone, Copy, Debug)]
struct Part {
    last: Seq,
    /// Whether there is a row that says so.
    is_written: bool,
}

impl Uncounted {
    /// A row as it is on disk; one of another key is not of this room.
    pub(crate) fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        if let Some(id) = key.strip_prefix(UNCOUNTED).and_then(EventId::from_key) {
            let last = match value {
                [] => id.seq,
                value => {
                    let found = value.len();
                    let last = value.try_into().map_err(|_| Unreadable::Length { expected: 8, found })?;
                    Seq(u64::from_be_bytes(last)).max(id.seq)
                }
            };
            self.parts.entry(id.chain).or_default().insert(id.seq, Part { last, is_written: true });
            self.look_from_the_start(id.chain.lane);
        }
        Ok(())
    }

    /// The event could not be read at a start that was to count it.
    pub(crate) fn note(&mut self, id: EventId) {
        if self.part_of(id).is_some() {
            return;
        }
        let parts = self.parts.entry(id.chain).or_default();
        let before = parts.range_mut(..id.seq).next_back().filter(|(_, part)| part.last.next() == id.seq);
        match before {
            Some((_, part)) if !part.is_written => part.last = id.seq,
            _ => drop(parts.insert(id.seq, Part { last: id.seq, is_written: false })),
        }
        self.look_from_the_start(id.chain.lane);
    }

    fn look_from_the_start(&mut self, lane: Lane) {
        self.looking = Some(EventId::new(Chain::new(ReplicaId(0), lane), Seq::ZERO));
    }

    /// Whether the rows on disk must be written with these, so that a later start does not take them for counted.
    pub(crate) fn is_fresh(&self) -> bool {
        self.parts.values().flat_map(BTreeMap::values).any(|part| !part.is_written)
    }

    /// Writes down those that are not on disk yet: in the transaction of the rows that lack them.
    pub(crate) fn write(&mut self, out: &mut UnitOfWork) {
        for (chain, parts) in &mut self.parts {
            for (first, part) in parts.iter_mut().filter(|(_, part)| !part.is_written) {
                part.is_written = true;
                out.write(row(EventId::new(*chain, *first), part.last));
            }
        }
    }

    /// The event is there and is counted now. Whether it was one of these.
    pub(crate) fn take(&mut self, id: EventId, out: &mut UnitOfWork) -> bool {
        let Some((first, Part { last, is_written })) = self.part_of(id) else { return false };
        let Some(parts) = self.parts.get_mut(&id.chain) else { return false };
        parts.remove(&first);
        let left = (first < id.seq).then(|| (first, Seq(id.seq.0 - 1)));
        let right = (id.seq < last).then(|| (id.seq.next(), last));
        let left = left.into_iter().chain(right);
        let mut rows = Vec::new();
        for (first, last) in left {
            parts.insert(first, Part { last, is_written });
            rows.push(row(EventId::new(id.chain, first), last));
        }
        if parts.is_empty() {
            self.parts.remove(&id.chain);
        }
        if is_written {
            out.write(Write::delete(Space::Lost, key(EventId::new(id.chain, first))));
            rows.into_iter().for_each(|row| out.write(row));
        }
        true
    }

    fn part_of(&self, id: EventId) -> Option<(Seq, Part)> {
        let (first, part) = self.parts.get(&id.chain)?.range(..=id.seq).next_back()?;
        (id.seq <= part.last).then_some((*first, *part))
    }

    /// How many there are.
    pub(crate) fn len(&self) -> u64 {
        let parts = self.parts.values().flatten();
        parts.fold(0, |sum: u64, (first, part)| sum.saturating_add(part.last.0 - first.0 + 1))
    }

    /// Whether those that were there at the start are still being looked for, so that counters may say anything.
    pub(crate) fn is_looking(&self) -> bool {
        self.looking.is_some()
    }

    /// Reads the next of those that were there at the start, which may be on the disk after all: where the rows are gone, all are.
    /// One row more is read, whose hash tells whether the first is as it was written.
    pub(crate) fn look_on(&mut self, held: &VersionVector, out: &mut UnitOfWork) {
        let Some(from) = self.looking else { return };
        let next = self.parts.range(from.chain..).find_map(|(chain, parts)| {
            let least = if *chain == from.chain { from.seq } else { Seq::ZERO };
            let of_part =
                |(first, part): (&Seq, &Part)| (EventId::new(*chain, *first.max(&least)), part.last);
            let last = |last: Seq| last.min(held.get(*chain));
            let mut found = parts.iter().map(of_part).map(|(id, end)| (id, last(end)));
            found.find(|(id, last)| id.seq <= *last)
        });
        self.looking = next.map(|(id, _)| id);
        if let Some((first, last)) = next {
            let before = EventId::new(first.chain, Seq(first.seq.0.saturating_sub(1)));
            let to = EventId::new(first.chain, last);
            let (from, to) = (before.to_key().to_vec(), to.to_key().to_vec());
            out.load_range(Space::Event, from, to, PIECE, Wants::Uncounted(first, last));
        }
    }

    /// Of those from `first` to `last` these are on the disk, as they were written. What is `lost` counts when it is there again.
    pub(crate) fn found(
        &mut self,
        (first, last): (EventId, Seq),
        rows: &Rows,
        lost: &Lost,
    ) -> Vec<EventRecord> {
        let read = || rows.iter().filter_map(|(key, value)| EventRecord::from_row(key, value));
        let before = Seq(first.seq.0.saturating_sub(1));
        let hash =
            read().find(|(record, _)| record.id == EventId::new(first.chain, before)).map(|(_, hash)| hash);
        let (mut tail, mut found) = (Tail::behind(first.chain, before, hash), Vec::new());
        let mut tell = |told| {
            if let Told::Counts(record) = told {
                found.push(record);
            }
        };
        for (record, hash) in read().filter(|(record, _)| !lost.contains(record.id)) {
            tail.read(record, hash, &mut tell);
        }
        // Where fewer rows came than were asked for, there are no more of them.
        let bytes: usize = rows.iter().map(|(key, value)| key.len() + value.len()).sum();
        let reached = rows.last().and_then(|(key, _)| EventId::from_key(key)).map(|id| id.seq);
        let reached = reached.filter(|reached| *reached >= first.seq && bytes >= PIECE as usize);
        let reached = reached.unwrap_or(last);
        tail.end(reached, None, &mut tell);
        self.looking = Some(EventId::new(first.chain, reached.next()));
        found.retain(|record| self.part_of(record.id).is_some());
        found
    }

    /// Where each part begins that was looked for from this event on and is not on the disk: nobody would ask others for it before it is
    /// read for something else.
    pub(crate) fn absent(&self, from: EventId) -> Vec<EventId> {
        let Some(looked) = self.looking.filter(|looked| looked.chain == from.chain) else {
            return Vec::new();
        };
        let parts = self.parts.get(&from.chain).into_iter().flat_map(|parts| parts.range(..looked.seq));
        let ends_behind = parts.filter(|(_, part)| part.last >= from.seq);
        ends_behind.map(|(first, _)| EventId::new(from.chain, (*first).max(from.seq))).collect()
    }
}

/// The row that says that the counters lack the events of a chain from this one to the last.
pub(crate) fn row(first: EventId, last: Seq) -> Write {
    let value = if last == first.seq { Vec::new() } else { last.0.to_be_bytes().to_vec() };
    Write::put(Space::Lost, key(first), value)
}

fn key(id: EventId) -> Vec<u8> {
    [UNCOUNTED, &id.to_key()].concat()
}

#[cfg(test)]
mod tests {
    use edgepos_core::Lane;

    use super::*;
    use crate::terminal::Output;

    fn id(seq: u64) -> EventId {
        EventId::new(Chain::new(ReplicaId(1 << 48 | 0xA5), Lane::Stock), Seq(seq))
    }

    fn writes(out: &mut UnitOfWork) -> Vec<Write> {
        out.seal();
        match out.poll() {
            Some(Output::Persist(persist)) => persist.writes,
            _ => Vec::new(),
        }
    }

    /// What the rows on disk say: each part, its first position and its last.
    fn stored(rows: &BTreeMap<Vec<u8>, Vec<u8>>) -> Uncounted {
        let mut restored = Uncounted::default();
        rows.iter().for_each(|(key, value)| restored.restore(key, value).expect("its own row"));
        restored
    }

    #[test]
    fn rows_say_one_event_or_many() {
        let bytes = |write| match write {
            Write::Put { key, value, .. } => {
                [key, value].map(|bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
            }
            Write::Delete { .. } => panic!("nothing is deleted"),
        };
        let key = format!("75{}", id(7).to_key().map(|byte| format!("{byte:02x}")).concat());
        assert_eq!(bytes(row(id(7), Seq(7))), [key.clone(), String::new()]);
        assert_eq!(bytes(row(id(7), Seq(258))), [key, "0000000000000102".into()]);
        assert!(Uncounted::default().restore(&super::key(id(7)), &[1]).is_err(), "neither");
    }

    #[test]
    fn one_that_counts_leaves_those_beside_it() {
        let mut rows = BTreeMap::new();
        let mut keep = |writes: Vec<Write>| {
            for write in writes {
                match write {
                    Write::Put { key, value, .. } => drop(rows.insert(key, value)),
                    Write::Delete { key, .. } => drop(rows.remove(&key)),
                }
            }
            rows.clone()
        };
        let mut uncounted = stored(&keep(vec![row(id(3), Seq(9))]));
        assert!(uncounted.is_looking() && uncounted.len() == 7);
        for (seq, was, left) in
            [(3, true, 6), (9, true, 5), (6, true, 4), (6, false, 4), (2, false, 4), (10, false, 4)]
        {
            let mut out = UnitOfWork::default();
            assert_eq!(uncounted.take(id(seq), &mut out), was, "{seq}");
            let again = stored(&keep(writes(&mut out)));
            assert_eq!((uncounted.len(), again.len()), (left, left), "{seq}: the rows say the same");
            assert_eq!(format!("{:?}", uncounted.parts), format!("{:?}", again.parts));
        }
        uncounted.note(id(20));
        uncounted.note(id(21));
        assert!(uncounted.is_fresh() && uncounted.len() == 6);
        let mut out = UnitOfWork::default();
        assert!(uncounted.take(id(20), &mut out), "no row says so yet");
        assert!(writes(&mut out).is_empty());
        uncounted.write(&mut out);
        assert_eq!(writes(&mut out), [row(id(21), Seq(21))]);
    }
}
