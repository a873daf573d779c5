//! The forecast: what a product will sell, and up to what to order.

use std::ffi::c_char;

use edgepos_forecast::{Day, Demand, Forecaster as _, ServiceLevel, Smoothing, WeekProfile};
use serde::{Deserialize, Serialize};

use crate::argument::{Input, Output};
use crate::guard::guard;
use crate::hexadecimal::{bytes_of, hexadecimal};
use crate::status::Failure;
use crate::text::TextHandle;

/// The order lasts with this probability, in per mille, where nothing is said.
const SERVICE_LEVEL: u32 = 950;
/// Days that a forecast may look ahead.
const MAX_AHEAD: usize = 366;
/// The last weekday. A till that counts them from 1 is told so, and not given the forecast of other days.
const LAST_WEEKDAY: u32 = 6;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    demand: Option<String>,
    week: Option<String>,
    #[serde(default)]
    days: Vec<AskedDay>,
    #[serde(default)]
    ahead: Vec<u32>,
    service_level: Option<u32>,
    #[serde(default)]
    on_hand: i64,
    #[serde(default)]
    on_order: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedDay {
    weekday: u32,
    sold: u64,
    in_stock: Option<bool>,
    shop: Option<u64>,
}

#[derive(Serialize)]
struct Told {
    demand: String,
    week: String,
    days: u32,
    level: f64,
    dispersion: f64,
    mean: f64,
    variance: f64,
    expected: u64,
    order_up_to: u64,
    suggestion: u64,
}

impl Asked {
    fn answer(self) -> Result<Told, Failure> {
        let row = |name: &str, text: Option<String>| {
            let wrong = || Failure::bad_request(format!("{name}: expected hexadecimal digits, two a byte"));
            text.map(|text| bytes_of(&text).ok_or_else(wrong)).transpose()
        };
        let none = |name: &str| Failure::bad_request(format!("{name}: no such row"));
        let mut demand = match row("demand", self.demand)? {
            Some(bytes) => Demand::from_row(&bytes).ok_or_else(|| none("demand"))?,
            None => Demand::new(),
        };
        let mut week = match row("week", self.week)? {
            Some(bytes) => WeekProfile::from_row(&bytes).ok_or_else(|| none("week"))?,
            None => WeekProfile::new(),
        };
        if self.ahead.len() > MAX_AHEAD {
            return Err(Failure::bad_request(format!("ahead: more than {MAX_AHEAD} days")));
        }
        let mut weekdays = self.days.iter().map(|day| day.weekday).chain(self.ahead.iter().copied());
        if let Some(other) = weekdays.find(|weekday| *weekday > LAST_WEEKDAY) {
            return Err(Failure::bad_request(format!("weekday: {other} is none of 0 to {LAST_WEEKDAY}")));
        }
        let level = ServiceLevel::new(self.service_level.unwrap_or(SERVICE_LEVEL));
        let level = level.map_err(Failure::bad_request)?;
        for AskedDay { weekday, sold, in_stock, shop } in self.days {
            if let Some(shop) = shop {
                week.observe(weekday, shop);
            }
            demand.observe(&Day { sold, in_stock: in_stock.unwrap_or(true) }, week.factor(weekday));
        }
        let forecast = Smoothing.forecast(&demand, week.factors(self.ahead));
        Ok(Told {
            demand: hexadecimal(&demand.to_row()),
            week: hexadecimal(&week.to_row()),
            days: demand.days(),
            level: demand.level(),
            dispersion: demand.dispersion(),
            mean: forecast.mean,
            variance: forecast.variance,
            expected: forecast.expected(),
            order_up_to: forecast.order_up_to(level),
            suggestion: forecast.suggestion(level, self.on_hand, self.on_order),
        })
    }
}

/// What a product will sell, and up to what to order. It keeps nothing: what is known of a product and of the shop's week is handed in and
/// out.
///
/// `request` is JSON: `demand` and `week`, as the last answer had them, or absent at first; `days` since then, each with `weekday` (0 to 6),
/// `sold`, `in_stock` (false where goods were out), and `shop`, what the whole shop sold, where the week shall learn of it; `ahead`, the
/// weekdays that come; and `service_level` (500 to 999 per mille, 950 where absent), `on_hand` and `on_order`. On success `*out` is JSON
/// with `demand` and `week` to be kept, `days`, `level` and `dispersion` that are known, and of the days ahead `mean`, `variance`, `expected`,
/// `order_up_to` and `suggestion`.
///
/// Threads: any, at any time.
///
/// # Safety
/// `request` points to `request_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_forecast(
    request: *const c_char,
    request_length: usize,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (request, out) = unsafe { (Input::new("request", request, request_length), Output::new("out", out)) };
    guard(None, || {
        out.check()?;
        out.json(&request.json::<Asked>()?.answer()?)
    })
}
