//! Seeded pseudo-random numbers, so that a run replays from its seed.

use core::time::Duration;

/// A SplitMix64 generator (Steele, Lea and Flood, 2014): 64 bits of state, good enough to spread timers, useless as a secret.
#[derive(Clone, Debug)]
pub struct Jitter {
    state: u64,
}

impl Jitter {
    /// The same seed gives the same sequence, on every platform.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A generator that depends on each of `parts` and their order: a pure function of, say, (seed, replica, term, attempt).
    pub fn derive(seed: u64, parts: &[u64]) -> Self {
        let mut mixed = Self::new(seed);
        for part in parts {
            let folded = mixed.next_u64() ^ part;
            mixed = Self::new(folded);
        }
        mixed
    }

    /// 64 uniform bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in `low..high`; `low` when the range is empty. The bias of the multiplication is below 2⁻⁶⁴ × the range.
    pub fn range(&mut self, low: u64, high: u64) -> u64 {
        match high.checked_sub(low) {
            None | Some(0) => low,
            Some(span) => low + ((u128::from(self.next_u64()) * u128::from(span)) >> 64) as u64,
        }
    }

    /// A wait between half of `base` and all of it, so that terminals that failed together do not retry together.
    pub fn spread(&mut self, base: Duration) -> Duration {
        let ms = u64::try_from(base.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.range(ms / 2, ms.saturating_add(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers_hold_on_every_platform() {
        let mut jitter = Jitter::new(0);
        assert_eq!(jitter.next_u64(), 0xE220_A839_7B1D_CDAF);
        assert_eq!(jitter.next_u64(), 0x6E78_9E6A_A1B9_65F4);
    }

    #[test]
    fn derive_depends_on_the_order_of_its_parts() {
        assert_ne!(Jitter::derive(1, &[2, 3]).next_u64(), Jitter::derive(1, &[3, 2]).next_u64());
    }

    #[test]
    fn range_stays_inside_and_reaches_both_ends() {
        let mut jitter = Jitter::new(7);
        let mut seen = [false; 3];
        for _ in 0..200 {
            seen[(jitter.range(10, 13) - 10) as usize] = true;
        }
        assert_eq!(seen, [true; 3]);
        assert_eq!(jitter.range(5, 5), 5);
        assert_eq!(jitter.range(6, 5), 6);
    }
}
