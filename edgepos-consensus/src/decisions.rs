//! Which proposals count: what every terminal derives alike from the log, and a snapshot carries instead of it.

use std::collections::BTreeMap;

use edgepos_core::{ReplicaId, Write};
use edgepos_wire::{DecodeError, DecodeFault, Reader, Sink, Written};

use crate::entry::{LEVEL_KIND, Numbered, Proposal};
use crate::rows;
use crate::subjects::Subjects;

/// Replicas that may ever have proposed in one store, counting every incarnation of every terminal. At the limit the leader
/// appends no proposal of a further one. A constant: terminals with different limits would decide differently.
const MAX_PROPOSERS: usize = 4096;

/// Kinds of decisions that a store may ever take. A constant, for the same reason.
const MAX_KINDS: usize = 256;

/// How far the store has decided, of each proposer and each kind.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Decisions {
    /// The highest applied number of each replica that ever proposed.
    numbers: BTreeMap<ReplicaId, u64>,
    /// The index of the last decision of each kind.
    versions: BTreeMap<u16, u64>,
    /// The store's feature level.
    level: u32,
    /// The index of the last decision about each subject; empty below level 1.
    subjects: Subjects,
}

/// What becomes of a proposal whose entry is decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// Nothing follows from it: a repeat, a number behind a gap, one beyond the limits, or a level that is reached.
    PassedOver,
    /// Its number counts, and it builds on what no longer holds.
    Refused {
        base: u64,
        current: u64,
    },
    Taken,
    /// It raised the feature level.
    Raised,
}

impl Decisions {
    /// Judges the proposal of the entry at `index`. The one after its replica's last is the only one that counts, so that each is
    /// handed out once.
    pub(crate) fn judge(&mut self, index: u64, numbered: &Numbered, writes: &mut Vec<Write>) -> Verdict {
        let Numbered { key, proposal: Proposal { kind, subject, base, .. }, level } = numbered;
        if key.number != self.number(key.replica).saturating_add(1) || !self.has_room(numbered) {
            return Verdict::PassedOver;
        }
        self.numbers.insert(key.replica, key.number);
        writes.push(rows::put_decided(key.replica, key.number));
        let current = self.version_of(*kind, subject);
        if let Some(base) = base.filter(|base| *base < current) {
            return Verdict::Refused { base, current };
        }
        self.versions.insert(*kind, index);
        writes.push(rows::put_version(*kind, index));
        if *kind == LEVEL_KIND && *level > 0 {
            return self.raise(*level, index, writes);
        }
        if self.level > 0 && self.subjects.decided(*kind, subject, index, writes) {
            writes.push(rows::put_level(self.level, self.subjects.floor()));
        }
        Verdict::Taken
    }

    /// From the entry at `index` on, what the level adds holds. No subject is known before.
    fn raise(&mut self, level: u32, index: u64, writes: &mut Vec<Write>) -> Verdict {
        if level <= self.level {
            return Verdict::PassedOver;
        }
        if self.level == 0 {
            self.subjects = Subjects::from(index);
        }
        self.level = level;
        writes.push(rows::put_level(level, self.subjects.floor()));
        Verdict::Raised
    }

    /// The store's feature level.
    pub(crate) fn level(&self) -> u32 {
        self.level
    }

    /// Whether the limits leave room for a decision of this proposer and kind.
    pub(crate) fn has_room(&self, numbered: &Numbered) -> bool {
        let Numbered { key, proposal, .. } = numbered;
        let proposers = self.number(key.replica) > 0 || self.numbers.len() < MAX_PROPOSERS;
        proposers && (self.versions.contains_key(&proposal.kind) || self.versions.len() < MAX_KINDS)
    }

    /// The highest number of the replica that was applied; 0 for none.
    pub(crate) fn number(&self, replica: ReplicaId) -> u64 {
        self.numbers.get(&replica).copied().unwrap_or_default()
    }

    /// The index of the last decision that was handed out; 0 for none.
    pub(crate) fn last(&self) -> u64 {
        let handed_out = self.versions.iter().filter(|(kind, _)| **kind != LEVEL_KIND);
        handed_out.map(|(_, index)| *index).max().unwrap_or_default()
    }

    /// The index of the last decision of the kind; 0 for none.
    pub(crate) fn version(&self, kind: u16) -> u64 {
        self.versions.get(&kind).copied().unwrap_or_default()
    }

    /// The index up to which the base of a proposal must reach. Below level 1 that of the kind, as the first version decided.
    pub(crate) fn version_of(&self, kind: u16, subject: &[u8]) -> u64 {
        if self.level == 0 { self.version(kind) } else { self.subjects.position(kind, subject) }
    }

    /// Takes back a row.
    pub(crate) fn restore_level(&mut self, level: u32, floor: u64) {
        self.level = level;
        self.subjects.restore_floor(floor);
    }

    /// Takes back a row.
    pub(crate) fn restore_subject(&mut self, kind: u16, subject: Vec<u8>, index: u64) {
        self.subjects.restore(kind, subject, index);
    }

    /// Takes back a row.
    pub(crate) fn restore_number(&mut self, replica: ReplicaId, number: u64) {
        self.numbers.insert(replica, number);
    }

    /// Takes back a row.
    pub(crate) fn restore_version(&mut self, kind: u16, index: u64) {
        self.versions.insert(kind, index);
    }

    /// Becomes what a snapshot carries.
    pub(crate) fn install(&mut self, other: Self, writes: &mut Vec<Write>) {
        for replica in self.numbers.keys().filter(|replica| !other.numbers.contains_key(replica)) {
            writes.push(rows::delete_decided(*replica));
        }
        for kind in self.versions.keys().filter(|kind| !other.versions.contains_key(kind)) {
            writes.push(rows::delete_version(*kind));
        }
        writes.extend(self.subjects.delete_rows_beside(&other.subjects));
        *self = other;
    }

    /// Every row of it.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Write> {
        let versions = self.versions.iter().map(|(kind, index)| rows::put_version(*kind, *index));
        let numbers = self.numbers.iter().map(|(replica, number)| rows::put_decided(*replica, *number));
        let level = (self.level > 0).then(|| rows::put_level(self.level, self.subjects.floor()));
        versions.chain(numbers).chain(level).chain(self.subjects.rows())
    }

    /// Whether a terminal of this version can have got this far.
    pub(crate) fn within_limits(&self) -> bool {
        self.numbers.len() <= MAX_PROPOSERS
    }
}

/// The fields that hold it in a snapshot's map.
mod field {
    pub(super) const NUMBERS: u8 = 3;
    pub(super) const VERSIONS: u8 = 4;
    pub(super) const LEVEL: u8 = 5;
    pub(super) const SUBJECTS: u8 = 6;
}

impl Decisions {
    /// How many fields it is in a snapshot's map.
    pub(crate) fn fields(&self) -> u64 {
        1 + u64::from(!self.versions.is_empty()) + 2 * u64::from(self.level > 0)
    }

    pub(crate) fn write(&self, out: &mut Sink<'_>) -> Written {
        out.u8(field::NUMBERS)?.array(2 * self.numbers.len() as u64)?;
        for (replica, number) in &self.numbers {
            out.u64(replica.0)?.u64(*number)?;
        }
        if !self.versions.is_empty() {
            out.u8(field::VERSIONS)?.array(2 * self.versions.len() as u64)?;
        }
        for (kind, index) in &self.versions {
            out.u16(*kind)?.u64(*index)?;
        }
        if self.level > 0 {
            out.u8(field::LEVEL)?.array(2)?.u32(self.level)?.u64(self.subjects.floor())?;
            out.u8(field::SUBJECTS)?;
            self.subjects.write(out)?;
        }
        Ok(())
    }

    /// Reads a field of a snapshot's map; `false` where it is none of these.
    pub(crate) fn read_field(&mut self, key: u64, reader: &mut Reader<'_>) -> Result<bool, DecodeError> {
        if key == u64::from(field::NUMBERS) {
            let numbers = pairs(reader, MAX_PROPOSERS)?;
            self.numbers =
                numbers.into_iter().map(|[replica, number]| (ReplicaId(replica), number)).collect();
        } else if key == u64::from(field::VERSIONS) {
            let versions = pairs(reader, MAX_KINDS)?;
            let version = |[kind, index]: [u64; 2]| {
                let kind = u16::try_from(kind).map_err(|_| reader.fault(DecodeFault::Impossible))?;
                Ok((kind, index))
            };
            self.versions = versions.into_iter().map(version).collect::<Result<_, DecodeError>>()?;
        } else if key == u64::from(field::LEVEL) {
            if reader.array("level", 2)? != 2 {
                return Err(reader.fault(DecodeFault::Expected("two numbers")));
            }
            self.restore_level(reader.small("level")?, reader.u64()?);
        } else if key == u64::from(field::SUBJECTS) {
            self.subjects.read(reader)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }
}

/// A flat array of at most `limit` pairs.
fn pairs(reader: &mut Reader<'_>, limit: usize) -> Result<Vec<[u64; 2]>, DecodeError> {
    let numbers = reader.items("pairs", 2 * limit as u32, Reader::u64)?;
    let (pairs, rest) = numbers.as_chunks::<2>();
    if rest.is_empty() { Ok(pairs.to_vec()) } else { Err(reader.fault(DecodeFault::Expected("whole pairs"))) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{MAX_SUBJECT_BYTES, ProposalKey};
    use crate::members::{MAX_RETIRED, Members};
    use crate::snapshot::{MAX_ATTACHMENT_BYTES, Snapshot};
    use crate::subjects::MAX_SUBJECTS;
    use crate::wire::MAX_MESSAGE_BYTES;

    /// With every limit reached, a snapshot still fits into a message.
    #[test]
    fn the_largest_snapshot_fits_into_a_message() {
        let mut decisions = Decisions::default();
        decisions.restore_level(u32::MAX, u64::MAX);
        (0..MAX_KINDS as u64)
            .for_each(|kind| decisions.restore_version(u16::MAX - kind as u16, u64::MAX - kind));
        for number in 0..MAX_PROPOSERS as u64 {
            decisions.restore_number(ReplicaId(u64::MAX - number), u64::MAX - number);
        }
        for number in 0..MAX_SUBJECTS as u64 {
            let mut subject = vec![1; MAX_SUBJECT_BYTES];
            subject[..8].copy_from_slice(&number.to_be_bytes());
            decisions.restore_subject(u16::MAX, subject, u64::MAX - number);
        }
        let retired = (0..MAX_RETIRED as u64).map(|number| ReplicaId(u64::MAX - number)).collect();
        let members = Members {
            voters: vec![ReplicaId(u64::MAX); 5],
            learners: vec![ReplicaId(u64::MAX); 10],
            retired,
        };
        let attachment = Some(vec![255; MAX_ATTACHMENT_BYTES]);
        let bytes =
            Snapshot { index: u64::MAX, term: u64::MAX, members, decisions, attachment }.encode().len();
        assert!(bytes + 200 < MAX_MESSAGE_BYTES, "{bytes}");
    }

    /// Below level 1 any decision of the kind makes a base stale, as the first version decides; from there on one about the same
    /// subject, and what was seen before the level counts no more.
    #[test]
    fn the_level_decides_what_a_base_is_compared_with() {
        let replica = ReplicaId::new(1, 1);
        let mut decisions = Decisions::default();
        let mut number = 0;
        let mut judge = |index, kind, subject: &[u8], base, level| {
            number += 1;
            let proposal = Proposal { kind, subject: subject.to_vec(), base, bytes: vec![] };
            let numbered = Numbered { key: ProposalKey { replica, number }, proposal, level };
            decisions.judge(index, &numbered, &mut Vec::new())
        };
        assert_eq!(judge(1, 5, b"milk", Some(0), 0), Verdict::Taken);
        assert_eq!(judge(2, 5, b"bread", Some(0), 0), Verdict::Refused { base: 0, current: 1 });
        assert_eq!(judge(3, LEVEL_KIND, b"", None, 1), Verdict::Raised);
        assert_eq!(judge(4, 5, b"bread", Some(1), 0), Verdict::Refused { base: 1, current: 3 });
        assert_eq!(judge(5, 5, b"bread", Some(3), 0), Verdict::Taken);
        assert_eq!(judge(6, 5, b"milk", Some(3), 0), Verdict::Taken, "bread is not milk");
        assert_eq!(judge(7, 5, b"bread", Some(3), 0), Verdict::Refused { base: 3, current: 5 });
        assert_eq!(judge(8, 5, b"", Some(3), 0), Verdict::Taken, "no subject is a subject of its own");
        assert_eq!(judge(9, 6, b"milk", Some(3), 0), Verdict::Taken, "kinds are apart");
        assert_eq!(judge(10, LEVEL_KIND, b"", None, 1), Verdict::PassedOver, "the level is reached");
    }
}
