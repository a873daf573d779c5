//! How the days of a week differ.

use core::iter::Sum;

/// Binary places of every fraction in this crate.
pub(crate) const PLACES: u32 = 16;
/// One, as a fraction.
pub(crate) const ONE: i64 = 1 << PLACES;
/// Most that a day counts in the profile; more is taken as this much.
const MAX_DAY: u64 = 1 << 31;
/// Units that each day has beside what it sold: a shop that sold three things on Saturdays is not closed on the others.
const PRIOR: i64 = 5 * ONE;
/// The share that a new day has of its average; the first ones have more.
const RATE: i64 = ONE / 8;

/// What a day sells beside an average one: 1 for an average day, 0 for one on which the shop is closed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Factor(pub(crate) i64);

impl Factor {
    /// An average day.
    pub const ONE: Self = Self(ONE);

    /// As a number, for who shows it.
    #[expect(
        clippy::cast_precision_loss,
        reason = "below 2^53: seven times as many as the days of a century"
    )]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / ONE as f64
    }
}

/// The factor of several days together.
impl Sum for Factor {
    fn sum<I: Iterator<Item = Self>>(factors: I) -> Self {
        Self(factors.fold(0, |sum, factor| sum.saturating_add(factor.0)))
    }
}

/// Bytes of a stored profile.
pub const WEEK_ROW_BYTES: usize = 7 * 12;

/// How the days of the week of a shop, or of one of its categories, differ from an average day.
///
/// Weekdays are numbers from 0 to 6; which of them is Monday is the caller's, as long as it stays so. Larger numbers are taken modulo 7.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct WeekProfile {
    /// Average of each weekday, as a fraction.
    average: [i64; 7],
    /// Days that made it.
    days: [u32; 7],
}

impl WeekProfile {
    /// Every day is an average one until days were seen.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a day's total: units, lines or baskets, as long as it is always the same.
    pub fn observe(&mut self, weekday: u32, total: u64) {
        let day = weekday as usize % 7;
        let value = i64::try_from(total.min(MAX_DAY)).unwrap_or(i64::MAX >> PLACES) << PLACES;
        let rate = RATE.max(ONE / (i64::from(self.days[day]) + 1));
        self.average[day] += ((value - self.average[day]) >> PLACES) * rate
            + ((((value - self.average[day]) & (ONE - 1)) * rate) >> PLACES);
        self.days[day] = self.days[day].saturating_add(1);
    }

    /// What this weekday sells beside an average one. 1 until each weekday was seen.
    pub fn factor(&self, weekday: u32) -> Factor {
        if self.days.contains(&0) {
            return Factor::ONE;
        }
        let sum: i64 = self.average.iter().map(|average| average + PRIOR).sum();
        let day = i128::from(self.average[weekday as usize % 7] + PRIOR);
        // At most 7, since a day is at most the whole week.
        Factor(i64::try_from((day * 7 * i128::from(ONE)) / i128::from(sum)).unwrap_or(7 * ONE))
    }

    /// The factor of these weekdays together: what [`Forecaster::forecast`](crate::Forecaster::forecast) takes.
    pub fn factors(&self, weekdays: impl IntoIterator<Item = u32>) -> Factor {
        weekdays.into_iter().map(|weekday| self.factor(weekday)).sum()
    }

    /// The bytes of a row, the same on every terminal: for each weekday its average (8 bytes, big endian, 16 binary places) and its
    /// days (4 bytes, big endian).
    pub fn to_row(&self) -> [u8; WEEK_ROW_BYTES] {
        let mut row = [0; WEEK_ROW_BYTES];
        for (bytes, (average, days)) in row.chunks_exact_mut(12).zip(self.average.iter().zip(self.days)) {
            bytes[..8].copy_from_slice(&average.to_be_bytes());
            bytes[8..].copy_from_slice(&days.to_be_bytes());
        }
        row
    }

    /// Reads what [`to_row`](Self::to_row) wrote. `None`: these are no such bytes.
    pub fn from_row(row: &[u8]) -> Option<Self> {
        if row.len() != WEEK_ROW_BYTES {
            return None;
        }
        let mut profile = Self::new();
        for (day, bytes) in row.chunks_exact(12).enumerate() {
            let (average, days) = bytes.split_first_chunk()?;
            profile.average[day] = i64::from_be_bytes(*average);
            profile.days[day] = u32::from_be_bytes(days.try_into().ok()?);
            if !(0..=i64::try_from(MAX_DAY).ok()? << PLACES).contains(&profile.average[day]) {
                return None;
            }
        }
        Some(profile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_has_a_sum_of_seven() {
        let mut week = WeekProfile::new();
        assert_eq!(week.factor(3), Factor::ONE);
        for day in 0..700u32 {
            week.observe(day, [0, 100, 100, 100, 100, 300, 700][day as usize % 7]);
        }
        let sum = week.factors(0..7).to_f64();
        assert!((sum - 7.0).abs() < 1e-3, "{sum}");
        assert!(
            (week.factor(6).to_f64() - 7.0 * 705.0 / 1_435.0).abs() < 1e-2,
            "{}",
            week.factor(6).to_f64()
        );
        assert!(week.factor(0).to_f64() < 0.05, "closed on that day");
    }

    #[test]
    fn extremes_neither_overflow_nor_lose_the_shape() {
        let mut week = WeekProfile::new();
        for day in 0..70 {
            week.observe(day, if day % 7 == 2 { u64::MAX } else { 0 });
        }
        assert!((week.factor(2).to_f64() - 7.0).abs() < 1e-3);
        assert_eq!(WeekProfile::from_row(&week.to_row()), Some(week));
    }

    #[test]
    fn bytes_that_are_none_are_refused() {
        assert_eq!(WeekProfile::from_row(&[0; WEEK_ROW_BYTES - 1]), None);
        assert_eq!(WeekProfile::from_row(&[0xff; WEEK_ROW_BYTES]), None, "a negative average");
    }
}
