//! Examines the forecast on a year of one grocery store: `grocery transactions.csv products.csv`.
//!
//! The last eight weeks are held out. At each of their days the next seven are forecast from what was sold before, for the 77 products
//! that were sold on the most days and for the categories with at least 365 lines, beside the seasonal naive forecast (the last seven
//! days). Pinball loss at 0.9 and WAPE, both over what was sold. Coupons and fuel, whose quantities are no pieces, are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;

use edgepos_forecast::{Day, Demand, Forecaster, ServiceLevel, Smoothing, WeekProfile};

/// Days of the year that the examination uses: 52 weeks.
const DAYS: usize = 364;
/// Days that are held out.
const HELD_OUT: usize = 56;
/// A quantity above this is no number of pieces.
const PIECES: u64 = 200;

type Series = BTreeMap<String, Vec<u64>>;

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let [transactions, products] = paths.as_slice() else {
        return Err("two files: transactions.csv products.csv".into());
    };
    let (transactions, products) = (fs::read_to_string(transactions)?, fs::read_to_string(products)?);
    let categories: BTreeMap<String, String> =
        rows(&products)?.map(|row| (row["product_id"].clone(), row["product_category"].clone())).collect();
    let (mut goods, mut lines) = (Series::new(), BTreeMap::<String, u64>::new());
    for row in rows(&transactions)? {
        let (day, units) = (day_of_year(&row["timestamp"])?, row["quantity"].parse::<u64>()?);
        let product = &row["product_id"];
        goods.entry(product.clone()).or_insert_with(|| vec![0; 366])[day] += units;
        if let Some(category) = categories.get(product) {
            *lines.entry(category.clone()).or_default() += 1;
        }
    }
    goods.retain(|_, days| days.iter().all(|units| *units <= PIECES));
    let mut groups = Series::new();
    for (product, days) in &goods {
        if let Some(category) = categories.get(product).filter(|category| lines[*category] >= 365) {
            let group = groups.entry(category.clone()).or_insert_with(|| vec![0; 366]);
            group.iter_mut().zip(days).for_each(|(sum, units)| *sum += units);
        }
    }
    let mut order: Vec<_> = goods.iter().collect();
    order.sort_by_key(|(_, days)| std::cmp::Reverse(days.iter().filter(|units| **units > 0).count()));
    let busiest: BTreeSet<&String> = order.iter().take(77).map(|(product, _)| *product).collect();
    let busy: Series = goods
        .iter()
        .filter(|(product, _)| busiest.contains(product))
        .map(|(p, d)| (p.clone(), d.clone()))
        .collect();
    let mut week = Vec::new();
    let mut profile = WeekProfile::new();
    for day in 0..DAYS {
        week.push(profile.clone());
        profile.observe(u32::try_from(day)?, goods.values().map(|days| days[day]).sum());
    }
    println!("| | series | pinball 0.9 | WAPE | naive: pinball 0.9 | WAPE |");
    println!("|---|---|---|---|---|---|");
    for (name, series) in [("products", &busy), ("categories", &groups)] {
        let score = examine(series, &week)?;
        let [pinball, wape, naive, naive_wape] = score.map(|score| format!("{score:.3}"));
        println!("| {name} | {} | {pinball} | {wape} | {naive} | {naive_wape} |", series.len());
    }
    Ok(())
}

/// Pinball loss and WAPE of the forecast, and of the naive one.
#[expect(clippy::cast_precision_loss, reason = "figures to be shown")]
fn examine(series: &Series, week: &[WeekProfile]) -> Result<[f64; 4], Box<dyn Error>> {
    let level = ServiceLevel::new(900)?;
    let (mut losses, mut sold) = ([0.0; 4], 0.0);
    for days in series.values() {
        let mut demand = Demand::new();
        for day in 0..=DAYS - 7 {
            let weekday = u32::try_from(day)?;
            if day >= DAYS - HELD_OUT {
                let ahead: u64 = days[day..day + 7].iter().sum();
                let before: u64 = days[day - 7..day].iter().sum();
                let forecast = Smoothing.forecast(&demand, week[day].factors(weekday..weekday + 7));
                sold += ahead as f64;
                losses[0] += pinball(ahead, forecast.order_up_to(level));
                losses[1] += ahead.abs_diff(forecast.expected()) as f64;
                losses[2] += pinball(ahead, before);
                losses[3] += ahead.abs_diff(before) as f64;
            }
            demand.observe(&Day { sold: days[day], in_stock: true }, week[day].factor(weekday));
        }
    }
    Ok(losses.map(|loss| loss / sold))
}

#[expect(clippy::cast_precision_loss, reason = "figures to be shown")]
fn pinball(sold: u64, forecast: u64) -> f64 {
    let short = sold as f64 - forecast as f64;
    (0.9 * short).max(-0.1 * short)
}

/// The rows of a CSV file by the names of its head.
fn rows(text: &str) -> Result<impl Iterator<Item = BTreeMap<&str, String>>, Box<dyn Error>> {
    let mut lines = text.lines();
    let head: Vec<&str> = lines.next().ok_or("an empty file")?.split(',').collect();
    Ok(lines.map(move |line| head.iter().copied().zip(fields(line)).collect()))
}

fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    for character in line.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            _ => fields.last_mut().expect("there is always one").push(character),
        }
    }
    fields
}

fn day_of_year(timestamp: &str) -> Result<usize, Box<dyn Error>> {
    const BEFORE: [usize; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let year: usize = timestamp.get(..4).ok_or("no year")?.parse()?;
    let month: usize = timestamp.get(5..7).ok_or("no month")?.parse()?;
    let day: usize = timestamp.get(8..10).ok_or("no day")?.parse()?;
    let before = BEFORE.get(month.wrapping_sub(1)).ok_or("no such month")?;
    // The file has one moment of the next year.
    Ok(if year > 2017 { 365 } else { before + day - 1 })
}
