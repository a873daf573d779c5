//! What one product or category sells, in a few integers.

use crate::week::{Factor, ONE, PLACES};

/// Most units that one day counts; more is taken as this much.
pub const MAX_SOLD: u64 = 1 << 31;
/// The share that a new day has of the level, as a fraction: 0.02, an average over some fifty days. The first days have more.
/// Chosen on weeks 28 to 43 of the grocery year and examined on weeks 45 to 52.
const RATE: i64 = 1_311;
/// The share that a new week has of the dispersion: 0.06.
const WEEK_RATE: i64 = 3_932;
/// The dispersion before anything is known of it: a week's variance is twice its mean.
const PRIOR_DISPERSION: i64 = 2 * ONE;
/// Weeks that the prior counts for.
const PRIOR_WEEKS: u32 = 4;
/// Days before the dispersion is learned: the level is not one yet.
const SETTLED: u32 = 21;
/// Largest dispersion that is kept: 2^20.
const MAX_DISPERSION: i64 = ONE << 20;
/// Smallest week that a dispersion is measured against: half a unit.
const MIN_WEEK: i64 = ONE / 2;

/// Bytes of a stored demand.
pub const ROW_BYTES: usize = 8 + 8 + 4 + 4 + 4 + 8 + 8;

/// One day of one product or category.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Day {
    /// Units that were sold, less what came back; at least 0.
    pub sold: u64,
    /// Whether there were goods to sell all day. A day without says how much was there, not how much was wanted.
    pub in_stock: bool,
}

/// A day on which nothing was sold and everything was there.
impl Default for Day {
    fn default() -> Self {
        Self { sold: 0, in_stock: true }
    }
}

/// What one product or category sells: its level a day, and how far a week's total strays from it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Demand {
    /// Units on an average day, as a fraction.
    level: i64,
    /// Variance of a week's total divided by its mean, as a fraction.
    dispersion: i64,
    /// Days that made the level.
    days: u32,
    /// Weeks that made the dispersion, the prior's among them.
    weeks: u32,
    /// The week under way: its days, its sales and what was expected of it, as a fraction.
    week_days: u32,
    week_sold: u64,
    week_expected: i64,
}

impl Default for Demand {
    fn default() -> Self {
        Self {
            level: 0,
            dispersion: PRIOR_DISPERSION,
            days: 0,
            weeks: PRIOR_WEEKS,
            week_days: 0,
            week_sold: 0,
            week_expected: 0,
        }
    }
}

impl Demand {
    /// Nothing was sold yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next day. `factor` is what that weekday sells beside an average one, before or after the day was added to the profile,
    /// as long as it is always the same.
    ///
    /// A day without goods raises the level where more was sold than expected, and says nothing otherwise; its week teaches nothing about
    /// the dispersion.
    pub fn observe(&mut self, day: &Day, factor: Factor) {
        let sold = day.sold.min(MAX_SOLD);
        let expected = scale(self.level, factor.0);
        let error = (i64::try_from(sold).unwrap_or(i64::MAX >> PLACES) << PLACES) - expected;
        if !day.in_stock && error <= 0 {
            (self.week_days, self.week_sold, self.week_expected) = (0, 0, 0);
            return;
        }
        self.week_days += 1;
        self.week_sold = self.week_sold.saturating_add(sold);
        self.week_expected = self.week_expected.saturating_add(expected);
        let rate = RATE.max(ONE / (i64::from(self.days) + 2));
        self.level = (self.level + scale(error, rate)).max(0);
        self.days = self.days.saturating_add(1);
        if !day.in_stock {
            (self.week_days, self.week_sold, self.week_expected) = (0, 0, 0);
        } else if self.week_days == 7 {
            self.end_week();
        }
    }

    /// Compares the week with what was expected at its days.
    fn end_week(&mut self) {
        if self.days >= SETTLED {
            let sold = i128::from(self.week_sold) << PLACES;
            let error = sold - i128::from(self.week_expected);
            let ratio = (error * error) / i128::from(self.week_expected.max(MIN_WEEK));
            let ratio = i64::try_from(ratio.min(i128::from(MAX_DISPERSION))).unwrap_or(MAX_DISPERSION);
            self.weeks = self.weeks.saturating_add(1);
            let rate = WEEK_RATE.max(ONE / i64::from(self.weeks));
            self.dispersion += scale(ratio - self.dispersion, rate);
        }
        (self.week_days, self.week_sold, self.week_expected) = (0, 0, 0);
    }

    /// Units on an average day.
    #[expect(clippy::cast_precision_loss, reason = "at most 2^47, and a float has 53 bits")]
    pub fn level(&self) -> f64 {
        self.level as f64 / ONE as f64
    }

    /// Variance of a week's total divided by its mean; 1 is Poisson.
    #[expect(clippy::cast_precision_loss, reason = "at most 2^36, and a float has 53 bits")]
    pub fn dispersion(&self) -> f64 {
        self.dispersion as f64 / ONE as f64
    }

    /// Days that it knows. Fewer than some twenty make a poor forecast.
    pub fn days(&self) -> u32 {
        self.days
    }

    /// The bytes of a row, the same on every terminal. Big endian: level (8), dispersion (8), days (4), weeks (4), days (4), sales (8)
    /// and expectation (8) of the week under way; fractions have 16 binary places.
    pub fn to_row(&self) -> [u8; ROW_BYTES] {
        let mut row = [0; ROW_BYTES];
        row[..8].copy_from_slice(&self.level.to_be_bytes());
        row[8..16].copy_from_slice(&self.dispersion.to_be_bytes());
        row[16..20].copy_from_slice(&self.days.to_be_bytes());
        row[20..24].copy_from_slice(&self.weeks.to_be_bytes());
        row[24..28].copy_from_slice(&self.week_days.to_be_bytes());
        row[28..36].copy_from_slice(&self.week_sold.to_be_bytes());
        row[36..].copy_from_slice(&self.week_expected.to_be_bytes());
        row
    }

    /// Reads what [`to_row`](Self::to_row) wrote. `None`: these are no such bytes, or a number is out of its bounds.
    pub fn from_row(row: &[u8]) -> Option<Self> {
        let row: &[u8; ROW_BYTES] = row.try_into().ok()?;
        let long = |at: usize| row[at..].first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
        let short = |at: usize| row[at..].first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
        let fraction = |at: usize, most: i64| {
            long(at).and_then(|value| i64::try_from(value).ok()).filter(|value| *value <= most)
        };
        let most = i64::try_from(MAX_SOLD).ok()? << PLACES;
        let demand = Self {
            level: fraction(0, most)?,
            dispersion: fraction(8, MAX_DISPERSION)?,
            days: short(16)?,
            weeks: short(20)?,
            week_days: short(24)?,
            week_sold: long(28)?,
            week_expected: fraction(36, 49 * most)?,
        };
        let whole = demand.weeks >= PRIOR_WEEKS && demand.week_days < 7 && demand.week_sold <= 7 * MAX_SOLD;
        whole.then_some(demand)
    }
}

/// The product of two fractions, rounded down.
pub(crate) fn scale(value: i64, by: i64) -> i64 {
    let product = (i128::from(value) * i128::from(by)) >> PLACES;
    i64::try_from(product).unwrap_or(if product < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sold(sold: u64) -> Day {
        Day { sold, ..Day::default() }
    }

    #[test]
    fn a_steady_seller_has_its_level_and_no_dispersion() {
        let mut demand = Demand::new();
        for _ in 0..364 {
            demand.observe(&sold(6), Factor::ONE);
        }
        assert!((demand.level() - 6.0).abs() < 0.01, "{}", demand.level());
        assert!(demand.dispersion() < 0.2, "{}", demand.dispersion());
    }

    #[test]
    fn days_without_goods_do_not_lower_the_level() {
        let mut demand = Demand::new();
        for _ in 0..70 {
            demand.observe(&sold(6), Factor::ONE);
        }
        let before = demand.clone();
        for _ in 0..30 {
            demand.observe(&Day { sold: 0, in_stock: false }, Factor::ONE);
        }
        assert_eq!((demand.level(), demand.dispersion()), (before.level(), before.dispersion()));
        demand.observe(&Day { sold: 40, in_stock: false }, Factor::ONE);
        assert!(demand.level() > before.level(), "forty were wanted, if not more");
    }

    #[test]
    fn a_closed_day_is_no_loss() {
        let mut demand = Demand::new();
        let open = Factor(ONE * 7 / 6);
        for day in 0..364 {
            let (units, factor) = if day % 7 == 6 { (0, Factor(0)) } else { (7, open) };
            demand.observe(&sold(units), factor);
        }
        assert!((demand.level() - 6.0).abs() < 0.01, "42 a week: {}", demand.level());
    }

    #[test]
    fn extremes_do_not_overflow_and_rows_read_back() {
        let mut demand = Demand::new();
        for day in 0..500u64 {
            demand.observe(&sold(if day % 3 == 0 { u64::MAX } else { 0 }), Factor(7 * ONE));
            assert_eq!(Demand::from_row(&demand.to_row()).as_ref(), Some(&demand), "day {day}");
        }
        assert!(demand.level() <= 2f64.powi(31));
    }

    #[test]
    fn bytes_that_are_none_are_refused() {
        assert_eq!(Demand::from_row(&[]), None);
        assert_eq!(Demand::from_row(&[0; ROW_BYTES]), None, "fewer weeks than the prior has");
        assert_eq!(Demand::from_row(&[0xff; ROW_BYTES]), None);
    }

    #[test]
    fn a_row_has_these_bytes() {
        let mut demand = Demand::new();
        for day in 0..40 {
            demand.observe(&sold(day % 5), Factor(ONE + 1_000));
        }
        let hex: String = demand.to_row().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "000000000001ed610000000000015403000000280000000700000005000000000000000a0000000000098064"
        );
    }
}
