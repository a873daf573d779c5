//! What the events of each chain left in a set, by position: a bit for each position and the values of those that are set.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::iter;

use edgepos_core::{Chain, EventId, Seq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::wire::{Reader, Wire, Writer};
use crate::{Corruption, VersionVector, WireError};

/// Positions in a chunk.
const WIDTH: u64 = u64::BITS as u64;

/// The values of 64 positions in a row. Two sets are compared by their bits, and values are touched only where these differ.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Chunk<T> {
    /// The position of the lowest bit, divided by 64.
    number: u64,
    present: u64,
    /// As many as there are bits, by rising position.
    values: Vec<T>,
}

/// Chain → (position, value). No empty chunk is kept, nor a chain without any, so that equal contents are equal values.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Runs<T> {
    chains: BTreeMap<Chain, Vec<Chunk<T>>>,
}

impl<T> Chunk<T> {
    /// The bits of the positions above `after` and up to `last`.
    fn between(&self, after: Seq, last: Seq) -> u64 {
        let lowest = self.number * WIDTH;
        let above = match after.0.checked_sub(lowest) {
            None => u64::MAX,
            Some(offset) if offset >= WIDTH - 1 => 0,
            Some(offset) => u64::MAX << (offset + 1),
        };
        let up_to = match last.0.checked_sub(lowest) {
            None => 0,
            Some(offset) if offset >= WIDTH - 1 => u64::MAX,
            Some(offset) => u64::MAX >> (WIDTH - 1 - offset),
        };
        above & up_to
    }

    fn seqs(&self, mut bits: u64) -> impl Iterator<Item = Seq> + use<T> {
        let lowest = self.number * WIDTH;
        iter::from_fn(move || {
            let bit = (bits != 0).then(|| u64::from(bits.trailing_zeros()))?;
            bits &= bits - 1;
            Some(Seq(lowest + bit))
        })
    }

    fn iter(&self) -> impl Iterator<Item = (Seq, &T)> {
        self.seqs(self.present).zip(&self.values)
    }

    /// Where the value of a bit stands.
    fn rank(&self, bit: u64) -> usize {
        (self.present & (bit - 1)).count_ones() as usize
    }

    /// Takes out the values of these bits, all of which are present.
    fn take(&mut self, gone: u64, mut dropped: impl FnMut(Seq, T)) {
        let mut rest = self.present;
        let values = self.values.extract_if(.., |_| {
            let bit = rest & rest.wrapping_neg();
            rest ^= bit;
            gone & bit != 0
        });
        let lowest = self.number * WIDTH;
        let mut bits = gone;
        for value in values {
            dropped(Seq(lowest + u64::from(bits.trailing_zeros())), value);
            bits &= bits.wrapping_sub(1);
        }
        self.present &= !gone;
    }
}

impl<T: Clone> Chunk<T> {
    /// The values of those bits alone.
    fn part(&self, bits: u64) -> Self {
        let present = self.present & bits;
        if present == self.present {
            return self.clone();
        }
        let values = self.seqs(self.present).zip(&self.values);
        let values = values.filter(|(seq, _)| present & 1 << (seq.0 % WIDTH) != 0);
        Self { number: self.number, present, values: values.map(|(_, value)| value.clone()).collect() }
    }
}

impl<T> Default for Runs<T> {
    fn default() -> Self {
        Self { chains: BTreeMap::new() }
    }
}

fn place(seq: Seq) -> (u64, u64) {
    (seq.0 / WIDTH, 1 << (seq.0 % WIDTH))
}

impl<T> Runs<T> {
    pub(crate) fn len(&self) -> usize {
        self.chains.values().flatten().map(|chunk| chunk.values.len()).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.chains.is_empty()
    }

    pub(crate) fn get(&self, id: EventId) -> Option<&T> {
        let (number, bit) = place(id.seq);
        let chunks = self.chains.get(&id.chain)?;
        let chunk = &chunks[chunks.binary_search_by_key(&number, |chunk| chunk.number).ok()?];
        (chunk.present & bit != 0).then(|| &chunk.values[chunk.rank(bit)])
    }

    /// Everything by rising id.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (EventId, &T)> {
        self.chains.iter().flat_map(|(&chain, chunks)| {
            let values = chunks.iter().flat_map(Chunk::iter);
            values.map(move |(seq, value)| (EventId::new(chain, seq), value))
        })
    }

    /// Each chain that has something, by rising chain.
    pub(crate) fn chains(&self) -> impl Iterator<Item = Chain> + '_ {
        self.chains.keys().copied()
    }

    /// What the events of a chain after a position left.
    pub(crate) fn after(&self, chain: Chain, seq: Seq) -> impl Iterator<Item = (Seq, &T)> {
        let chunks = self.chains.get(&chain).map_or(&[][..], Vec::as_slice);
        let chunks = &chunks[chunks.partition_point(|chunk| chunk.number < seq.0 / WIDTH)..];
        chunks.iter().flat_map(Chunk::iter).filter(move |(at, _)| *at > seq)
    }

    fn span(chunks: &[Chunk<T>]) -> Option<(Seq, Seq)> {
        let (first, last) = (chunks.first()?, chunks.last()?);
        let lowest = first.number * WIDTH + u64::from(first.present.trailing_zeros());
        let highest = last.number * WIDTH + u64::from(WIDTH as u32 - 1 - last.present.leading_zeros());
        Some((Seq(lowest), Seq(highest)))
    }

    /// Adds what a later event of its chain left.
    ///
    /// # Errors
    /// When it is not later; nothing is added.
    pub(crate) fn push(&mut self, id: EventId, value: T) -> Result<(), Corruption> {
        let (number, bit) = place(id.seq);
        let chunks = self.chains.entry(id.chain).or_default();
        match chunks.last_mut() {
            Some(last) if last.number > number || (last.number == number && last.present >= bit) => {
                return Err(Corruption::Order);
            }
            Some(last) if last.number == number => {
                last.present |= bit;
                last.values.push(value);
            }
            _ => chunks.push(Chunk { number, present: bit, values: Vec::from([value]) }),
        }
        Ok(())
    }

    /// Takes out one value.
    pub(crate) fn remove(&mut self, id: EventId) -> Option<T> {
        let (number, bit) = place(id.seq);
        let chunks = self.chains.get_mut(&id.chain)?;
        let at = chunks.binary_search_by_key(&number, |chunk| chunk.number).ok()?;
        let chunk = &mut chunks[at];
        if chunk.present & bit == 0 {
            return None;
        }
        let value = chunk.values.remove(chunk.rank(bit));
        chunk.present &= !bit;
        if chunk.present == 0 {
            chunks.remove(at);
        }
        if chunks.is_empty() {
            self.chains.remove(&id.chain);
        }
        Some(value)
    }

    /// Keeps what the predicate wants, asked by rising id.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(EventId, &T) -> bool) {
        self.chains.retain(|&chain, chunks| {
            for chunk in &mut *chunks {
                let unwanted = chunk.iter().filter(|(seq, value)| !keep(EventId::new(chain, *seq), value));
                let gone = unwanted.fold(0, |bits, (seq, _)| bits | 1 << (seq.0 % WIDTH));
                chunk.take(gone, |_, _| {});
            }
            chunks.retain(|chunk| chunk.present != 0);
            !chunks.is_empty()
        });
    }

    /// Drops the chains that the predicate does not want.
    pub(crate) fn retain_chains(&mut self, keep: impl Fn(Chain) -> bool) {
        self.chains.retain(|&chain, _| keep(chain));
    }

    /// Drops, of a chain's values above `after` and up to `last`, those whose position `kept` does not have, and hands each over.
    pub(crate) fn keep_common(
        &mut self,
        chain: Chain,
        (after, last): (Seq, Seq),
        kept: &Self,
        mut dropped: impl FnMut(EventId, T),
    ) {
        let Some(chunks) = self.chains.get_mut(&chain) else { return };
        let mut kept = kept.chains.get(&chain).map_or(&[][..], Vec::as_slice).iter().peekable();
        let mut emptied = false;
        for chunk in &mut *chunks {
            while kept.next_if(|other| other.number < chunk.number).is_some() {}
            let common = kept.peek().filter(|other| other.number == chunk.number).map_or(0, |o| o.present);
            let gone = chunk.present & chunk.between(after, last) & !common;
            if gone != 0 {
                chunk.take(gone, |seq, value| dropped(EventId::new(chain, seq), value));
                emptied |= chunk.present == 0;
            }
        }
        if emptied {
            chunks.retain(|chunk| chunk.present != 0);
        }
        if chunks.is_empty() {
            self.chains.remove(&chain);
        }
    }

    /// Whether each chain's values lie after `from` and up to `to`.
    pub(crate) fn check(&self, from: &VersionVector, to: &VersionVector) -> Result<(), Corruption> {
        for (&chain, chunks) in &self.chains {
            match Self::span(chunks) {
                Some((first, last)) if first > from.get(chain) && last <= to.get(chain) => {}
                _ => return Err(Corruption::OutsideInterval { chain }),
            }
        }
        Ok(())
    }
}

impl<T: Clone> Runs<T> {
    /// What the events beyond a vector left.
    pub(crate) fn since(&self, from: &VersionVector) -> Self {
        let mut beyond = Self::default();
        for chain in self.chains() {
            beyond.extend(chain, from.get(chain), self);
        }
        beyond
    }

    /// Adds what `other` has of a chain after a position, which is at or above everything here.
    pub(crate) fn extend(&mut self, chain: Chain, after: Seq, other: &Self) {
        let chunks = other.chains.get(&chain).map_or(&[][..], Vec::as_slice);
        let chunks = &chunks[chunks.partition_point(|chunk| chunk.number < after.0 / WIDTH)..];
        let new = chunks.iter().map(|chunk| (chunk, chunk.between(after, Seq(u64::MAX)) & chunk.present));
        let mut new = new.filter(|(_, bits)| *bits != 0).peekable();
        if new.peek().is_none() {
            return;
        }
        let mine = self.chains.entry(chain).or_default();
        if let Some((first, bits)) = new.next() {
            let part = first.part(bits);
            match mine.last_mut().filter(|last| last.number == part.number) {
                Some(last) => {
                    last.present |= part.present;
                    last.values.extend(part.values);
                }
                None => mine.push(part),
            }
        }
        mine.extend(new.map(|(chunk, _)| chunk.clone()));
    }

    /// Takes out what the events of a chain after a position left.
    pub(crate) fn split_after(&mut self, chain: Chain, seq: Seq) -> Self {
        let mut beyond = Self::default();
        beyond.extend(chain, seq, self);
        self.retain(|id, _| id.chain != chain || id.seq <= seq);
        beyond
    }
}

/// As a list of chains, each with a list of positions and values, rising.
impl<T: Serialize> Serialize for Runs<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let runs = self.chains.iter().map(|(chain, chunks)| {
            let run: Vec<(Seq, &T)> = chunks.iter().flat_map(Chunk::iter).collect();
            (chain, run)
        });
        serializer.collect_seq(runs)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Runs<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let chains: BTreeMap<Chain, Vec<(Seq, T)>> = crate::pairs::deserialize(deserializer)?;
        let mut runs = Self::default();
        for (chain, run) in chains {
            if run.is_empty() {
                return Err(serde::de::Error::custom("a chain without values"));
            }
            for (seq, value) in run {
                runs.push(EventId::new(chain, seq), value).map_err(serde::de::Error::custom)?;
            }
        }
        Ok(runs)
    }
}

impl<T: Wire> Runs<T> {
    /// By rising chain: how many values, then for each the step from the position before (`from`'s at first) and the value.
    pub(crate) fn write(&self, from: &VersionVector, out: &mut Writer) {
        out.number(self.chains.len() as u64);
        for (chain, chunks) in &self.chains {
            chain.write(out);
            out.number(chunks.iter().map(|chunk| chunk.values.len() as u64).sum());
            let mut last = from.get(*chain).0;
            for (seq, value) in chunks.iter().flat_map(Chunk::iter) {
                out.number(seq.0.wrapping_sub(last));
                last = seq.0;
                value.write(out);
            }
        }
    }

    /// Whether the values lie in an interval is [`check`](Self::check)ed by the caller.
    pub(crate) fn read(from: &VersionVector, input: &mut Reader<'_>) -> Result<Self, WireError> {
        let mut runs = Self::default();
        let mut before = None;
        for _ in 0..input.length(9 + 1)? {
            let chain = Chain::read(input)?;
            let count = input.length(1)?;
            if before.is_some_and(|before| chain <= before) || count == 0 {
                return Err(Corruption::Order.into());
            }
            before = Some(chain);
            let mut last = from.get(chain).0;
            for _ in 0..count {
                last = last.checked_add(input.number()?).ok_or(WireError::Number)?;
                runs.push(EventId::new(chain, Seq(last)), T::read(input)?)?;
            }
        }
        Ok(runs)
    }
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Jitter, Lane, ReplicaId};

    use super::*;

    fn id(seq: u64) -> EventId {
        EventId::new(Chain::new(ReplicaId::new(1, 7), Lane::Transactions), Seq(seq))
    }

    fn runs(truth: &BTreeMap<u64, u64>) -> Runs<u64> {
        let mut runs = Runs::default();
        for (&seq, &value) in truth {
            runs.push(id(seq), value).unwrap();
        }
        runs
    }

    /// Every operation beside a plain map, on positions that are dense, sparse and at the very end.
    #[test]
    fn chunks_behave_as_a_map() {
        let chain = id(1).chain;
        for seed in 0..60 {
            let mut jitter = Jitter::derive(seed, &[5]);
            let (start, step) = [(1, 2), (60, 3), (1, 500), (u64::MAX - 400, 3)][seed as usize % 4];
            let mut truth = BTreeMap::new();
            let mut seq = start;
            for value in 0..100 {
                truth.insert(seq, value);
                seq = seq.saturating_add(jitter.range(1, step));
            }
            let mut ours = runs(&truth);
            assert!(ours.push(id(start), 0).is_err());
            let bound = |jitter: &mut Jitter| jitter.range(start.saturating_sub(2), seq);
            for _ in 0..20 {
                let at = bound(&mut jitter);
                assert_eq!(ours.get(id(at)), truth.get(&at));
                assert_eq!(ours.remove(id(at)), truth.remove(&at));
            }
            let (after, last) = (bound(&mut jitter), bound(&mut jitter));
            let other: BTreeMap<u64, u64> =
                truth.iter().filter(|_| jitter.range(0, 3) > 0).map(|(seq, value)| (*seq, *value)).collect();
            let mut dropped = Vec::new();
            ours.keep_common(chain, (Seq(after), Seq(last)), &runs(&other), |id, value| {
                dropped.push((id.seq.0, value));
            });
            let gone = |seq: &u64| *seq > after && *seq <= last && !other.contains_key(seq);
            let expected: Vec<_> = truth.iter().filter(|(seq, _)| gone(seq)).map(|(s, v)| (*s, *v)).collect();
            assert_eq!(dropped, expected, "seed {seed}");
            truth.retain(|seq, _| !gone(seq));
            assert_eq!(ours, runs(&truth), "seed {seed}");
            let listed: Vec<_> = ours.after(chain, Seq(after)).map(|(seq, value)| (seq.0, *value)).collect();
            let expected: Vec<_> = truth.iter().filter(|(s, _)| **s > after).map(|(s, v)| (*s, *v)).collect();
            assert_eq!(listed, expected, "seed {seed}");
            let beyond = ours.split_after(chain, Seq(last));
            assert_eq!(
                beyond,
                runs(&truth.iter().filter(|(s, _)| **s > last).map(|(s, v)| (*s, *v)).collect())
            );
            ours.extend(chain, Seq(last), &beyond);
            assert_eq!(ours, runs(&truth), "seed {seed}");
            let json = serde_json::to_string(&ours).unwrap();
            assert_eq!(serde_json::from_str::<Runs<u64>>(&json).unwrap(), ours);
        }
    }
}
