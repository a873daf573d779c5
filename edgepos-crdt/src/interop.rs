//! The traits of the crate `crdts` on this crate's plain values, and conversions both ways.
//!
//! A [`PnCounter`] or [`GCounter`] is a value of `crdts::Map` and converges there under operations with removals, where
//! `crdts::PNCounter` does not: its reset compares amounts with the map's clock of events. Ours keeps the event with each share.

use alloc::vec::Vec;
use core::convert::Infallible;
use core::hash::Hash;

use crdts::{CmRDT, CvRDT, Dot, ResetRemove, VClock};
use edgepos_core::{Chain, EventId, Seq};
use serde::{Deserialize, Serialize};

use crate::{
    ApplyError, GCounter, GRow, GTable, LwwMap, LwwRegister, MergeError, MvRegister, OrSet, PnCounter, PnRow,
    PnTable, TxSet, VersionVector,
};

impl From<&VersionVector> for VClock<Chain> {
    fn from(vector: &VersionVector) -> Self {
        vector.iter().map(|(chain, seq)| Dot::new(chain, seq.0)).collect()
    }
}

impl From<&VClock<Chain>> for VersionVector {
    fn from(clock: &VClock<Chain>) -> Self {
        clock.iter().map(|dot| (*dot.actor, Seq(dot.counter))).collect()
    }
}

/// One share as an operation: cumulative, so applying it twice or late does no harm.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ShareOp<R> {
    /// The chain whose share it is.
    pub chain: Chain,
    /// The whole share after the event.
    pub row: R,
}

macro_rules! counter {
    ($name:ident, $row:ident) => {
        /// Of two shares of a chain the later one stays, also where its totals are smaller, which the counter's own `merge` refuses:
        /// its writer saw a [`reset_remove`](ResetRemove::reset_remove) and began anew.
        impl CvRDT for $name {
            type Validation = MergeError;

            fn validate_merge(&self, other: &Self) -> Result<(), MergeError> {
                $name::merge_after_resets(&mut self.clone(), other).map(drop)
            }

            /// What [`validate_merge`](CvRDT::validate_merge) refuses changes nothing.
            fn merge(&mut self, other: Self) {
                let _ = $name::merge_after_resets(self, &other);
            }
        }

        impl CmRDT for $name {
            type Op = ShareOp<$row>;
            type Validation = MergeError;

            fn validate_op(&self, op: &Self::Op) -> Result<(), MergeError> {
                let one = $name::from_rows([(op.chain, op.row)]).map_err(MergeError::Corrupt)?;
                $name::merge_after_resets(&mut self.clone(), &one).map(drop)
            }

            /// What [`validate_op`](CmRDT::validate_op) refuses changes nothing.
            fn apply(&mut self, op: Self::Op) {
                if let Ok(one) = $name::from_rows([(op.chain, op.row)]) {
                    let _ = $name::merge_after_resets(self, &one);
                }
            }
        }

        impl ResetRemove<Chain> for $name {
            fn reset_remove(&mut self, clock: &VClock<Chain>) {
                self.forget(|chain, seq| seq.0 <= clock.get(&chain));
            }
        }
    };
}

counter!(PnCounter, PnRow);
counter!(GCounter, GRow);

/// The dot of a `crdts` context as the event that it stands for.
pub fn event_of(dot: &Dot<Chain>) -> EventId {
    EventId::new(dot.actor, Seq(dot.counter))
}

impl PnCounter {
    /// The operation that adds an amount under the dot of a `crdts` context.
    ///
    /// # Errors
    /// As [`apply`](PnCounter::apply).
    pub fn op(&self, dot: &Dot<Chain>, amount: i64) -> Result<ShareOp<PnRow>, ApplyError> {
        let row = PnCounter::apply(&mut self.clone(), event_of(dot), amount)?;
        Ok(ShareOp { chain: dot.actor, row })
    }
}

impl GCounter {
    /// The operation that adds an amount under the dot of a `crdts` context.
    ///
    /// # Errors
    /// As [`apply`](GCounter::apply).
    pub fn op(&self, dot: &Dot<Chain>, amount: u64) -> Result<ShareOp<GRow>, ApplyError> {
        let row = GCounter::apply(&mut self.clone(), event_of(dot), amount)?;
        Ok(ShareOp { chain: dot.actor, row })
    }
}

/// Amounts alone: `crdts` has no events, so they are lost.
impl From<&PnCounter> for crdts::PNCounter<Chain> {
    fn from(counter: &PnCounter) -> Self {
        let mut theirs = Self::new();
        for (chain, row) in counter.rows() {
            theirs.apply(theirs.inc_many(chain, row.plus));
            theirs.apply(theirs.dec_many(chain, row.minus));
        }
        theirs
    }
}

/// Amounts alone: `crdts` has no events, so they are lost.
impl From<&GCounter> for crdts::GCounter<Chain> {
    fn from(counter: &GCounter) -> Self {
        let mut theirs = Self::new();
        for (chain, row) in counter.rows() {
            theirs.apply(theirs.inc_many(chain, row.total));
        }
        theirs
    }
}

impl PnCounter {
    /// Takes over a `crdts` counter share by share. Its events are unknown, so the shares count as last touched by what `known` covers;
    /// actors that are not in `known` are left out.
    pub fn from_crdts(counter: &crdts::PNCounter<Chain>, known: &VersionVector) -> Self {
        let rows = known.iter().map(|(chain, stamp)| {
            // An operation of no steps names the present amount.
            let plus = counter.inc_many(chain, 0).dot.counter;
            let minus = counter.dec_many(chain, 0).dot.counter;
            (chain, PnRow { stamp, plus, minus })
        });
        Self::from_rows(rows.filter(|(_, row)| row.plus != 0 || row.minus != 0)).unwrap_or_default()
    }
}

impl GCounter {
    /// Takes over a `crdts` counter share by share, as [`PnCounter::from_crdts`].
    pub fn from_crdts(counter: &crdts::GCounter<Chain>, known: &VersionVector) -> Self {
        let rows = known.iter().map(|(chain, stamp)| {
            let total = counter.inc_many(chain, 0).counter;
            (chain, GRow { stamp, total })
        });
        Self::from_rows(rows.filter(|(_, row)| row.total != 0)).unwrap_or_default()
    }
}

impl<V: Ord + Clone> CvRDT for LwwRegister<V> {
    type Validation = Infallible;

    fn validate_merge(&self, _: &Self) -> Result<(), Infallible> {
        Ok(())
    }

    fn merge(&mut self, other: Self) {
        LwwRegister::merge(self, &other);
    }
}

/// The operation is the register that was written.
impl<V: Ord + Clone> CmRDT for LwwRegister<V> {
    type Op = Self;
    type Validation = Infallible;

    fn validate_op(&self, _: &Self) -> Result<(), Infallible> {
        Ok(())
    }

    fn apply(&mut self, op: Self) {
        LwwRegister::merge(self, &op);
    }
}

impl<V: Clone> From<&LwwRegister<V>> for crdts::LWWReg<V, crate::Stamp> {
    fn from(register: &LwwRegister<V>) -> Self {
        Self { val: register.value().clone(), marker: register.stamp() }
    }
}

impl<V> From<crdts::LWWReg<V, crate::Stamp>> for LwwRegister<V> {
    fn from(register: crdts::LWWReg<V, crate::Stamp>) -> Self {
        Self::new(register.marker, register.val)
    }
}

macro_rules! table {
    ($($name:ident),+) => {$(
        /// Whole tables.
        impl CvRDT for $name {
            type Validation = MergeError;

            /// On a clone, which shares its pages and costs little.
            fn validate_merge(&self, other: &Self) -> Result<(), MergeError> {
                self.clone().join(other).map(drop)
            }

            /// What [`validate_merge`](CvRDT::validate_merge) refuses changes nothing.
            fn merge(&mut self, other: Self) {
                let _ = self.join(&other);
            }
        }
    )+};
}

table!(PnTable, GTable);

impl<K: Ord + Clone, V: Ord + Clone> CvRDT for LwwMap<K, V> {
    type Validation = MergeError;

    fn validate_merge(&self, other: &Self) -> Result<(), MergeError> {
        self.vector().check_room(other.vector())
    }

    /// What [`validate_merge`](CvRDT::validate_merge) refuses changes nothing.
    fn merge(&mut self, other: Self) {
        let _ = self.join(&other);
    }
}

macro_rules! set {
    ($name:ident, $($bound:ident)+) => {
        impl<E: $($bound +)+> CvRDT for $name<E> {
            type Validation = MergeError;

            fn validate_merge(&self, other: &Self) -> Result<(), MergeError> {
                self.vector().check_room(other.vector())
            }

            /// What [`validate_merge`](CvRDT::validate_merge) refuses changes nothing.
            fn merge(&mut self, other: Self) {
                let _ = self.join(&other);
            }
        }

        /// The operation is a delta. One that starts behind a gap is refused and changes nothing.
        impl<E: $($bound +)+> CmRDT for $name<E> {
            type Op = crate::SetDelta<E>;
            type Validation = MergeError;

            fn validate_op(&self, op: &Self::Op) -> Result<(), MergeError> {
                $name::merge(&mut self.clone(), op).map(drop)
            }

            fn apply(&mut self, op: Self::Op) {
                let _ = $name::merge(self, &op);
            }
        }
    };
}

set!(TxSet, Clone);
set!(OrSet, Ord Clone);
set!(MvRegister, Clone);

/// The adds that are there, each under its own dot, with the vector as clock.
impl<E: Ord + Clone + Hash> From<&OrSet<E>> for crdts::Orswot<E, Chain> {
    fn from(set: &OrSet<E>) -> Self {
        let mut theirs = Self::new();
        for (id, member) in set.adds() {
            let dot = Dot::new(id.chain, id.seq.0);
            theirs.apply(crdts::orswot::Op::Add { dot, members: Vec::from([member.clone()]) });
        }
        // What is covered and not there was removed: an add of nothing raises the clock alone.
        for (chain, seq) in set.vector().iter() {
            theirs.apply(crdts::orswot::Op::Add { dot: Dot::new(chain, seq.0), members: Vec::new() });
        }
        theirs
    }
}

/// The members with their dots, and the clock as vector. Of the dots that `crdts` keeps for one member, one for each actor is known.
impl<E: Ord + Clone + Hash> TryFrom<&crdts::Orswot<E, Chain>> for OrSet<E> {
    type Error = ApplyError;

    /// Refuses a dot with several members (`add_all`), which this crate does not have.
    fn try_from(set: &crdts::Orswot<E, Chain>) -> Result<Self, ApplyError> {
        let dots = |entry: crdts::ctx::ReadCtx<&E, Chain>| {
            let member = entry.val.clone();
            entry.rm_clock.into_iter().map(move |dot| (event_of(&dot), member.clone())).collect::<Vec<_>>()
        };
        let mut adds: Vec<(EventId, E)> = set.iter().flat_map(dots).collect();
        adds.sort_unstable();
        let mut ours = TxSet::new();
        for (dot, member) in adds {
            ours.add(dot, member)?;
        }
        ours.advance(&VersionVector::from(&set.read_ctx().add_clock));
        Ok(ours.into())
    }
}
