//! How busy the store is: at peak, larger batches less often.

use std::time::Duration;

use edgepos_core::Time;

use crate::Config;

/// Slots of the window, and their width. A minute in all.
const SLOTS: usize = 6;
const SLOT_MS: u64 = 10_000;

/// Events that became durable within the last minute, of whatever terminal, and whether that is peak.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    slots: [u64; SLOTS],
    slot: u64,
    peak: bool,
}

impl Pace {
    pub(crate) fn note(&mut self, now: Time, events: u64, config: &Config) {
        self.turn(now);
        self.slots[(self.slot % SLOTS as u64) as usize] += events;
        let per_minute: u64 = self.slots.iter().sum();
        // Between the two bounds it stays as it is, so that a store at the edge does not flap.
        let bound = if self.peak { config.peak_below } else { config.peak_above };
        self.peak = per_minute > u64::from(bound);
    }

    /// How long an event may wait for company.
    pub(crate) fn interval(&self, config: &Config) -> Duration {
        if self.peak { config.peak_flush_interval } else { config.flush_interval }
    }

    pub(crate) fn is_peak(&self) -> bool {
        self.peak
    }

    fn turn(&mut self, now: Time) {
        let slot = now.0 / SLOT_MS;
        for passed in (self.slot + 1..=slot).take(SLOTS) {
            self.slots[(passed % SLOTS as u64) as usize] = 0;
        }
        if slot - self.slot.min(slot) >= SLOTS as u64 {
            self.slots = [0; SLOTS];
        }
        self.slot = slot.max(self.slot);
    }
}
