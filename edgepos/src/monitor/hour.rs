//! Counts of the last hour, in bounded memory.

use std::time::Duration;

use edgepos_core::Time;

/// Slots of an hour.
const SLOTS: usize = 60;
/// How long one is.
const SLOT: Duration = Duration::from_secs(60);

/// `N` counts, each over the last hour to a minute.
#[derive(Debug)]
pub(super) struct Hour<const N: usize> {
    slots: [[u64; N]; SLOTS],
    /// The slot under way, counted since the clock's zero.
    current: u64,
}

impl<const N: usize> Default for Hour<N> {
    fn default() -> Self {
        Self { slots: [[0; N]; SLOTS], current: 0 }
    }
}

impl<const N: usize> Hour<N> {
    /// Adds to one of the counts.
    pub(super) fn add(&mut self, now: Time, index: usize) {
        self.turn_to(now);
        let slot = self.current as usize % SLOTS;
        self.slots[slot][index] += 1;
    }

    /// The counts of the last hour.
    pub(super) fn sums(&mut self, now: Time) -> [u64; N] {
        self.turn_to(now);
        let mut sums = [0; N];
        for slot in &self.slots {
            for (sum, count) in sums.iter_mut().zip(slot) {
                *sum += count;
            }
        }
        sums
    }

    /// Empties the slots that have passed.
    fn turn_to(&mut self, now: Time) {
        let slot = now.0 / u64::try_from(SLOT.as_millis()).expect("a minute in ms fits");
        let passed = slot.saturating_sub(self.current).min(SLOTS as u64);
        self.current = self.current.max(slot);
        for back in 0..passed {
            let index = (self.current - back) as usize % SLOTS;
            self.slots[index] = [0; N];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_counted_and_forgotten() {
        let mut hour = Hour::<2>::default();
        let at = |minute: u64| Time(minute * 60_000);
        hour.add(at(5), 0);
        hour.add(at(5), 0);
        hour.add(at(40), 1);
        assert_eq!(hour.sums(at(64)), [2, 1]);
        assert_eq!(hour.sums(at(65)), [0, 1]);
        assert_eq!(hour.sums(at(99)), [0, 1]);
        assert_eq!(hour.sums(at(10_000)), [0, 0]);
        hour.add(at(10_000), 1);
        assert_eq!(hour.sums(at(10_001)), [0, 1]);
    }
}
