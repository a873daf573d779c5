//! Who sells what when, and what goes wrong on the way: decided before the first sale, from the baskets and a seed.

use std::collections::BTreeMap;
use std::time::Duration;

use edgepos::core::Jitter;

use super::draw::draw;
use super::error::DemoError;
use edgepos::model::DocType;

use crate::api::{BeginLine, Original, RecordEvent, StockPart};
use crate::names::hex;
use crate::replay::{Basket, ProductNames};

/// The currency of the source.
pub(super) const CURRENCY: &str = "USD";
/// One basket in so many is partly returned.
const RETURN_EVERY: usize = 15;
/// Most returns of a run.
const MAX_RETURNS: usize = 200;
/// Largest quantity that a customer carries back: fuel stays in the tank.
const MAX_CARRIED: i64 = 20;
/// Left on the shelf of each product when everything is sold.
const SPARE: i64 = 100;
/// Products of one goods receipt: its event stays far below 64 KiB.
const RECEIPT_LINES: usize = 100;

/// All that is going to happen at the tills.
#[derive(Debug)]
pub(super) struct Plan {
    /// By terminal, by rising time.
    pub(super) jobs: Vec<Vec<Job>>,
    /// By terminal: products, prices and goods receipts, before the first sale.
    pub(super) stocking: Vec<Vec<RecordEvent>>,
    /// The first business day, as yyyymmdd.
    pub(super) first_day: u32,
    /// The last business day, as yyyymmdd.
    pub(super) last_day: u32,
    /// The receipt line that is going to be returned twice; `None` where no basket has a fit one.
    pub(super) twice: Option<Sale>,
    /// How many products.
    pub(super) products: usize,
    /// One of them, as the tills know it.
    pub(super) product: String,
}

/// One customer at one till.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// When, from the start of the sales.
    pub(super) at: Duration,
    /// On which business day, as yyyymmdd.
    pub(super) day: u32,
    pub(super) sale: Sale,
    /// The basket that must be sold before.
    pub(super) after: Option<String>,
    pub(super) mishap: Option<Mishap>,
}

/// A basket on its way over the counter. Its name and key are drawn once and used for every retry.
#[derive(Clone, Debug)]
pub(super) struct Sale {
    pub(super) basket: String,
    pub(super) key: String,
    /// The source's name for it.
    pub(super) source: String,
    pub(super) kind: DocType,
    pub(super) customer: String,
    pub(super) lines: Vec<BeginLine>,
    /// What coupons pay, in cents.
    pub(super) coupons: i64,
    /// Whether the customer pays in cash.
    pub(super) cash: bool,
}

/// What happens to the terminal between `commit` and its answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mishap {
    /// It is killed when its answer has been sent and before anybody read it: the sale is booked, and the till does not know.
    KilledAfterBooking,
    /// It is killed right behind the call: nobody knows whether the sale is booked.
    KilledAtOnce,
}

impl Sale {
    /// A customer brings back the line `no` of this basket.
    pub(super) fn return_of(&self, no: u16) -> Result<Option<Sale>, DemoError> {
        let Some(line) = self.lines.iter().find(|line| line.no == no) else { return Ok(None) };
        let back = BeginLine {
            no: 1,
            quantity: -line.quantity,
            amount: -line.amount,
            loyalty: 0,
            original: Some(Original { basket: self.basket.clone(), line: no }),
            ..line.clone()
        };
        Ok(Some(Sale {
            basket: hex(&draw()?),
            key: hex(&draw()?),
            source: format!("return of {} line {no}", self.source),
            kind: DocType::Return,
            customer: self.customer.clone(),
            lines: vec![back],
            coupons: 0,
            cash: self.cash,
        }))
    }

    /// One of the lines that a customer could carry back.
    pub(super) fn returnable_line(&self, jitter: &mut Jitter) -> Option<u16> {
        let fit: Vec<u16> = self
            .lines
            .iter()
            .filter(|line| (1..=MAX_CARRIED).contains(&line.quantity) && line.amount > 0)
            .map(|line| line.no)
            .collect();
        fit.get(jitter.range(0, fit.len() as u64) as usize).copied()
    }
}

impl Plan {
    /// Spreads `baskets`, which rise in time, over `terminals` tills and over `duration`.
    pub(super) fn new(
        baskets: &[Basket],
        names: &ProductNames,
        terminals: usize,
        duration: Duration,
        seed: u64,
    ) -> Result<Self, DemoError> {
        let mut jitter = Jitter::derive(seed, &[terminals as u64, baskets.len() as u64]);
        let mut all = Vec::with_capacity(baskets.len());
        for (place, basket) in baskets.iter().enumerate() {
            let at = scaled(baskets, basket, duration);
            let job = Job { at, day: basket.day(), sale: sale(basket, place)?, after: None, mishap: None };
            all.push((place % terminals, job));
        }
        // Early enough that it is sold by the time that it is to be returned twice.
        let early = baskets.len().div_ceil(3);
        let twice = (0..early).find(|&place| all[place].1.sale.returnable_line(&mut jitter).is_some());
        if let Some((_, job)) = all.get_mut(baskets.len() / 10) {
            job.mishap = Some(Mishap::KilledAfterBooking);
        }
        if baskets.len() >= 10 {
            all[baskets.len() / 5 + 2].1.mishap = Some(Mishap::KilledAtOnce);
        }
        let returns = returns(&all, twice, terminals, duration, &mut jitter)?;
        let twice = twice.map(|place| all[place].1.sale.clone());
        let mut jobs = vec![Vec::new(); terminals];
        for (terminal, job) in all.into_iter().chain(returns) {
            jobs[terminal].push(job);
        }
        // Stable: customers of one moment stay in line.
        jobs.iter_mut().for_each(|jobs| jobs.sort_by_key(|job| job.at));
        let (stocking, products) = stocking(baskets, names, terminals);
        let first_day = baskets.first().map_or(20_000_101, Basket::day);
        let last_day = baskets.iter().map(Basket::day).max().unwrap_or(first_day);
        let lines = baskets.iter().flat_map(|basket| &basket.lines);
        let product = lines.map(|line| own_code(&line.product)).min().unwrap_or_default();
        Ok(Self { jobs, stocking, first_day, last_day, twice, products, product })
    }

    /// How many customers come.
    pub(super) fn customers(&self) -> usize {
        self.jobs.iter().map(Vec::len).sum()
    }
}

/// When the basket's turn comes, if the whole file takes `duration`.
fn scaled(baskets: &[Basket], basket: &Basket, duration: Duration) -> Duration {
    let (Some(first), Some(last)) = (baskets.first(), baskets.last()) else { return Duration::ZERO };
    let span = (last.at - first.at).as_seconds_f64();
    if span <= 0.0 {
        return Duration::ZERO;
    }
    duration.mul_f64(((basket.at - first.at).as_seconds_f64() / span).clamp(0.0, 1.0))
}

fn sale(basket: &Basket, place: usize) -> Result<Sale, DemoError> {
    let lines = basket.lines.iter().zip(1u16..).map(|(line, no)| BeginLine {
        no,
        product: own_code(&line.product),
        quantity: line.quantity,
        unit_price: line.unit_price(),
        amount: line.amount,
        loyalty: line.loyalty,
        ..BeginLine::default()
    });
    Ok(Sale {
        basket: hex(&draw()?),
        key: hex(&draw()?),
        source: basket.id.clone(),
        kind: DocType::Sale,
        customer: basket.household.clone(),
        lines: lines.collect(),
        coupons: basket.coupons(),
        cash: place.is_multiple_of(3),
    })
}

/// Some customers come back, to any till, half way between their purchase and the end.
fn returns(
    all: &[(usize, Job)],
    twice: Option<usize>,
    terminals: usize,
    duration: Duration,
    jitter: &mut Jitter,
) -> Result<Vec<(usize, Job)>, DemoError> {
    let wanted = (all.len() / RETURN_EVERY).clamp(1, MAX_RETURNS);
    let last_day = all.iter().map(|(_, job)| job.day).max().unwrap_or_default();
    let mut places: Vec<usize> = (0..all.len() * 4 / 5).filter(|place| Some(*place) != twice).collect();
    let mut found = Vec::new();
    while found.len() < wanted && !places.is_empty() {
        let place = places.swap_remove(jitter.range(0, places.len() as u64) as usize);
        let bought = &all[place].1;
        let Some(line) = bought.sale.returnable_line(jitter) else { continue };
        let Some(sale) = bought.sale.return_of(line)? else { continue };
        let at = bought.at + duration.saturating_sub(bought.at) / 2;
        // The day that the till has by then; it never goes back.
        let day = all.iter().rev().find(|(_, job)| job.at <= at).map_or(last_day, |(_, job)| job.day);
        let after = Some(bought.sale.basket.clone());
        found.push((jitter.range(0, terminals as u64) as usize, Job { at, day, sale, after, mishap: None }));
    }
    Ok(found)
}

/// What each terminal records before the first sale: every product, its price, and more of it than is going to be sold.
fn stocking(baskets: &[Basket], names: &ProductNames, terminals: usize) -> (Vec<Vec<RecordEvent>>, usize) {
    let mut products: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for line in baskets.iter().flat_map(|basket| &basket.lines) {
        let (sold, price) = products.entry(&line.product).or_default();
        *sold += line.quantity.max(0);
        *price = (*price).max(line.unit_price());
    }
    let mut stocking = vec![Vec::new(); terminals];
    let all: Vec<(&str, (i64, i64))> = products.into_iter().collect();
    for (chunk, products) in all.chunks(RECEIPT_LINES).enumerate() {
        let received = products
            .iter()
            .map(|(product, (sold, _))| StockPart { product: own_code(product), quantity: sold + SPARE });
        let terminal = &mut stocking[chunk % terminals];
        terminal.push(RecordEvent::StockReceived { from: "warehouse".into(), lines: received.collect() });
    }
    for (place, (product, (_, price))) in all.iter().enumerate() {
        let terminal = &mut stocking[place % terminals];
        terminal.push(RecordEvent::ProductSet {
            product: own_code(product),
            name: names.name(product).chars().take(120).collect(),
            counted: None,
            floor: None,
            base_unit: "piece".into(),
            scale: 0,
            tax_code: None,
            valid_from: None,
            valid_to: None,
            version: None,
        });
        terminal.push(RecordEvent::PriceSet {
            product: own_code(product),
            amount: *price,
            currency: CURRENCY.into(),
            list: 0,
            tax_included: false,
            valid_from: None,
            valid_to: None,
            version: None,
        });
    }
    (stocking, all.len())
}

/// A product's number in the data set as a code of this shop. Some have as many digits as a GTIN: without a letter they would be
/// misread labels.
pub(super) fn own_code(number: &str) -> String {
    format!("N{number}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::{Limits, read_baskets, read_products, shipped_products, shipped_week};

    fn plan(terminals: usize) -> Plan {
        let baskets = read_baskets(&shipped_week(), &Limits::default()).unwrap();
        let names = read_products(&shipped_products());
        assert_eq!((baskets.len(), names.len()), (99, 895));
        Plan::new(&baskets, &names, terminals, Duration::from_secs(30), 1).unwrap()
    }

    #[test]
    fn every_basket_of_the_week_is_planned_once_in_time_order() {
        for terminals in [1, 5, 15] {
            let plan = plan(terminals);
            assert_eq!(plan.jobs.len(), terminals);
            let jobs: Vec<&Job> = plan.jobs.iter().flatten().collect();
            let sales = jobs.iter().filter(|job| job.sale.kind == DocType::Sale).count();
            assert_eq!((sales, jobs.len() - sales), (99, 6));
            assert_eq!(jobs.iter().map(|job| job.sale.lines.len()).sum::<usize>(), 1_084 + 6);
            for jobs in &plan.jobs {
                assert!(jobs.is_sorted_by_key(|job| job.at) && jobs.is_sorted_by_key(|job| job.day));
            }
            assert_eq!(plan.products, 897);
            assert!(plan.twice.is_some());
        }
    }

    #[test]
    fn the_seed_chooses_the_returns() {
        let chosen = |plan: Plan| -> Vec<String> {
            plan.jobs
                .into_iter()
                .flatten()
                .filter(|job| job.after.is_some())
                .map(|job| job.sale.source)
                .collect()
        };
        assert_eq!(chosen(plan(5)), chosen(plan(5)));
    }

    #[test]
    fn more_is_received_than_is_sold() {
        let plan = plan(3);
        let mut stock: BTreeMap<String, i64> = BTreeMap::new();
        for event in plan.stocking.iter().flatten() {
            if let RecordEvent::StockReceived { lines, .. } = event {
                lines
                    .iter()
                    .for_each(|line| *stock.entry(line.product.clone()).or_default() += line.quantity);
            }
        }
        for job in plan.jobs.iter().flatten().filter(|job| job.after.is_none()) {
            for line in &job.sale.lines {
                *stock.get_mut(&line.product).unwrap() -= line.quantity;
            }
        }
        assert_eq!(stock.len(), 897);
        assert!(stock.values().all(|&left| left >= SPARE));
    }
}
