//! What days ahead will sell, and up to what to order.

use thiserror::Error;

use crate::demand::Demand;
use crate::quantile;
use crate::week::Factor;

/// The probability, in per mille, with which the goods shall last: 500 to 999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ServiceLevel(u32);

/// A service level is out of its bounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("a service level is 500 to 999 per mille, not {0}")]
pub struct ServiceLevelError(u32);

impl ServiceLevel {
    /// 950 lasts in nineteen weeks of twenty.
    ///
    /// # Errors
    /// Below 500 or above 999 per mille: the goods never last for certain.
    pub fn new(per_mille: u32) -> Result<Self, ServiceLevelError> {
        if (500..=999).contains(&per_mille) { Ok(Self(per_mille)) } else { Err(ServiceLevelError(per_mille)) }
    }

    /// In per mille.
    pub fn per_mille(self) -> u32 {
        self.0
    }
}

/// How many units some days will sell: a distribution, not a number.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Forecast {
    /// What is sold on average.
    pub mean: f64,
    /// How far it strays: the variance. At most the mean: Poisson.
    pub variance: f64,
}

impl Forecast {
    /// The count that is as often exceeded as not.
    pub fn expected(&self) -> u64 {
        quantile::count(self.mean, self.variance, 500)
    }

    /// The smallest count that lasts with this probability.
    pub fn order_up_to(&self, level: ServiceLevel) -> u64 {
        quantile::count(self.mean, self.variance, level.0)
    }

    /// What to order where so much is there and so much is on its way already: never an order by itself, and 0 where there is enough.
    /// Stock below zero is owed and counts.
    pub fn suggestion(&self, level: ServiceLevel, on_hand: i64, on_order: u64) -> u64 {
        let wanted = i128::from(self.order_up_to(level)) - i128::from(on_hand) - i128::from(on_order);
        u64::try_from(wanted.max(0)).unwrap_or(u64::MAX)
    }
}

/// Whoever forecasts. A vendor's regressor takes [`Smoothing`]'s place by it: a demand's [`level`](Demand::level),
/// [`dispersion`](Demand::dispersion) and [`days`](Demand::days) and the factor of the days ahead are its features.
///
/// A forecast is shown and moves no number of the store, so that terminals with different forecasters still agree on everything.
pub trait Forecaster {
    /// What the days sell whose factors add up to `days`.
    fn forecast(&self, demand: &Demand, days: Factor) -> Forecast;
}

/// The level times the days ahead, as wide as past weeks were.
#[derive(Clone, Copy, Debug, Default)]
pub struct Smoothing;

impl Forecaster for Smoothing {
    fn forecast(&self, demand: &Demand, days: Factor) -> Forecast {
        let mean = demand.level() * days.to_f64();
        // A week's total is known to be so wide. What makes it wider than Poisson is a level that strays, which fewer days feel less.
        let share = (days.to_f64() / 7.0).min(1.0);
        let dispersion = 1.0 + (demand.dispersion() - 1.0).max(0.0) * share;
        Forecast { mean, variance: mean * dispersion }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggestion_counts_what_is_there_and_what_is_owed() {
        let forecast = Forecast { mean: 10.0, variance: 10.0 };
        let level = ServiceLevel::new(950).expect("in bounds");
        assert_eq!(forecast.order_up_to(level), 15);
        assert_eq!(forecast.suggestion(level, 4, 5), 6);
        assert_eq!(forecast.suggestion(level, -4, 0), 19);
        assert_eq!(forecast.suggestion(level, 40, 0), 0);
        assert_eq!(
            forecast.suggestion(level, i64::MIN, 0),
            u64::try_from(15 - i128::from(i64::MIN)).expect("fits")
        );
    }

    #[test]
    fn a_level_has_bounds() {
        assert!(ServiceLevel::new(499).is_err());
        assert_eq!(ServiceLevel::new(1_000), Err(ServiceLevelError(1_000)));
        assert_eq!(ServiceLevel::new(999).map(ServiceLevel::per_mille), Ok(999));
    }
}
