//! Which proposals count: what every terminal derives alike from the log, and a snapshot carries instead of it.

use std::collections::BTreeMap;

use edgepos_core::{ReplicaId, Write};
use minicbor::decode::Error;
use minicbor::{Decoder, Encoder};

use crate::cbor::{self, infallible};
use crate::entry::{Numbered, Proposal};
use crate::rows;

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
}

/// What becomes of a proposal whose entry is decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// It does not count: a repeat, a number behind a gap, or one beyond the limits.
    PassedOver,
    /// Its number counts, and it builds on what no longer holds.
    Refused {
        base: u64,
        current: u64,
    },
    Taken,
}

impl Decisions {
    /// Judges the proposal of the entry at `index`. The one after its replica's last is the only one that counts, so that each is
    /// handed out once.
    pub(crate) fn judge(&mut self, index: u64, numbered: &Numbered, writes: &mut Vec<Write>) -> Verdict {
        let Numbered { key, proposal: Proposal { kind, base, .. } } = numbered;
        if key.number != self.number(key.replica).saturating_add(1) || !self.has_room(numbered) {
            return Verdict::PassedOver;
        }
        self.numbers.insert(key.replica, key.number);
        writes.push(rows::put_decided(key.replica, key.number));
        let current = self.version(*kind);
        if let Some(base) = base.filter(|base| *base < current) {
            return Verdict::Refused { base, current };
        }
        self.versions.insert(*kind, index);
        writes.push(rows::put_version(*kind, index));
        Verdict::Taken
    }

    /// Whether the limits leave room for a decision of this proposer and kind.
    pub(crate) fn has_room(&self, numbered: &Numbered) -> bool {
        let Numbered { key, proposal } = numbered;
        let proposers = self.number(key.replica) > 0 || self.numbers.len() < MAX_PROPOSERS;
        proposers && (self.versions.contains_key(&proposal.kind) || self.versions.len() < MAX_KINDS)
    }

    /// The highest number of the replica that was applied; 0 for none.
    pub(crate) fn number(&self, replica: ReplicaId) -> u64 {
        self.numbers.get(&replica).copied().unwrap_or_default()
    }

    /// The index of the last decision of the kind; 0 for none.
    pub(crate) fn version(&self, kind: u16) -> u64 {
        self.versions.get(&kind).copied().unwrap_or_default()
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
        *self = other;
    }

    /// Every row of it.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Write> {
        let versions = self.versions.iter().map(|(kind, index)| rows::put_version(*kind, *index));
        versions.chain(self.numbers.iter().map(|(replica, number)| rows::put_decided(*replica, *number)))
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
}

impl Decisions {
    /// How many fields it is in a snapshot's map.
    pub(crate) fn fields(&self) -> u64 {
        1 + u64::from(!self.versions.is_empty())
    }

    pub(crate) fn encode_into(&self, encoder: &mut Encoder<Vec<u8>>) {
        infallible(
            encoder.u8(field::NUMBERS).and_then(|encoder| encoder.array(2 * self.numbers.len() as u64)),
        );
        for (replica, number) in &self.numbers {
            infallible(encoder.u64(replica.0).and_then(|encoder| encoder.u64(*number)));
        }
        if self.versions.is_empty() {
            return;
        }
        infallible(
            encoder.u8(field::VERSIONS).and_then(|encoder| encoder.array(2 * self.versions.len() as u64)),
        );
        for (kind, index) in &self.versions {
            infallible(encoder.u16(*kind).and_then(|encoder| encoder.u64(*index)));
        }
    }

    /// Reads a field of a snapshot's map; `false` where it is none of these.
    pub(crate) fn decode_field(&mut self, key: u64, decoder: &mut Decoder<'_>) -> Result<bool, Error> {
        if key == u64::from(field::NUMBERS) {
            let numbers = pairs(decoder, MAX_PROPOSERS)?;
            self.numbers =
                numbers.into_iter().map(|[replica, number]| (ReplicaId(replica), number)).collect();
        } else if key == u64::from(field::VERSIONS) {
            let version = |[kind, index]: [u64; 2]| {
                let kind = u16::try_from(kind).map_err(|_| Error::message("impossible kind of decision"))?;
                Ok((kind, index))
            };
            let versions = pairs(decoder, MAX_KINDS)?;
            self.versions = versions.into_iter().map(version).collect::<Result<_, Error>>()?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }
}

/// A flat array of at most `limit` pairs.
fn pairs(decoder: &mut Decoder<'_>, limit: usize) -> Result<Vec<[u64; 2]>, Error> {
    let numbers = cbor::array(decoder, 2 * limit, Decoder::u64)?;
    let (pairs, rest) = numbers.as_chunks::<2>();
    if rest.is_empty() { Ok(pairs.to_vec()) } else { Err(Error::message("half a pair")) }
}
