//! One counter, with a share for each chain.

use alloc::vec::Vec;

use edgepos_core::{Chain, EventId};
use serde::{Deserialize, Serialize};

use super::shares::Shares;
use crate::table::Cell;
use crate::wire::{Reader, Wire, Writer, read_list, write_list};
use crate::{ApplyError, Corruption, GRow, MergeError, Overflow, PnRow, VersionVector, WireError};

impl<const N: usize> Wire for Cell<N> {
    fn write(&self, out: &mut Writer) {
        out.number(self.stamp);
        self.totals.iter().for_each(|total| out.number(*total));
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        let mut cell = Self { stamp: input.number()?, totals: [0; N] };
        for total in &mut cell.totals {
            *total = input.number()?;
        }
        Ok(cell)
    }
}

type PnShares = Vec<(Chain, Cell<2>)>;
type GShares = Vec<(Chain, Cell<1>)>;

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident($n:literal, $row:ident, $value:ty, $amount:ty, $shares:literal), $added:expr, $sum:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
        #[serde(into = $shares, try_from = $shares)]
        pub struct $name {
            shares: Shares<$n>,
        }

        impl $name {
            /// A counter at zero, touched by no chain.
            pub fn new() -> Self {
                Self::default()
            }

            /// Adds an amount for the event `dot`, which must be later than the last one of its chain that touched this counter.
            ///
            /// # Errors
            /// [`ApplyError::AlreadyApplied`], [`ApplyError::Overflow`] when the chain's total would exceed 64 bits,
            /// [`ApplyError::NoPosition`]. The counter is unchanged.
            pub fn apply(&mut self, dot: EventId, amount: $amount) -> Result<$row, ApplyError> {
                self.shares.apply(dot, $added(amount)).map($row::from)
            }

            /// The sum over all chains.
            ///
            /// # Errors
            /// [`Overflow`] when it does not fit.
            pub fn value(&self) -> Result<$value, Overflow> {
                $sum(self.shares.totals()).ok_or(Overflow)
            }

            /// Takes over each chain's later share. Returns whether anything was new. A delta merges the same way.
            ///
            /// # Errors
            /// [`MergeError::Corrupt`] when a chain used a position twice. The counter is unchanged.
            pub fn merge(&mut self, other: &Self) -> Result<bool, MergeError> {
                self.shares.merge(&other.shares)
            }

            /// The shares that `acknowledged` does not cover, as a counter to [`merge`](Self::merge). Shares are cumulative, so
            /// no order and no gap can spoil one.
            #[must_use]
            pub fn delta_since(&self, acknowledged: &VersionVector) -> Self {
                Self { shares: self.shares.since(acknowledged) }
            }

            /// Each chain's share, by rising chain.
            pub fn rows(&self) -> impl Iterator<Item = (Chain, $row)> + '_ {
                self.shares.iter().map(|(chain, cell)| (chain, cell.into()))
            }

            /// Puts together what [`rows`](Self::rows) gave.
            ///
            /// # Errors
            /// [`Corruption::Order`] when chains do not rise or a share has no position.
            pub fn from_rows(rows: impl IntoIterator<Item = (Chain, $row)>) -> Result<Self, Corruption> {
                let cells = rows.into_iter().map(|(chain, row)| (chain, row.into())).collect();
                Shares::checked(cells).map(|shares| Self { shares })
            }

            /// [`merge`](Self::merge) where shares may have been [forgotten](Self::forget) on either side.
            #[cfg(feature = "crdts")]
            pub(crate) fn merge_after_resets(&mut self, other: &Self) -> Result<bool, MergeError> {
                self.shares.merge_after_resets(&other.shares)
            }

            /// Forgets the shares whose last event `cleared` covers: what a reset did not see stays.
            #[cfg(feature = "crdts")]
            pub(crate) fn forget(&mut self, cleared: impl Fn(Chain, edgepos_core::Seq) -> bool) {
                self.shares = self.shares.filtered(|chain, stamp| !cleared(chain, stamp));
            }
        }

        impl From<$name> for Vec<(Chain, Cell<$n>)> {
            fn from(counter: $name) -> Self {
                counter.shares.iter().collect()
            }
        }

        impl TryFrom<Vec<(Chain, Cell<$n>)>> for $name {
            type Error = Corruption;

            fn try_from(cells: Vec<(Chain, Cell<$n>)>) -> Result<Self, Corruption> {
                Shares::checked(cells).map(|shares| Self { shares })
            }
        }

        impl Wire for $name {
            fn write(&self, out: &mut Writer) {
                write_list(&self.shares.iter().collect::<Vec<_>>(), out);
            }

            fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
                let shares = Shares::checked(read_list(9 + 1 + $n, input)?)?;
                Ok(Self { shares })
            }
        }
    };
}

counter! {
    /// One number that goes up and down: a drawer's cash, one product's stock.
    ///
    /// Chains lie in memory by fours, at 22 bytes each (34 once a number reaches 2³¹), and take 12 to 30 bytes on the wire. For more than
    /// a few numbers use a [`PnTable`](crate::PnTable).
    ///
    /// ```
    /// use edgepos_core::{Chain, EventId, Lane, ReplicaId, Seq};
    /// use edgepos_crdt::PnCounter;
    ///
    /// let till = |n| Chain::new(ReplicaId::new(n, 42), Lane::Transactions);
    /// let (mut here, mut there) = (PnCounter::new(), PnCounter::new());
    /// here.apply(EventId::new(till(1), Seq(1)), 100)?;
    /// there.apply(EventId::new(till(2), Seq(1)), -30)?;
    /// here.merge(&there).expect("two chains never disagree");
    /// assert_eq!(here.value(), Ok(70));
    /// # Ok::<(), edgepos_crdt::ApplyError>(())
    /// ```
    PnCounter(2, PnRow, i64, i64, "PnShares"),
    |amount: i64| if amount >= 0 { [amount.unsigned_abs(), 0] } else { [0, amount.unsigned_abs()] },
    |[plus, minus]: [u128; 2]| i64::try_from(plus as i128 - minus as i128).ok()
}

counter! {
    /// One number that only goes up: visits, points earned.
    ///
    /// Chains lie in memory by fours, at 18 bytes each (26 once a number reaches 2³¹), and take 11 to 20 bytes on the wire. For more than
    /// a few numbers use a [`GTable`](crate::GTable).
    GCounter(1, GRow, u64, u64, "GShares"),
    |amount: u64| [amount],
    |[total]: [u128; 1]| u64::try_from(total).ok()
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Lane, ReplicaId, Seq};

    use super::*;

    fn dot(terminal: u16, seq: u64) -> EventId {
        EventId::new(Chain::new(ReplicaId::new(terminal, 7), Lane::Transactions), Seq(seq))
    }

    #[test]
    fn merges_agree_whatever_the_order() {
        let mut a = PnCounter::new();
        a.apply(dot(1, 1), 5).unwrap();
        a.apply(dot(3, 1), -2).unwrap();
        let mut b = PnCounter::new();
        b.apply(dot(2, 4), 7).unwrap();
        let stale = a.clone();
        a.apply(dot(1, 2), 1).unwrap();
        let (mut ab, mut ba) = (a.clone(), b.clone());
        assert_eq!(ab.merge(&b), Ok(true));
        assert_eq!(ba.merge(&a), Ok(true));
        assert_eq!(ab, ba);
        assert_eq!(ab.merge(&stale), Ok(false));
        assert_eq!(ab.value(), Ok(11));
        let seen = VersionVector::from_iter([(dot(1, 1).chain, Seq(1)), (dot(3, 1).chain, Seq(1))]);
        assert_eq!(ab.delta_since(&seen).rows().count(), 2);
    }

    #[test]
    fn refusals_change_nothing() {
        let mut counter = GCounter::new();
        counter.apply(dot(1, 1), u64::MAX).unwrap();
        let before = counter.clone();
        assert_eq!(counter.apply(dot(1, 2), 1), Err(ApplyError::Overflow(Overflow)));
        assert_eq!(
            counter.apply(dot(1, 1), 1),
            Err(ApplyError::AlreadyApplied { dot: dot(1, 1), held: Seq(1) })
        );
        let mut other = GCounter::new();
        other.apply(dot(1, 1), 3).unwrap();
        let reused = MergeError::Corrupt(Corruption::DotReused { chain: dot(1, 1).chain });
        assert_eq!(counter.merge(&other), Err(reused));
        assert_eq!(counter, before);
    }
}
