//! Where a store stands, and the moment that its clocks cross in the run: midnight, or a change of clocks.

/// How long before the moment the run begins, in ms: half of the time in which things go wrong.
const LEAD_MS: u64 = 30_000;

/// A place and a moment, as its own almanac has them: nothing here asks the terminals' rules.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment {
    /// The zone, by its IANA name.
    pub zone: &'static str,
    /// The moment, ms since 1970 UTC.
    pub at_ms: u64,
    /// The offset from UTC before it, in minutes.
    pub before_min: i16,
    /// The offset from it on.
    pub from_min: i16,
}

/// An hour that is left out, one that comes twice, the midnights of a leap day and of a year, the morning after a law, and a plain day.
const MOMENTS: [Moment; 6] = [
    Moment { zone: "UTC", at_ms: 1_790_000_030_000, before_min: 0, from_min: 0 },
    Moment { zone: "Europe/Berlin", at_ms: 1_774_746_000_000, before_min: 60, from_min: 120 },
    Moment { zone: "Europe/Berlin", at_ms: 1_792_890_000_000, before_min: 120, from_min: 60 },
    Moment { zone: "Asia/Kolkata", at_ms: 1_835_375_400_000, before_min: 330, from_min: 330 },
    Moment { zone: "Asia/Kathmandu", at_ms: 1_798_740_900_000, before_min: 345, from_min: 345 },
    Moment { zone: "America/Vancouver", at_ms: 1_796_112_000_000, before_min: -420, from_min: -420 },
];

impl Default for Moment {
    fn default() -> Self {
        MOMENTS[0]
    }
}

impl Moment {
    /// That of a seed.
    pub(crate) fn of_seed(seed: u64) -> Self {
        MOMENTS[(seed % MOMENTS.len() as u64) as usize]
    }

    /// What right clocks show when the run begins, ms since 1970 UTC.
    pub(crate) fn epoch_ms(&self) -> u64 {
        self.at_ms - LEAD_MS
    }

    /// The offset at a time, in minutes. Clocks are set by less than the months for which it holds.
    pub(crate) fn offset_min(&self, utc_ms: u64) -> i16 {
        if utc_ms < self.at_ms { self.before_min } else { self.from_min }
    }

    /// Times at which prices are compared: before the moment, at it, and after campaigns that began with it.
    pub(crate) fn probes(&self) -> [u64; 5] {
        let at = self.at_ms;
        [at - LEAD_MS, at - 1, at, at + LEAD_MS, at + 3_600_000]
    }
}
