//! Positions of a chain whose bytes are lost: they count for linking, and never as held.

use std::collections::BTreeMap;

use edgepos_core::{Chain, EventId, Seq};
use edgepos_wire::{DecodeError, DecodeFault, Reader, Sink, Written};

use crate::event::Hash;
use crate::wire::shapes;

/// Most gaps that a greeting, a reply or a terminal's memory names.
pub(crate) const MAX_GAPS: u32 = 1_024;

/// Most positions of one gap: more than a till records in ten years, and few enough that what comes behind has a number on a disk.
pub(crate) const MAX_POSITIONS: u64 = 1 << 24;

/// Positions of one chain that follow on each other and whose bytes are lost, and the hash with which the chain goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gap {
    /// The first position.
    pub first: Seq,
    /// The last position.
    pub last: Seq,
    /// Where [`hash`](Self::hash) is the chain's: at `last`, or at the event behind it where the hash at `last` is lost as well.
    pub at: Seq,
    /// The chain's hash at `at`.
    pub hash: Hash,
}

impl Gap {
    /// How many positions.
    pub fn positions(&self) -> u64 {
        self.last.0.saturating_sub(self.first.0).saturating_add(1)
    }

    pub(crate) fn contains(&self, seq: Seq) -> bool {
        self.first <= seq && seq <= self.last
    }

    pub(crate) fn write_to(&self, out: &mut Sink<'_>) -> Written {
        let past = u64::from(self.at != self.last);
        out.array(4)?.u64(self.first.0)?.u64(self.last.0)?.u64(past)?.bytes(&self.hash.0)?.ok()
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let impossible = DecodeError::new("gap", 0, DecodeFault::Impossible);
        if reader.array("gap", 4)? != 4 {
            return Err(impossible);
        }
        let (first, last, past) = (Seq(reader.u64()?), Seq(reader.u64()?), reader.u64()?);
        let hash = Hash(reader.fixed("hash")?);
        if first == Seq::ZERO || last < first || last.0 - first.0 >= MAX_POSITIONS || past > 1 {
            return Err(impossible);
        }
        let at = last.0.checked_add(past).map(Seq).ok_or(impossible)?;
        Ok(Self { first, last, at, hash })
    }
}

/// The positions that somebody lacks below what it holds: for each chain the first and the last of each gap.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Lost(BTreeMap<Chain, BTreeMap<Seq, Seq>>);

impl Lost {
    /// Each gap: its chain, the first and the last position.
    pub fn iter(&self) -> impl Iterator<Item = (Chain, Seq, Seq)> + '_ {
        self.0.iter().flat_map(|(chain, gaps)| gaps.iter().map(|(first, last)| (*chain, *first, *last)))
    }

    /// Whether the position is one of them.
    pub fn contains(&self, id: EventId) -> bool {
        let gap = self.0.get(&id.chain).and_then(|gaps| gaps.range(..=id.seq).next_back());
        gap.is_some_and(|(_, last)| id.seq <= *last)
    }

    /// The first lost position of the chain.
    pub fn first(&self, chain: Chain) -> Option<Seq> {
        self.0.get(&chain).and_then(|gaps| gaps.keys().next()).copied()
    }

    pub(crate) fn insert(&mut self, chain: Chain, first: Seq, last: Seq) {
        self.0.entry(chain).or_default().insert(first, last);
    }

    /// An array: for each gap the key of its first event, and its last position.
    pub(crate) fn write_to(&self, out: &mut Sink<'_>) -> Written {
        let gaps = self.iter().count().min(MAX_GAPS as usize);
        out.array(2 * gaps as u64)?;
        self.iter().take(gaps).try_for_each(|(chain, first, last)| {
            out.bytes(&EventId::new(chain, first).to_key())?.u64(last.0)?.ok()
        })
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut lost = Self::default();
        let items = reader.array("lost events", 2 * MAX_GAPS)?;
        if items % 2 != 0 {
            return Err(DecodeError::new("lost events", 0, DecodeFault::Impossible));
        }
        for _ in 0..items / 2 {
            let (first, last) = (shapes::event(reader)?, Seq(reader.u64()?));
            if first.seq == Seq::ZERO || last < first.seq || last.0 - first.seq.0 >= MAX_POSITIONS {
                return Err(DecodeError::new("lost events", 0, DecodeFault::Impossible));
            }
            lost.insert(first.chain, first.seq, last);
        }
        Ok(lost)
    }
}
