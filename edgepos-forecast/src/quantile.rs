//! Quantiles of counts. Only additions, multiplications, divisions and square roots, which IEEE 754 defines to the bit: every
//! processor gives the same.

/// From this mean on the distribution is taken as normal: its skew is below what a level can tell.
const LARGE: f64 = 10_000.0;
/// What is smaller than this beside the mode is left out.
const NOTHING: f64 = 1e-18;
/// The normal distribution at these probabilities, in per mille.
const NORMAL: [(u32, f64); 15] = [
    (500, 0.0),
    (550, 0.125_661),
    (600, 0.253_347),
    (650, 0.385_320),
    (700, 0.524_401),
    (750, 0.674_490),
    (800, 0.841_621),
    (850, 1.036_433),
    (900, 1.281_552),
    (925, 1.439_531),
    (950, 1.644_854),
    (970, 1.880_794),
    (980, 2.053_749),
    (990, 2.326_348),
    (999, 3.090_232),
];

/// The smallest count that is not exceeded with a probability of at least `per_mille`, of a negative binomial distribution with this
/// mean and variance; of a Poisson distribution where the variance is not above the mean.
pub(crate) fn count(mean: f64, variance: f64, per_mille: u32) -> u64 {
    if mean <= 0.0 {
        return 0;
    }
    if mean > LARGE {
        return whole((mean + normal(per_mille) * variance.max(mean).sqrt()).max(0.0));
    }
    let law = Law::new(mean, variance);
    let (bottom, weight) = law.bottom();
    let mut total = 0.0;
    let mut each = law.upwards(bottom, weight);
    while let Some((_, weight)) = each.next(&law) {
        total += weight;
    }
    let wanted = total * f64::from(per_mille) / 1_000.0;
    let (mut sum, mut last) = (0.0, bottom);
    let mut each = law.upwards(bottom, weight);
    while let Some((count, weight)) = each.next(&law) {
        (sum, last) = (sum + weight, count);
        if sum >= wanted {
            break;
        }
    }
    last
}

/// How a count's probability follows from the one before it: by the factor `(size + count - 1) / count * odds`. Poisson where the size
/// is endless.
struct Law {
    mean: f64,
    /// Size and odds; `None`: Poisson.
    wide: Option<(f64, f64)>,
    mode: u64,
}

impl Law {
    fn new(mean: f64, variance: f64) -> Self {
        let wide = (variance > mean * 1.000_001).then(|| {
            let size = mean * mean / (variance - mean);
            (size, mean / (size + mean))
        });
        let mode = match wide {
            None => whole(mean),
            Some((size, odds)) if size > 1.0 => whole((size - 1.0) * odds / (1.0 - odds)),
            Some(_) => 0,
        };
        Self { mean, wide, mode }
    }

    /// The probability of `count` beside that of `count - 1`.
    fn ratio(&self, count: u64) -> f64 {
        let at = real(count);
        match self.wide {
            None => self.mean / at,
            Some((size, odds)) => (size + at - 1.0) / at * odds,
        }
    }

    /// The smallest count that matters, and its weight beside the mode's.
    fn bottom(&self) -> (u64, f64) {
        let (mut count, mut weight) = (self.mode, 1.0);
        while count > 0 && weight > NOTHING {
            weight /= self.ratio(count);
            count -= 1;
        }
        (count, weight)
    }

    fn upwards(&self, bottom: u64, weight: f64) -> Upwards {
        Upwards { next: bottom, weight, mode: self.mode }
    }
}

/// Counts with their weights, from the bottom until nothing is left.
struct Upwards {
    next: u64,
    weight: f64,
    mode: u64,
}

impl Upwards {
    fn next(&mut self, law: &Law) -> Option<(u64, f64)> {
        let (count, weight) = (self.next, self.weight);
        if count > self.mode && weight < NOTHING {
            return None;
        }
        self.next += 1;
        self.weight *= law.ratio(self.next);
        Some((count, weight))
    }
}

/// The normal quantile, by straight lines between those of the table.
fn normal(per_mille: u32) -> f64 {
    let after = NORMAL.iter().position(|(at, _)| *at >= per_mille).unwrap_or(NORMAL.len() - 1).max(1);
    let ((from, low), (to, high)) = (NORMAL[after - 1], NORMAL[after]);
    low + (high - low) * f64::from(per_mille.saturating_sub(from)) / f64::from(to - from)
}

#[expect(clippy::cast_precision_loss, reason = "counts here are far below 2^53")]
fn real(count: u64) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "never negative; what is larger is the largest"
)]
pub(crate) fn whole(value: f64) -> u64 {
    value as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Probabilities by the textbook's formula, with logarithms.
    fn reference(mean: f64, variance: f64, per_mille: u32) -> u64 {
        let wanted = f64::from(per_mille) / 1_000.0;
        let (size, odds) = {
            let size = if variance > mean { mean * mean / (variance - mean) } else { 1e12 };
            (size, mean / (size + mean))
        };
        let mut log = size * (-odds).ln_1p();
        let (mut sum, mut count) = (log.exp(), 0u64);
        while sum < wanted {
            count += 1;
            log += ((size + real(count) - 1.0) / real(count) * odds).ln();
            sum += log.exp();
        }
        count
    }

    #[test]
    fn they_are_those_of_the_textbook() {
        for mean in [0.01, 0.3, 1.0, 2.5, 7.0, 40.0, 333.3, 5_000.0] {
            for width in [0.5, 1.0, 1.3, 2.0, 8.0, 60.0] {
                for per_mille in [500, 750, 900, 950, 990, 999] {
                    let (found, right) = (
                        count(mean, mean * width, per_mille),
                        reference(mean, mean * width.max(1.0), per_mille),
                    );
                    assert!(
                        found.abs_diff(right) <= 1,
                        "mean {mean}, × {width}, {per_mille}: {found}, {right}"
                    );
                }
            }
        }
    }

    #[test]
    fn large_means_join_without_a_step() {
        let (below, above) = (count(9_999.0, 40_000.0, 950), count(10_001.0, 40_000.0, 950));
        assert!(above.abs_diff(below) < 15, "{below}, {above}");
        assert_eq!(count(f64::from(1 << 30), f64::from(1 << 30), 500), 1 << 30);
    }

    #[test]
    fn nothing_is_expected_of_nothing() {
        assert_eq!(count(0.0, 0.0, 999), 0);
        assert_eq!(count(1e-9, 1e-9, 999), 0);
    }
}
