//! Demand prediction for a till: small, honest, and the same on every terminal.
//!
//! A product or a category is one [`Demand`]: seven integers that are moved once a day by what was sold. A shop has one
//! [`WeekProfile`]: how its days of the week differ. Both are moved in integers alone, so terminals that see the same days hold the
//! same numbers to the bit, on every processor. From them a [`Forecast`] says what a number of days will sell, and
//! [`Forecast::order_up_to`] up to what to order so that the goods last with a given probability.
//!
//! The level is smoothed exponentially (R. G. Brown, *Smoothing, Forecasting and Prediction*, 1963), the week's shape is a ratio to the
//! average day, and the total of the days ahead is negative binomial, Poisson where the past was no wider (J. D. Croston 1972 and those
//! who followed on slow movers say why a normal distribution is wrong there). It suggests and never orders.
//!
//! A vendor with a better model implements [`Forecaster`]; [`Smoothing`] is the one that ships.
//!
//! ```
//! use edgepos_forecast::{Day, Demand, Forecaster, ServiceLevel, Smoothing, WeekProfile};
//!
//! let (mut milk, mut week) = (Demand::new(), WeekProfile::new());
//! for day in 0..70u32 {
//!     let weekday = day % 7;
//!     let sold = if weekday == 5 { 12 } else { 4 };
//!     week.observe(weekday, sold);
//!     milk.observe(&Day { sold, ..Day::default() }, week.factor(weekday));
//! }
//! let three_days = Smoothing.forecast(&milk, week.factors([0, 1, 2]));
//! assert!((10..=16).contains(&three_days.expected()), "{}", three_days.expected());
//! assert!(three_days.order_up_to(ServiceLevel::new(950)?) >= three_days.expected());
//! # Ok::<(), edgepos_forecast::ServiceLevelError>(())
//! ```

#![forbid(unsafe_code)]

mod demand;
mod forecast;
mod quantile;
mod week;

pub use demand::{Day, Demand, MAX_SOLD, ROW_BYTES};
pub use forecast::{Forecast, Forecaster, ServiceLevel, ServiceLevelError, Smoothing};
pub use week::{Factor, WEEK_ROW_BYTES, WeekProfile};
