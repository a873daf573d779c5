//! What changed in a set since a vector.

use serde::{Deserialize, Serialize};

use super::part::SetPart;
use super::tx::{Moved, TxSet};
use crate::wire::{Reader, Wire, Writer};
use crate::{Corruption, MergeError, VersionVector, WireError};

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
        self.part.adds.len()
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
        self.part.check(&self.from, &self.to)
    }
}

impl<E: Clone> TxSet<E> {
    /// What changed beyond `acknowledged`, the vector that the peer reported as durable; the whole set where removals that the peer
    /// may lack are forgotten.
    pub fn delta_since(&self, acknowledged: &VersionVector) -> SetDelta<E> {
        let from =
            if self.serves(acknowledged) { acknowledged.meet(self.vector()) } else { VersionVector::new() };
        let part = self.part_since(&from);
        SetDelta { from, to: self.vector().clone(), pruned: self.pruned().clone(), part }
    }

    /// Merges what changed elsewhere; the same as joining the sender's whole set. Returns whether anything was new.
    ///
    /// # Errors
    /// [`MergeError::Gap`] when the delta starts beyond what is held, [`MergeError::Corrupt`] when it contradicts itself,
    /// [`MergeError::TooMany`] chains. The set is unchanged.
    pub fn merge(&mut self, delta: &SetDelta<E>) -> Result<bool, MergeError> {
        self.merge_watched(delta, |_| {})
    }

    pub(crate) fn merge_watched(
        &mut self,
        delta: &SetDelta<E>,
        watch: impl FnMut(Moved<'_, E>),
    ) -> Result<bool, MergeError> {
        delta.check().map_err(MergeError::Corrupt)?;
        if let Some((chain, needed)) = self.vector().first_gap(&delta.from) {
            return Err(MergeError::Gap { chain, held: self.vector().get(chain), needed });
        }
        self.vector().check_room(&delta.to)?;
        let news = !self.vector().dominates(&delta.to);
        self.join_part(&delta.part, &delta.from, &delta.to, watch);
        self.join_pruned(&delta.pruned);
        self.advance(&delta.to);
        Ok(news)
    }
}

impl<E: Wire> Wire for SetDelta<E> {
    fn write(&self, out: &mut Writer) {
        self.from.write(out);
        self.to.write(out);
        self.pruned.write(out);
        self.part.write(&self.from, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        let from = VersionVector::read(input)?;
        let to = VersionVector::read(input)?;
        let pruned = VersionVector::read(input)?;
        let part = SetPart::read(&from, input)?;
        let delta = Self { from, to, pruned, part };
        delta.check()?;
        Ok(delta)
    }
}
