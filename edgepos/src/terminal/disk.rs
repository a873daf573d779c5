//! How the disk is, as the driver says, and what may still be promised on it.

use super::condition::Finding;
use super::refusal::Refusal;
use crate::ports::StoreFailure;

/// How the store is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Disk {
    /// Bytes of writes that may be promised in all, as [`Store::set_aside`](crate::Store::set_aside) said; 0 while the disk is full.
    pub room: u64,
    /// Bytes that are free on it and in the store's files, as [`Store::free_bytes`](crate::Store::free_bytes) said, in whole MiB; `None` where the store cannot
    /// tell.
    pub free: Option<u64>,
    /// Why the latest writes are being repeated, while they are.
    pub waits: Option<StoreFailure>,
}

/// Free bytes beside what is promised from which on it does not matter that they are not set aside yet: they are before others have taken
/// so many.
const AMPLE: u64 = 64 << 20;

impl Default for Disk {
    /// Room for everything as far as anybody knows, and nothing waits.
    fn default() -> Self {
        Self { room: u64::MAX, free: None, waits: None }
    }
}

/// Bytes that a store writes at most for an event of `bytes` bytes that moves `rows` rows: a page for each row and for what goes
/// with an event, and the event twice, as in a write-ahead log.
pub(crate) fn writes(bytes: usize, rows: usize) -> u64 {
    const PAGE: u64 = 4 << 10;
    const BESIDE: u64 = 16;
    2 * bytes as u64 + (rows as u64 + BESIDE) * PAGE
}

impl Disk {
    /// Whether nothing more may be promised.
    pub(super) fn is_full(&self) -> bool {
        self.room == 0 || self.waits == Some(StoreFailure::Full)
    }

    /// Refuses to promise more than there is room for. What was set aside is behind where many baskets begin at once, which on a disk with
    /// much room says nothing of it.
    pub(crate) fn check(&self, promised: u64, further: u64) -> Result<(), Refusal> {
        let promised = promised.saturating_add(further);
        let is_ample = self.free.is_some_and(|free| free >= promised.saturating_add(AMPLE));
        if self.is_full() || (promised > self.room && !is_ample) {
            return Err(Refusal::DiskFull);
        }
        Ok(())
    }

    /// What to tell of a full disk.
    pub(super) fn full(&self) -> Option<Finding> {
        let about = "baskets that were begun are booked from space that was set aside";
        self.is_full().then(|| Finding { count: 1, about: about.into() })
    }

    /// Whether the disk is nearly full: it begins with fewer free bytes than `below`, and where `is_low` says that it has, it ends with
    /// a quarter more than that. `None` where the store cannot tell: nothing is claimed then.
    pub(super) fn low(&self, below: u64, is_low: bool) -> Option<Option<Finding>> {
        let ends_at = below.saturating_add(below / 4);
        let bound = if is_low { ends_at } else { below };
        let tell = |free: u64| {
            let about =
                format!("{} MiB are free; it is over from {} MiB on", free >> 20, ends_at.div_ceil(1 << 20));
            (free < bound).then_some(Finding { count: 1, about })
        };
        self.free.map(tell)
    }

    /// What to tell of a store that another program holds.
    pub(super) fn busy(&self) -> Option<Finding> {
        let about = "writes wait in their order, and reads are answered";
        (self.waits == Some(StoreFailure::Busy)).then(|| Finding { count: 1, about: about.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_a_held_store_are_told() {
        let full = Disk { room: 0, ..Disk::default() };
        let busy = Disk { waits: Some(StoreFailure::Busy), ..Disk::default() };
        assert!(full.full().is_some() && full.busy().is_none());
        assert!(busy.full().is_none() && busy.busy().is_some());
        assert!(Disk { waits: Some(StoreFailure::Full), ..Disk::default() }.full().is_some());
        assert_eq!((Disk::default().full(), Disk::default().busy()), (None, None));
    }

    #[test]
    fn many_baskets_at_once_are_no_full_disk() {
        let behind = |free| Disk { room: 1_000, free, waits: None };
        let much = Some(AMPLE + 5_000);
        assert_eq!(behind(much).check(900, 4_100), Ok(()), "not set aside yet");
        assert_eq!(behind(much).check(900, 4_101), Err(Refusal::DiskFull));
        assert_eq!(behind(None).check(900, 100), Ok(()));
        for free in [None, Some(0), Some(AMPLE)] {
            assert_eq!(behind(free).check(900, 101), Err(Refusal::DiskFull), "{free:?}");
        }
        let full = Disk { room: 0, ..behind(much) };
        assert_eq!(full.check(0, 1), Err(Refusal::DiskFull));
    }

    #[test]
    fn a_disk_is_low_below_its_threshold_and_until_a_quarter_above_it() {
        const MIB: u64 = 1 << 20;
        let low = |free: u64, is_low| {
            let disk = Disk { free: Some(free * MIB), ..Disk::default() };
            disk.low(100 * MIB, is_low).expect("it can tell").is_some()
        };
        assert!(!low(100, false) && low(99, false), "it begins below the threshold");
        assert!(low(100, true) && low(124, true) && !low(125, true), "it ends a quarter above");
        assert_eq!(Disk::default().low(100 * MIB, false), None, "who cannot tell claims nothing");
        assert_eq!(Disk { free: Some(0), ..Disk::default() }.low(0, false), Some(None), "0: never");
    }

    #[test]
    fn no_more_is_promised_than_there_is_room_for() {
        let disk = Disk { room: 100, ..Disk::default() };
        assert_eq!(disk.check(60, 40), Ok(()));
        assert_eq!(disk.check(60, 41), Err(Refusal::DiskFull));
        assert_eq!(disk.check(u64::MAX, 1), Err(Refusal::DiskFull));
        assert_eq!(Disk::default().check(u64::MAX, 1), Ok(()), "who cannot tell refuses nothing");
        assert_eq!(
            Disk { waits: Some(StoreFailure::Busy), ..disk }.check(0, 1),
            Ok(()),
            "a lock ends by itself"
        );
    }
}
