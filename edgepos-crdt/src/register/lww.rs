//! The last writer wins.

use edgepos_core::RepairGen;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Hlc, Stamp};

/// A write was refused because readers would never see it: its stamp is not above the current one.
///
/// The local clock is behind the writer's, or the register was poisoned by a far-future clock and needs a committed repair.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error, Serialize, Deserialize)]
#[error("the write would lose against {} by {}", .current.hlc, .current.chain)]
pub struct WouldLose {
    /// The stamp that wins.
    pub current: Stamp,
}

/// One value; of two writes the one with the higher [`Stamp`] stays. For a price, a product's text, a setting.
///
/// A merge looks at stamps alone and never at the local clock, so all replicas agree. Should one stamp ever carry two values (a
/// cloned disk), the larger value stays, on every replica.
///
/// ```
/// use edgepos_core::{Chain, Lane, RepairGen, ReplicaId};
/// use edgepos_crdt::{Hlc, LwwRegister, Stamp};
///
/// let chain = Chain::new(ReplicaId::new(1, 42), Lane::Prices);
/// let at = |ms| Stamp::new(RepairGen(0), Hlc::from_parts(ms, 0), chain);
/// let mut price = LwwRegister::new(at(1_000), 199_i64);
/// price.set(at(2_000), 189)?;
/// assert!(price.set(at(1_500), 179).is_err());
/// assert_eq!(*price.value(), 189);
/// # Ok::<(), edgepos_crdt::WouldLose>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct LwwRegister<V> {
    stamp: Stamp,
    value: V,
}

impl<V> LwwRegister<V> {
    /// The first write.
    pub const fn new(stamp: Stamp, value: V) -> Self {
        Self { stamp, value }
    }

    /// Writes the value.
    ///
    /// # Errors
    /// [`WouldLose`] when `stamp` is not above the current one; nothing is written.
    pub fn set(&mut self, stamp: Stamp, value: V) -> Result<(), WouldLose> {
        if stamp <= self.stamp {
            return Err(WouldLose { current: self.stamp });
        }
        *self = Self { stamp, value };
        Ok(())
    }

    /// The value that was set last.
    pub const fn value(&self) -> &V {
        &self.value
    }

    /// When and by whom it was written.
    pub const fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// The generation that a committed repair of this register takes: one above the present; `None` after 2³² repairs.
    ///
    /// The stamp of the repair is this generation with the decider's time and chain; a price that a clock of the year 2036 wrote
    /// loses against it at once, everywhere.
    pub fn next_repair(&self) -> Option<RepairGen> {
        self.stamp.repair.0.checked_add(1).map(RepairGen)
    }

    /// Whether the current write's time is further ahead than `limit`: it would win until then and wants a repair.
    pub fn is_ahead_of(&self, limit: Hlc) -> bool {
        self.stamp.hlc > limit
    }
}

impl<V: Ord + Clone> LwwRegister<V> {
    /// Keeps the later of both writes. Returns whether the value changed.
    pub fn merge(&mut self, other: &Self) -> bool {
        let wins = (other.stamp, &other.value) > (self.stamp, &self.value);
        if wins {
            self.clone_from(other);
        }
        wins
    }
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Chain, Lane, ReplicaId};

    use super::*;

    fn stamp(repair: u32, ms: u64, terminal: u16) -> Stamp {
        let chain = Chain::new(ReplicaId::new(terminal, 1), Lane::Prices);
        Stamp::new(RepairGen(repair), Hlc::from_parts(ms, 0), chain)
    }

    #[test]
    fn a_write_that_would_lose_is_told_so() {
        let mut price = LwwRegister::new(stamp(0, 1_000, 2), 5);
        assert_eq!(price.set(stamp(0, 1_000, 2), 6), Err(WouldLose { current: stamp(0, 1_000, 2) }));
        assert_eq!(price.set(stamp(0, 1_000, 1), 6), Err(WouldLose { current: stamp(0, 1_000, 2) }));
        assert_eq!(price.set(stamp(0, 1_000, 3), 6), Ok(()));
        assert_eq!(*price.value(), 6);
    }

    #[test]
    fn a_repair_beats_the_far_future() {
        let poisoned = LwwRegister::new(stamp(0, u64::MAX, 9), 1);
        assert!(poisoned.is_ahead_of(Hlc::from_parts(2_000_000_000_000, 0)));
        let mut repaired = poisoned.clone();
        let repair = poisoned.next_repair().unwrap();
        repaired.set(stamp(repair.0, 1_000, 1), 199).unwrap();
        let mut late = poisoned;
        assert!(late.merge(&repaired) && !repaired.merge(&late));
        assert_eq!(*late.value(), 199);
    }

    #[test]
    fn one_stamp_with_two_values_converges() {
        let (mut a, mut b) = (LwwRegister::new(stamp(0, 7, 1), 100), LwwRegister::new(stamp(0, 7, 1), 200));
        a.merge(&b.clone());
        b.merge(&a.clone());
        assert_eq!((a.value(), b.value()), (&200, &200));
    }
}
