//! One event of the log as it lies on the disk. It is read with the one before it, whose hash tells whether it is as it was written: a
//! store hands out what is there, and an amount with another bit in it is read like any.

use edgepos_core::{EventId, Seq, Space};
use edgepos_sync::{EventRecord, Hash};

use crate::ports::{Rows, Store, StoreError};
use crate::terminal::turn::Turn;
use crate::terminal::unit_of_work::{UnitOfWork, Wants};

/// As many bytes as two events may have.
const MAX_BYTES: u32 = 1 << 24;

/// What is found in the place of an event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Stored {
    /// Nothing: it is pruned, or is not written yet.
    Missing,
    /// Something else than was written, or its predecessor does not say that it is not.
    Damaged,
    /// It, with the hash of its chain there. Where the one before it is pruned nobody can tell.
    Whole(EventRecord, Hash),
}

/// Asks for the event and the one before it.
pub(crate) fn ask(event: EventId, wants: Wants, out: &mut UnitOfWork) {
    let (from, to) = range(event);
    out.load_range(Space::Event, from, to, MAX_BYTES, wants);
}

/// Reads it at once: while a terminal starts.
///
/// # Errors
/// When the store cannot be read.
pub(crate) fn read(store: &dyn Store, event: EventId) -> Result<Stored, StoreError> {
    let (from, to) = range(event);
    store.scan(Space::Event, &from, &to, MAX_BYTES).map(|rows| find(event, &rows))
}

/// The event among the rows that were asked for.
pub(crate) fn find(event: EventId, rows: &Rows) -> Stored {
    let row = |id: EventId| {
        let key = id.to_key();
        rows.iter().find(|(found, _)| *found == key).map(|(key, value)| EventRecord::from_row(key, value))
    };
    let (record, hash) = match row(event) {
        Some(Some(read)) => read,
        Some(None) => return Stored::Damaged,
        None => return Stored::Missing,
    };
    let before = match before(event) {
        Seq::ZERO => Some(Some(Hash::ZERO)),
        seq => row(EventId::new(event.chain, seq)).map(|read| read.map(|(_, hash)| hash)),
    };
    match before {
        Some(Some(before)) if before.link(event, &record.payload) == hash => Stored::Whole(record, hash),
        Some(_) => Stored::Damaged,
        None => Stored::Whole(record, hash),
    }
}

/// The same; one that is not as it was written is looked into.
pub(crate) fn found(turn: &mut Turn<'_>, event: EventId, rows: &Rows) -> Stored {
    let stored = find(event, rows);
    if stored == Stored::Damaged {
        turn.ledger.suspect(turn.now, event);
    }
    stored
}

fn before(event: EventId) -> Seq {
    Seq(event.seq.0.saturating_sub(1))
}

fn range(event: EventId) -> (Vec<u8>, Vec<u8>) {
    (EventId::new(event.chain, before(event)).to_key().to_vec(), event.to_key().to_vec())
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Chain, Lane, ReplicaId};

    use super::*;

    fn id(seq: u64) -> EventId {
        EventId::new(Chain::new(ReplicaId::new(1, 5), Lane::Transactions), Seq(seq))
    }

    /// Two events as they lie in a store.
    fn rows() -> Rows {
        let mut hash = Hash::ZERO;
        let row = |seq| {
            let record = EventRecord { id: id(seq), payload: vec![seq as u8; 40] };
            hash = hash.link(record.id, &record.payload);
            (record.id.to_key().to_vec(), record.to_row(hash))
        };
        (1..=2).map(row).collect()
    }

    #[test]
    fn each_bit_of_an_event_counts() {
        for (seq, of) in [(1, 0), (2, 1)] {
            assert!(
                matches!(find(id(seq), &rows()), Stored::Whole(record, _) if record.payload == [seq as u8; 40])
            );
            for bit in 0..rows()[of].1.len() * 8 {
                let mut rows = rows();
                rows[of].1[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(find(id(seq), &rows), Stored::Damaged, "bit {bit} of {seq}");
            }
        }
        let mut cut = rows();
        cut[1].1.truncate(20);
        assert_eq!(find(id(2), &cut), Stored::Damaged);
        cut[0].1.truncate(20);
        assert_eq!(
            find(id(2), &[cut.remove(0), rows().remove(1)].into()),
            Stored::Damaged,
            "nobody vouches for it"
        );
    }

    #[test]
    fn what_is_pruned_is_missing_and_vouches_for_nothing() {
        assert_eq!(find(id(3), &rows()), Stored::Missing);
        assert!(matches!(find(id(2), &rows().split_off(1)), Stored::Whole(..)));
    }
}
