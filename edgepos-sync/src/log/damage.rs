//! Positions below the heads whose bytes are not there: lost for good, or damaged on this disk and asked for.

use std::collections::BTreeMap;

use edgepos_core::{Chain, EventId, Seq, Space, Write};
use edgepos_wire::{DecodeError, DecodeFault, Reader, write};

use crate::author::Parting;
use crate::event::Hash;
use crate::gap::{Gap, Lost, MAX_GAPS};
use crate::limits::Limits;
use crate::wire::shapes;

/// Positions that are damaged here and not yet examined or mended; beyond it one is found again when it is read again.
const MAX_DAMAGED: usize = 1_024;

/// What is lost and what is damaged, by chain.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Damage {
    lost: BTreeMap<Chain, BTreeMap<Seq, Kept>>,
    /// First and last position of each part that is damaged here. Not on disk: it is found again.
    damaged: BTreeMap<Chain, BTreeMap<Seq, Seq>>,
    /// Rises with each change.
    changes: u64,
}

/// A gap, as it is remembered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Kept {
    gap: Gap,
    /// Whether it came from others in the place of events, so that these were never interpreted here.
    taken: bool,
}

impl Damage {
    /// A row of `Space::Lost`. Keys of another length are not sync's.
    pub(super) fn insert(&mut self, key: &[u8], value: &[u8]) -> Result<(), DecodeError> {
        let Some(id) = EventId::from_key(key) else { return Ok(()) };
        let (mut last, mut at, mut hash, mut taken) = (None, None, None, false);
        Reader::all("lost events", value, Limits::DEFAULT.max_message_bytes, |reader| {
            reader.fields(|reader, key| {
                match key {
                    0 => last = Some(Seq(reader.u64()?)),
                    1 => at = Some(Seq(reader.u64()?)),
                    2 => hash = Some(Hash(reader.fixed("hash")?)),
                    3 => taken = reader.bool()?,
                    _ => return Ok(false),
                }
                Ok(true)
            })
        })?;
        let last = shapes::required("lost events", last, 0)?;
        let at = shapes::required("lost events", at, 1)?;
        if last < id.seq || last == Seq(u64::MAX) || (at != last && at != last.next()) {
            return Err(DecodeError::new("lost events", 0, DecodeFault::Impossible));
        }
        let hash = shapes::required("lost events", hash, 2)?;
        let gap = Gap { first: id.seq, last, at, hash };
        self.lost.entry(id.chain).or_default().insert(id.seq, Kept { gap, taken });
        self.changes += 1;
        Ok(())
    }

    /// Whether one more gap is remembered.
    pub(crate) fn has_room(&self, gaps: usize) -> bool {
        self.lost.values().map(BTreeMap::len).sum::<usize>() + gaps <= MAX_GAPS as usize
    }

    /// The positions are lost. `taken`: others say so, and what was there was never here. The row that remembers it.
    pub(super) fn lose(&mut self, chain: Chain, gap: Gap, taken: bool) -> Write {
        self.settle(EventId::new(chain, gap.first));
        self.lost.entry(chain).or_default().insert(gap.first, Kept { gap, taken });
        self.changes += 1;
        let value = write(|out| {
            out.map(3 + u64::from(taken))?.u64(0)?.u64(gap.last.0)?.u64(1)?.u64(gap.at.0)?;
            out.u64(2)?.bytes(&gap.hash.0)?;
            if taken {
                out.u64(3)?.bool(true)?;
            }
            Ok(())
        });
        Write::put(Space::Lost, EventId::new(chain, gap.first).to_key(), value)
    }

    /// The gap has its events again: whether these were never interpreted here, and the row that goes.
    pub(super) fn heal(&mut self, first: EventId) -> Option<(bool, Write)> {
        let Kept { taken, .. } = self.lost.get_mut(&first.chain)?.remove(&first.seq)?;
        self.changes += 1;
        Some((taken, Write::delete(Space::Lost, first.to_key())))
    }

    /// The chain ends at `end` now: what was lost behind it is not of it any more, and a gap that reaches beyond it ends there. The rows
    /// that go or change.
    pub(super) fn cut(&mut self, chain: Chain, end: Parting) -> Vec<Write> {
        let gone = self.lost.get_mut(&chain).map(|gaps| gaps.split_off(&end.seq.next())).unwrap_or_default();
        self.damaged.remove(&chain);
        self.changes += 1;
        let across = self.lost.get(&chain).and_then(|gaps| gaps.values().next_back().copied());
        let across = across.filter(|kept| kept.gap.at > end.seq).map(|Kept { gap, taken }| {
            self.lose(chain, Gap { last: end.seq, at: end.seq, hash: end.hash, ..gap }, taken)
        });
        gone.into_keys()
            .map(|first| Write::delete(Space::Lost, EventId::new(chain, first).to_key()))
            .chain(across)
            .collect()
    }

    /// The gap that has this position.
    pub(crate) fn gap_at(&self, id: EventId) -> Option<Gap> {
        let (_, Kept { gap, .. }) = self.lost.get(&id.chain)?.range(..=id.seq).next_back()?;
        gap.contains(id.seq).then_some(*gap)
    }

    /// The gaps of a chain that are not wholly up to `held`.
    pub(crate) fn gaps_above(&self, chain: Chain, held: Seq) -> Vec<Gap> {
        let gaps = self.lost.get(&chain).into_iter().flat_map(BTreeMap::values);
        gaps.map(|kept| kept.gap).filter(|gap| gap.last > held).collect()
    }

    /// All gaps.
    pub(crate) fn lost(&self) -> Lost {
        let mut lost = Lost::default();
        for (chain, gaps) in &self.lost {
            gaps.values().for_each(|Kept { gap, .. }| lost.insert(*chain, gap.first, gap.last));
        }
        lost
    }

    /// The first lost or damaged position of the chain.
    pub(crate) fn first(&self, chain: Chain) -> Option<Seq> {
        let lost = self.lost.get(&chain).and_then(|gaps| gaps.keys().next()).copied();
        let damaged = self.damaged.get(&chain).and_then(|parts| parts.keys().next()).copied();
        lost.into_iter().chain(damaged).min()
    }

    /// The row of the event is not what was written. Whether that is news, and there is room to remember it.
    pub(crate) fn suspect(&mut self, id: EventId) -> bool {
        let known = self.damaged.values().map(BTreeMap::len).sum::<usize>();
        if known >= MAX_DAMAGED || self.gap_at(id).is_some() || self.is_damaged(id) {
            return false;
        }
        self.damaged.entry(id.chain).or_default().insert(id.seq, id.seq);
        self.changes += 1;
        true
    }

    /// Whether the position is damaged here and not yet examined or mended.
    pub(crate) fn is_damaged(&self, id: EventId) -> bool {
        let part = self.damaged.get(&id.chain).and_then(|parts| parts.range(..=id.seq).next_back());
        part.is_some_and(|(_, last)| id.seq <= *last)
    }

    /// The damage around a position was examined: these are damaged, up to `last`.
    pub(crate) fn is_as_far_as(&mut self, first: EventId, last: Seq) {
        let parts = self.damaged.entry(first.chain).or_default();
        parts.retain(|from, to| *to < first.seq || *from > last);
        parts.insert(first.seq, last);
        self.changes += 1;
    }

    /// The part of the chain that begins there is whole, lost, or is looked for again.
    pub(crate) fn settle(&mut self, first: EventId) {
        if let Some(parts) = self.damaged.get_mut(&first.chain) {
            parts.remove(&first.seq);
            self.changes += 1;
            if parts.is_empty() {
                self.damaged.remove(&first.chain);
            }
        }
    }

    /// A number that rises with each change.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// All gaps, by their first event.
    pub(crate) fn all_gaps(&self) -> BTreeMap<EventId, Gap> {
        let of = |(chain, gaps): (&Chain, &BTreeMap<Seq, Kept>)| {
            let chain = *chain;
            gaps.values().map(move |kept| (EventId::new(chain, kept.gap.first), kept.gap)).collect::<Vec<_>>()
        };
        self.lost.iter().flat_map(of).collect()
    }

    /// All damaged parts: the first event and the last position.
    pub(crate) fn all_damaged(&self) -> BTreeMap<EventId, Seq> {
        let of = |(chain, parts): (&Chain, &BTreeMap<Seq, Seq>)| {
            let chain = *chain;
            parts.iter().map(move |(first, last)| (EventId::new(chain, *first), *last)).collect::<Vec<_>>()
        };
        self.damaged.iter().flat_map(of).collect()
    }

    /// How many positions are damaged, and how many are lost.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let damaged = self.damaged.values().flatten().map(|(first, last)| last.0 - first.0 + 1);
        let lost = self.lost.values().flat_map(BTreeMap::values).map(|kept| kept.gap.positions());
        (damaged.fold(0, u64::saturating_add), lost.fold(0, u64::saturating_add))
    }

    /// Up to where a chain can be sent to one that holds it up to `held`: not into what is damaged, and past gaps only if it takes them.
    pub(crate) fn sendable(&self, chain: Chain, held: Seq, durable: Seq, takes_gaps: bool) -> Seq {
        let mut end = durable;
        let above = |first: Seq, last: Seq| last > held && first <= durable;
        for (first, last) in self.damaged.get(&chain).into_iter().flatten() {
            if above(*first, *last) {
                end = end.min(Seq(first.0.max(held.0 + 1) - 1));
            }
        }
        for Kept { gap, .. } in self.lost.get(&chain).into_iter().flat_map(BTreeMap::values) {
            if !takes_gaps && above(gap.first, gap.last) {
                end = end.min(Seq(gap.first.0.max(held.0 + 1) - 1));
            }
        }
        end
    }
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Lane, ReplicaId};

    use super::*;

    #[test]
    fn a_gap_ends_where_its_chain_does() {
        let chain = Chain::new(ReplicaId::new(1, 1), Lane::Transactions);
        let gap = |first, last, at, hash| Gap {
            first: Seq(first),
            last: Seq(last),
            at: Seq(at),
            hash: Hash([hash; 32]),
        };
        let mut damage = Damage::default();
        for one in [gap(2, 2, 2, 1), gap(5, 8, 9, 2), gap(11, 12, 12, 3)] {
            drop(damage.lose(chain, one, true));
        }
        let rows = damage.cut(chain, Parting { seq: Seq(6), hash: Hash([7; 32]) });
        assert_eq!(damage.gaps_above(chain, Seq(0)), [gap(2, 2, 2, 1), gap(5, 6, 6, 7)]);
        assert_eq!(rows.len(), 2, "one goes, and one changes");
        let mut restored = Damage::default();
        for row in &rows {
            if let Write::Put { key, value, .. } = row {
                restored.insert(key, value).expect("its own row");
            }
        }
        assert_eq!(restored.gaps_above(chain, Seq(0)), [gap(5, 6, 6, 7)]);
    }
}
