//! What changed in a set since a vector.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use edgepos_core::{Chain, EventId, Seq};
use serde::{Deserialize, Serialize};

use super::tx::TxSet;
use crate::wire::{Reader, Wire, Writer, read_list, read_map, write_list, write_map};
use crate::{Corruption, DecodeError, MergeError, VersionVector};

/// The adds and removals of an interval.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "E: Serialize", deserialize = "E: Deserialize<'de>"))]
pub(crate) struct SetPart<E> {
    /// What was added in the interval and is still there, by rising position.
    #[serde(with = "crate::pairs")]
    pub(crate) adds: BTreeMap<Chain, Vec<(Seq, E)>>,
    #[serde(with = "crate::pairs")]
    pub(crate) removals: BTreeMap<EventId, Vec<EventId>>,
}

impl<E> Default for SetPart<E> {
    fn default() -> Self {
        Self { adds: BTreeMap::new(), removals: BTreeMap::new() }
    }
}

/// What changed in a [`TxSet`] after `from`, up to `to`: what was added and is still there, and the removals of what was there
/// before.
///
/// Where the sender has forgotten removals that the receiver may lack, `from` is empty and the delta is the whole set.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "E: Serialize", deserialize = "E: Deserialize<'de>"))]
pub struct SetDelta<E> {
    from: VersionVector,
    to: VersionVector,
    pruned: VersionVector,
    part: SetPart<E>,
}

impl<E> SetDelta<E> {
    /// What the receiver must hold already.
    pub fn from(&self) -> &VersionVector {
        &self.from
    }

    /// What the receiver holds afterwards.
    pub fn to(&self) -> &VersionVector {
        &self.to
    }

    /// How many elements it carries.
    pub fn len(&self) -> usize {
        self.part.adds.values().map(Vec::len).sum()
    }

    /// Whether it carries no element. It may still remove some.
    pub fn is_empty(&self) -> bool {
        self.part.adds.is_empty()
    }

    fn check(&self) -> Result<(), Corruption> {
        for lower in [&self.from, &self.pruned] {
            if let Some((chain, _)) = self.to.first_gap(lower) {
                return Err(Corruption::OutsideInterval { chain });
            }
        }
        check_part(&self.part.adds, &self.part.removals, &self.from, &self.to)
    }
}

/// Whether adds and removals lie after `from` and up to `to`, in order.
pub(crate) fn check_part<E>(
    adds: &BTreeMap<Chain, Vec<(Seq, E)>>,
    removals: &BTreeMap<EventId, Vec<EventId>>,
    from: &VersionVector,
    to: &VersionVector,
) -> Result<(), Corruption> {
    for (&chain, run) in adds {
        let rising = run.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let (Some((first, _)), Some((last, _)), true) = (run.first(), run.last(), rising) else {
            return Err(Corruption::Order);
        };
        if *first <= from.get(chain) || *last > to.get(chain) {
            return Err(Corruption::OutsideInterval { chain });
        }
    }
    for (dot, targets) in removals {
        if !targets.windows(2).all(|pair| pair[0] < pair[1]) {
            return Err(Corruption::Order);
        }
        if from.covers(*dot) || !to.covers(*dot) {
            return Err(Corruption::OutsideInterval { chain: dot.chain });
        }
    }
    Ok(())
}

impl<E> TxSet<E> {
    /// Whether a peer at `acknowledged` can be served without the whole set.
    pub(crate) fn serves(&self, acknowledged: &VersionVector) -> bool {
        acknowledged.dominates(&self.pruned)
    }
}

impl<E: Clone> TxSet<E> {
    /// What changed beyond `acknowledged`, the vector that the peer reported as durable; the whole set where removals that the peer
    /// may lack are forgotten.
    pub fn delta_since(&self, acknowledged: &VersionVector) -> SetDelta<E> {
        let from =
            if self.serves(acknowledged) { acknowledged.meet(&self.vector) } else { VersionVector::new() };
        let part = self.part_since(&from);
        SetDelta { from, to: self.vector.clone(), pruned: self.pruned.clone(), part }
    }

    pub(crate) fn part_since(&self, from: &VersionVector) -> SetPart<E> {
        let adds = self.live.iter().filter_map(|(&chain, run)| {
            let after = from.get(chain);
            let new = &run[run.partition_point(|(seq, _)| *seq <= after)..];
            (!new.is_empty()).then(|| (chain, new.to_vec()))
        });
        let removals = self.removals.iter().filter(|(dot, _)| !from.covers(**dot));
        SetPart { adds: adds.collect(), removals: removals.map(|(dot, gone)| (*dot, gone.clone())).collect() }
    }

    /// Merges what changed elsewhere; the same as joining the sender's whole set. Returns whether anything was new.
    ///
    /// # Errors
    /// [`MergeError::Gap`] when the delta starts beyond what is held, [`MergeError::Corrupt`] when it contradicts itself. The set is
    /// unchanged.
    pub fn merge(&mut self, delta: &SetDelta<E>) -> Result<bool, MergeError> {
        delta.check().map_err(MergeError::Corrupt)?;
        if let Some((chain, needed)) = self.vector.first_gap(&delta.from) {
            return Err(MergeError::Gap { chain, held: self.vector.get(chain), needed });
        }
        let news = !self.vector.dominates(&delta.to);
        self.join_part(&delta.part, &delta.from, &delta.to);
        self.pruned.join(&delta.pruned);
        self.advance(&delta.to);
        Ok(news)
    }

    /// Takes over the interval. The vector is raised by the caller.
    pub(crate) fn join_part(&mut self, part: &SetPart<E>, from: &VersionVector, to: &VersionVector) {
        // What we hold inside the interval and the sender no longer does was added and removed before the delta was made.
        for (chain, last) in to.iter() {
            let after = from.get(chain);
            let Some(run) = self.live.get_mut(&chain) else { continue };
            if run.last().is_none_or(|(seq, _)| *seq <= after) {
                continue;
            }
            let kept = part.adds.get(&chain).map_or(&[][..], Vec::as_slice);
            let mut kept = kept.iter().map(|(seq, _)| *seq).peekable();
            run.retain(|(seq, _)| {
                if *seq <= after || *seq > last {
                    return true;
                }
                while kept.next_if(|other| other < seq).is_some() {}
                kept.peek() == Some(seq)
            });
            if run.is_empty() {
                self.live.remove(&chain);
            }
        }
        for (&chain, run) in &part.adds {
            let held = self.vector.get(chain);
            let new = &run[run.partition_point(|(seq, _)| *seq <= held)..];
            self.append(chain, new);
        }
        for (dot, targets) in &part.removals {
            if !self.vector.covers(*dot) {
                self.record_removal(*dot, targets.clone());
            }
        }
    }
}

pub(crate) fn write_part<E: Wire>(
    adds: &BTreeMap<Chain, Vec<(Seq, E)>>,
    removals: &BTreeMap<EventId, Vec<EventId>>,
    from: &VersionVector,
    out: &mut Writer,
) {
    out.number(adds.len() as u64);
    for (chain, run) in adds {
        chain.write(out);
        out.number(run.len() as u64);
        let mut last = from.get(*chain).0;
        for (seq, element) in run {
            out.number(seq.0.wrapping_sub(last));
            last = seq.0;
            element.write(out);
        }
    }
    write_map(&removals.iter().map(|(dot, gone)| (*dot, Targets(gone.clone()))).collect(), out);
}

/// Reads adds and removals; whether they lie in the interval is checked by the caller.
pub(crate) fn read_part<E: Wire>(
    from: &VersionVector,
    input: &mut Reader<'_>,
) -> Result<SetPart<E>, DecodeError> {
    let mut adds = BTreeMap::new();
    let mut before = None;
    for _ in 0..input.length(9 + 1)? {
        let chain = Chain::read(input)?;
        if before.is_some_and(|before| chain <= before) {
            return Err(Corruption::Order.into());
        }
        before = Some(chain);
        let mut run = Vec::new();
        let mut last = from.get(chain).0;
        for _ in 0..input.length(1)? {
            last = last.checked_add(input.number()?).ok_or(DecodeError::Number)?;
            run.push((Seq(last), E::read(input)?));
        }
        adds.insert(chain, run);
    }
    let removals: BTreeMap<EventId, Targets> = read_map(10, input)?;
    Ok(SetPart { adds, removals: removals.into_iter().map(|(dot, gone)| (dot, gone.0)).collect() })
}

struct Targets(Vec<EventId>);

impl Wire for Targets {
    fn write(&self, out: &mut Writer) {
        write_list(&self.0, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        read_list(10, input).map(Self)
    }
}

impl<E: Wire> Wire for SetDelta<E> {
    fn write(&self, out: &mut Writer) {
        self.from.write(out);
        self.to.write(out);
        self.pruned.write(out);
        write_part(&self.part.adds, &self.part.removals, &self.from, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let from = VersionVector::read(input)?;
        let to = VersionVector::read(input)?;
        let pruned = VersionVector::read(input)?;
        let part = read_part(&from, input)?;
        let delta = Self { from, to, pruned, part };
        delta.check()?;
        Ok(delta)
    }
}

impl<E: Wire> Wire for TxSet<E> {
    fn write(&self, out: &mut Writer) {
        self.vector.write(out);
        self.pruned.write(out);
        write_part(&self.live, &self.removals, &VersionVector::new(), out);
        write_list(&self.early.iter().copied().collect::<Vec<_>>(), out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let vector = VersionVector::read(input)?;
        let pruned = VersionVector::read(input)?;
        let SetPart { adds: live, removals } = read_part(&VersionVector::new(), input)?;
        check_part(&live, &removals, &VersionVector::new(), &vector)?;
        if let Some((chain, _)) = vector.first_gap(&pruned) {
            return Err(Corruption::OutsideInterval { chain }.into());
        }
        let early: Vec<EventId> = read_list(10, input)?;
        if !early.windows(2).all(|pair| pair[0] < pair[1]) {
            return Err(Corruption::Order.into());
        }
        let set = Self { vector, live, removals, pruned, early: early.into_iter().collect() };
        set.check_early()?;
        Ok(set)
    }
}
