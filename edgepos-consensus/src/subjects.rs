//! Where each subject was last decided, from feature level 1 on: what the base of a proposal is compared with.
//!
//! The table is part of the replicated state, so it must be the same on every terminal and may not grow for ever. It holds the
//! subjects decided last; whatever falls out, and whatever was decided before the level was reached, counts as decided at the
//! *floor*, the highest position that fell out. So a base is never taken that should be refused; one that is older than the whole
//! table may be refused for nothing, and its author looks again.

use std::collections::{BTreeMap, BTreeSet};

use edgepos_core::Write;
use edgepos_wire::{DecodeError, DecodeFault, Reader, Sink, Written};

use crate::entry::MAX_SUBJECT_BYTES;
use crate::rows;

/// Subjects that are remembered. A constant: terminals with different limits would decide differently. A snapshot with so many
/// fits into one message.
pub(crate) const MAX_SUBJECTS: usize = 4096;

/// A kind of decision and a subject of it.
type Subject = (u16, Vec<u8>);

/// The last positions.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Subjects {
    floor: u64,
    last: BTreeMap<Subject, u64>,
    /// The same, oldest first.
    order: BTreeSet<(u64, Subject)>,
}

impl Subjects {
    /// Nothing yet, where everything up to `floor` was decided without a subject.
    pub(crate) fn from(floor: u64) -> Self {
        Self { floor, ..Self::default() }
    }

    pub(crate) fn floor(&self) -> u64 {
        self.floor
    }

    /// The position up to which a base must reach.
    pub(crate) fn position(&self, kind: u16, subject: &[u8]) -> u64 {
        self.last.get(&(kind, subject.to_vec())).copied().unwrap_or(self.floor)
    }

    /// A decision was taken at `index`. Whether the floor rose.
    pub(crate) fn decided(&mut self, kind: u16, subject: &[u8], index: u64, writes: &mut Vec<Write>) -> bool {
        self.restore(kind, subject.to_vec(), index);
        writes.push(rows::put_subject(kind, subject, index));
        if self.last.len() <= MAX_SUBJECTS {
            return false;
        }
        let Some((fallen, (kind, subject))) = self.order.pop_first() else { return false };
        writes.push(rows::delete_subject(kind, &subject));
        self.last.remove(&(kind, subject));
        self.floor = fallen.max(self.floor);
        true
    }

    /// Takes back a row.
    pub(crate) fn restore(&mut self, kind: u16, subject: Vec<u8>, index: u64) {
        let subject = (kind, subject);
        if let Some(before) = self.last.insert(subject.clone(), index) {
            self.order.remove(&(before, subject.clone()));
        }
        self.order.insert((index, subject));
    }

    /// Takes back a row.
    pub(crate) fn restore_floor(&mut self, floor: u64) {
        self.floor = floor;
    }

    /// Deletes the rows that `other` does not replace.
    pub(crate) fn delete_rows_beside(&self, other: &Self) -> impl Iterator<Item = Write> {
        let gone = self.last.keys().filter(|subject| !other.last.contains_key(subject));
        gone.map(|(kind, subject)| rows::delete_subject(*kind, subject))
    }

    /// Every row of it but the floor's.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Write> {
        self.last.iter().map(|((kind, subject), index)| rows::put_subject(*kind, subject, *index))
    }

    /// The subjects for a snapshot, in their order.
    pub(crate) fn write(&self, out: &mut Sink<'_>) -> Written {
        out.array(self.last.len() as u64)?;
        for ((kind, subject), index) in &self.last {
            out.array(3)?.u16(*kind)?.bytes(subject)?.u64(*index)?;
        }
        Ok(())
    }

    /// Reads what [`write`](Self::write) writes.
    pub(crate) fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        let subjects = reader.items("subjects", MAX_SUBJECTS as u32, |reader| {
            if reader.array("subject", 3)? != 3 {
                return Err(reader.fault(DecodeFault::Expected("a kind, bytes and an index")));
            }
            let kind = reader.small("kind of decision")?;
            Ok((kind, reader.bytes("subject", MAX_SUBJECT_BYTES as u32)?.to_vec(), reader.u64()?))
        })?;
        for (kind, subject, index) in subjects {
            self.restore(kind, subject, index);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use edgepos_wire::write;

    use super::*;

    /// The table stays bounded, forgets the oldest first, and a forgotten subject asks for a base that is not older than it.
    #[test]
    fn the_oldest_falls_out_and_raises_the_floor() {
        let (mut subjects, mut writes) = (Subjects::from(10), Vec::new());
        for number in 0..MAX_SUBJECTS as u64 {
            assert!(!subjects.decided(1, &number.to_be_bytes(), 11 + number, &mut writes));
        }
        assert_eq!((subjects.floor(), subjects.position(1, b"new")), (10, 10));
        let again = 11 + MAX_SUBJECTS as u64;
        assert!(!subjects.decided(1, &0_u64.to_be_bytes(), again, &mut writes), "a known one needs no room");
        assert!(subjects.decided(1, b"new", again + 1, &mut writes));
        assert_eq!(subjects.floor(), 12, "the second was the oldest by then");
        assert_eq!(subjects.position(1, &1_u64.to_be_bytes()), 12);
        assert_eq!(subjects.position(1, &0_u64.to_be_bytes()), again);
        assert_eq!(subjects.position(2, b"new"), 12, "kinds are apart");
        assert_eq!(subjects.last.len(), MAX_SUBJECTS);
        assert_eq!(subjects.order.len(), MAX_SUBJECTS);
    }

    /// What the rows say is what was decided, evictions included.
    #[test]
    fn the_rows_are_the_table() {
        let mut subjects = Subjects::from(3);
        let mut disk = BTreeMap::new();
        for number in 0..2 * MAX_SUBJECTS as u64 {
            let mut writes = Vec::new();
            subjects.decided(7, &(number % 5000).to_be_bytes(), 4 + number, &mut writes);
            for write in writes {
                match write {
                    Write::Put { key, value, .. } => disk.insert(key, value),
                    Write::Delete { key, .. } => disk.remove(&key),
                };
            }
        }
        let rows: BTreeMap<_, _> = subjects
            .rows()
            .map(|write| match write {
                Write::Put { key, value, .. } => (key, value),
                Write::Delete { .. } => panic!("a row that is there is put"),
            })
            .collect();
        assert_eq!(disk, rows);
    }

    #[test]
    fn a_snapshot_carries_the_table() {
        let mut subjects = Subjects::from(3);
        subjects.decided(7, b"", 4, &mut Vec::new());
        subjects.decided(7, &[9; MAX_SUBJECT_BYTES], 5, &mut Vec::new());
        let bytes = write(|out| subjects.write(out));
        let mut read = Subjects::from(3);
        Reader::all("subjects", &bytes, 1_000, |reader| read.read(reader)).unwrap();
        assert_eq!(read, subjects);
    }
}
