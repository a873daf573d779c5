//! When what waits is sent: events are batched, at peak into larger batches less often.

use edgepos_core::Time;

use crate::config::Config;
use crate::log::writes::Settled;

/// What has become durable since the last flush, and when the next one is.
#[derive(Debug, Default)]
pub(crate) struct Flush {
    at: Option<Time>,
    /// Payload bytes that became durable since the last one.
    fresh_bytes: u64,
    rate: Rate,
}

impl Flush {
    /// Whether so much waits that it goes at once.
    pub(crate) fn settled(&mut self, now: Time, settled: &Settled, config: &Config) -> bool {
        self.fresh_bytes = self.fresh_bytes.saturating_add(settled.bytes);
        self.rate.note(now, settled.events - settled.foreign, config);
        let full = self.fresh_bytes >= u64::from(config.batch_bytes);
        if !full && settled.events > 0 && self.at.is_none() {
            let interval = if self.is_peak() { config.peak_flush_interval } else { config.flush_interval };
            self.at = Some(now + interval);
        }
        full
    }

    pub(crate) fn is_due(&self, now: Time) -> bool {
        self.at.is_some_and(|at| at <= now)
    }

    /// Nothing waits any more.
    pub(crate) fn done(&mut self) {
        self.at = None;
        self.fresh_bytes = 0;
    }

    pub(crate) fn is_peak(&self) -> bool {
        self.rate.peak
    }

    pub(crate) fn poll_timeout(&self) -> Option<Time> {
        self.at
    }
}

/// Slots of the window, and their width. A minute in all.
const SLOTS: usize = 6;
const SLOT_MS: u64 = 10_000;

/// Events of this terminal that became durable within the last minute, and whether that is peak. Those of others do not count: fourteen
/// quiet tills would make the fifteenth wait.
#[derive(Debug, Default)]
struct Rate {
    slots: [u64; SLOTS],
    slot: u64,
    peak: bool,
}

impl Rate {
    fn note(&mut self, now: Time, events: u64, config: &Config) {
        self.advance(now);
        self.slots[(self.slot % SLOTS as u64) as usize] += events;
        let per_minute: u64 = self.slots.iter().sum();
        // Between the two bounds it stays as it is, so that a store at the edge does not flap.
        let bound = if self.peak { config.peak_below } else { config.peak_above };
        self.peak = per_minute > u64::from(bound);
    }

    fn advance(&mut self, now: Time) {
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
