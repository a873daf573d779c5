//! The products that the page shows: the busiest of the week with what they are expected to sell, and a few with a code of their own.

use std::collections::{BTreeMap, BTreeSet};

use edgepos_forecast::{Day, Demand, Forecaster, ServiceLevel, Smoothing, WeekProfile};
use serde::Serialize;

use crate::api::{RecordEvent, StockPart};
use crate::demo::plan::{CURRENCY, own_code};
use crate::replay::{Basket, ProductNames};

/// How many of the busiest products are shown.
const BUSIEST: usize = 8;
/// Quantities above this are weights and litres.
const MOST_PIECES: i64 = 20;
/// How many days ahead the forecast looks.
const AHEAD: u32 = 3;
/// The order lasts with this probability, in thousandths.
const SERVICE: u32 = 950;
/// What the shelf has of each product with a code of its own.
const RECEIVED: i64 = 500;
/// What the model that ships can see, and what it is sold as.
const SEEN: (&str, &str) = ("espresso", "4012345678901");
/// Products that a person rings up by their GTIN: code, name, price in cents.
const BY_CODE: [(&str, &str, i64); 3] = [
    ("4006381333931", "Milk, 1 l", 129),
    ("4012345678901", "Espresso, a cup", 220),
    ("5012345678900", "Bread, 750 g", 349),
];

/// A product and what it sells.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(in crate::demo) struct Product {
    pub(super) code: String,
    pub(super) name: String,
    /// Pieces sold in the week that is replayed.
    sold: u64,
    /// What the next days are expected to sell, and up to what to order; `None` where the week says nothing.
    forecast: Option<Ahead>,
}

/// What a forecast says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
struct Ahead {
    days: u32,
    expected: u64,
    order_up_to: u64,
}

/// Products by code of their own first, then the busiest of the week.
pub(in crate::demo) fn products(baskets: &[Basket], names: &ProductNames) -> Vec<Product> {
    let days: Vec<(u32, u32)> = baskets
        .iter()
        .map(|basket| (basket.day(), u32::from(basket.at.date().weekday().number_days_from_monday())))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let mut sold: BTreeMap<&str, BTreeMap<u32, u64>> = BTreeMap::new();
    for basket in baskets {
        for line in basket.lines.iter().filter(|line| (1..=MOST_PIECES).contains(&line.quantity)) {
            *sold.entry(&line.product).or_default().entry(basket.day()).or_default() +=
                line.quantity.unsigned_abs();
        }
    }
    let mut week = WeekProfile::new();
    for (day, weekday) in &days {
        week.observe(*weekday, sold.values().filter_map(|of| of.get(day)).sum());
    }
    let mut busiest: Vec<(&str, BTreeMap<u32, u64>)> = sold.into_iter().collect();
    busiest.sort_by_key(|(code, by_day)| (std::cmp::Reverse(by_day.values().sum::<u64>()), *code));
    let own = BY_CODE.iter().map(|(code, name, _)| Product {
        code: (*code).into(),
        name: (*name).into(),
        sold: 0,
        forecast: None,
    });
    let busiest = busiest.into_iter().take(BUSIEST).map(|(code, by_day)| Product {
        code: own_code(code),
        name: names.name(code).to_owned(),
        sold: by_day.values().sum(),
        forecast: ahead(&days, &by_day, &week),
    });
    own.chain(busiest).collect()
}

fn ahead(days: &[(u32, u32)], by_day: &BTreeMap<u32, u64>, week: &WeekProfile) -> Option<Ahead> {
    let (_, last) = days.last()?;
    let mut demand = Demand::new();
    for (day, weekday) in days {
        let sold = by_day.get(day).copied().unwrap_or(0);
        demand.observe(&Day { sold, ..Day::default() }, week.factor(*weekday));
    }
    let forecast = Smoothing.forecast(&demand, week.factors((1..=AHEAD).map(|ahead| (last + ahead) % 7)));
    let level = ServiceLevel::new(SERVICE).ok()?;
    Some(Ahead { days: AHEAD, expected: forecast.expected(), order_up_to: forecast.order_up_to(level) })
}

/// What the model calls it, as the code that it is sold under.
pub(super) fn code_of(label: &str) -> Option<&'static str> {
    (label == SEEN.0).then_some(SEEN.1)
}

/// What puts the products with a code of their own on the shelf.
pub(in crate::demo) fn stocking() -> Vec<RecordEvent> {
    let lines = BY_CODE.iter().map(|(code, ..)| StockPart { product: (*code).into(), quantity: RECEIVED });
    let received = RecordEvent::StockReceived { from: "warehouse".into(), lines: lines.collect() };
    let named =
        BY_CODE.iter().flat_map(|(code, name, price)| [product(code, name), self::price(code, *price)]);
    named.chain([received]).collect()
}

/// A product's master data.
pub(super) fn product(code: &str, name: &str) -> RecordEvent {
    RecordEvent::ProductSet {
        product: code.into(),
        name: name.into(),
        base_unit: "piece".into(),
        scale: 0,
        tax_code: None,
        counted: Some(true),
        floor: Some(0),
        valid_from: None,
        valid_to: None,
        version: None,
    }
}

/// Its price, in cents.
pub(super) fn price(code: &str, amount: i64) -> RecordEvent {
    RecordEvent::PriceSet {
        product: code.into(),
        amount,
        currency: CURRENCY.into(),
        list: 0,
        tax_included: false,
        valid_from: None,
        valid_to: None,
        version: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::{Limits, read_baskets, read_products, shipped_products, shipped_week};

    #[test]
    fn the_busiest_have_a_forecast_and_the_seen_one_a_code() {
        let baskets = read_baskets(&shipped_week(), &Limits::default()).unwrap();
        let all = products(&baskets, &read_products(&shipped_products()));
        assert_eq!(all.len(), BY_CODE.len() + BUSIEST);
        let busiest = &all[BY_CODE.len()..];
        assert!(busiest.is_sorted_by(|a, b| a.sold >= b.sold) && busiest[0].sold > 5, "{busiest:?}");
        for product in busiest {
            let ahead = product.forecast.unwrap();
            assert!(ahead.expected <= ahead.order_up_to && ahead.order_up_to > 0, "{product:?}");
        }
        assert!(BY_CODE.iter().any(|(code, ..)| Some(*code) == code_of("espresso")));
        assert_eq!(code_of("wolf spider"), None);
        assert_eq!(stocking().len(), 2 * BY_CODE.len() + 1);
    }
}
