//! What two tills do at the same time that cannot see each other.

use std::time::Duration;

use edgepos::model::DocType;

use super::follow;
use super::till::{money, piece, price, receipt, usable};
use super::told::{ActError, Told};
use crate::api::{RecordEvent, StockPart};
use crate::demo::dashboard::floor::Floor;
use crate::demo::dashboard::shelf;
use crate::demo::register::percent;
use crate::demo::seen::{SeenCounter, SeenException};
use crate::names::hex;

/// How long what is known at one till may take to another.
const SPREAD: Duration = Duration::from_secs(30);
/// How long the store may take to agree on something.
const AGREE: Duration = Duration::from_secs(60);
/// What two tills set a price to, in cents.
const PRICES: [i64; 2] = [199, 249];
/// What the last piece costs, in cents.
const LAST: i64 = 999;

pub(super) async fn prices(floor: &Floor, (first, second): (usize, usize)) -> Result<Told, ActError> {
    let product = &floor.products[0];
    let before = price(floor, first, &product.code).await?;
    let cut = Cut::of(floor, first, second)?;
    let mut told = Told::default();
    told.say(cut.said());
    // A second change of the same price must be a change.
    let asked = PRICES.map(|amount| if amount == before { amount + 10 } else { amount });
    for (terminal, amount) in [first, second].into_iter().zip(asked) {
        let event = floor.record(terminal, shelf::price(&product.code, amount)).await?;
        told.say(format!(
            "Terminal {} set the price of {} to {}.",
            terminal + 1,
            product.name,
            money(amount)
        ));
        told.event(event);
    }
    drop(cut);
    let mut seen = Vec::new();
    let took = floor
        .until(AGREE, async || {
            seen.clear();
            for terminal in (0..floor.terminals()).filter(|terminal| follow::reachable(floor, *terminal)) {
                seen.push(price(floor, terminal, &product.code).await.ok());
            }
            let first = seen.first().copied().flatten();
            first.is_some_and(|amount| asked.contains(&amount)) && seen.iter().all(|price| *price == first)
        })
        .await;
    match (took, seen.first().copied().flatten()) {
        (Some(took), Some(amount)) => told.say(format!(
            "The links were mended, and {} ms later all {} terminals in reach have one price, {}: the later one by the hybrid logical clock. \
             Both changes are in the log.",
            took.as_millis(),
            seen.len(),
            money(amount)
        )),
        _ => told.say(format!("The links were mended; after {AGREE:?} not every terminal has the same price yet: {seen:?}.")),
    }
    Ok(told)
}

pub(super) async fn oversell(floor: &Floor, (first, second): (usize, usize)) -> Result<Told, ActError> {
    usable(floor, first)?;
    usable(floor, second)?;
    let drawn = crate::demo::draw::draw().map_err(|error| ActError::NotNow(error.to_string()))?;
    let code = format!("LAST-{}", hex(&drawn[..3]));
    let mut told = Told::default();
    floor.record(first, shelf::product(&code, "The last jar")).await?;
    floor.record(first, shelf::price(&code, LAST)).await?;
    let lines = vec![StockPart { product: code.clone(), quantity: 1 }];
    told.event(floor.record(first, RecordEvent::StockReceived { from: "cellar".into(), lines }).await?);
    for terminal in [first, second] {
        floor.open_day(terminal).await?;
        if floor.until(SPREAD, async || stock(floor, terminal, &code).await == Some(1)).await.is_none() {
            return Err(ActError::NotNow(format!(
                "Terminal {} has not heard of the jar: mend its links first.",
                terminal + 1
            )));
        }
    }
    let cut = Cut::of(floor, first, second)?;
    told.say(format!("One jar ({code}) was left, and both tills knew. {}", cut.said()));
    let mut events = Vec::new();
    for terminal in [first, second] {
        let (entry, sold) = floor.sell(terminal, piece(&code, LAST), "the last jar", None).await?;
        told.say(format!(
            "Terminal {} sold it: receipt {} {} after {:.1} ms. It asked nobody, as there was nobody to ask.",
            terminal + 1,
            entry.series,
            entry.number,
            sold.took.as_secs_f64() * 1e3
        ));
        events.push(entry.event);
    }
    drop(cut);
    events.iter().for_each(|event| told.event(event));
    agreed(floor, &mut told, "oversold", |raised| events.iter().any(|event| raised.involved.contains(event)))
        .await;
    told.say("Both sales stand: what is paid is never taken away. The stock is −1 until goods come or somebody resolves it.");
    Ok(told)
}

pub(super) async fn return_twice(floor: &Floor, (first, second): (usize, usize)) -> Result<Told, ActError> {
    usable(floor, first)?;
    usable(floor, second)?;
    let product = &floor.products[0];
    let price = price(floor, first, &product.code).await?;
    let (entry, sold) =
        floor.sell(first, piece(&product.code, price), "a sale to return twice", None).await?;
    let mut told = receipt(floor, first, &entry, sold, &product.name).await;
    let held = floor
        .until(SPREAD, async || floor.returnable_at(second).iter().any(|sale| sale.basket == entry.basket))
        .await;
    let sale = floor.returnable_at(first).into_iter().find(|sale| sale.basket == entry.basket);
    let (Some(_), Some(sale)) = (held, sale) else {
        return Err(ActError::NotNow(format!(
            "Terminal {} has not heard of the sale: mend its links first.",
            second + 1
        )));
    };
    let cut = Cut::of(floor, first, second)?;
    told.say(cut.said());
    floor.forget(&sale.basket);
    let mut events = Vec::new();
    for terminal in [first, second] {
        let back = sale.return_of(1).map_err(|error| ActError::NotNow(error.to_string()))?;
        let Some(back) = back.filter(|back| back.kind == DocType::Return) else { continue };
        let (entry, _) = floor.book(terminal, &back, None).await?;
        told.say(format!(
            "Terminal {} took it back: receipt {} {}.",
            terminal + 1,
            entry.series,
            entry.number
        ));
        events.push(entry.event);
    }
    drop(cut);
    events.iter().for_each(|event| told.event(event));
    agreed(floor, &mut told, "returned_twice", |raised| {
        events.iter().any(|event| raised.involved.contains(event))
    })
    .await;
    Ok(told)
}

/// Waits until every terminal in reach shows the exception, and says how many of them there are.
async fn agreed(floor: &Floor, told: &mut Told, kind: &str, is: impl Fn(&SeenException) -> bool) {
    let mut shown = Vec::new();
    let took = floor
        .until(AGREE, async || {
            shown.clear();
            for (terminal, status) in floor.observer.terminals().into_iter().enumerate() {
                if follow::reachable(floor, terminal) {
                    let raised = status.iter().flat_map(|status| &status.exceptions);
                    shown.push(raised.filter(|raised| raised.exception == kind && is(raised)).count());
                }
            }
            !shown.is_empty() && shown.iter().all(|count| *count == 1)
        })
        .await;
    match took {
        Some(took) => told.say(format!(
            "The links were mended, and {} ms later all {} terminals in reach show one and the same exception: {kind}.",
            took.as_millis(),
            shown.len()
        )),
        None => told.say(format!(
            "The links were mended; after {AGREE:?} not every terminal shows the exception {kind}: it takes a majority to raise one."
        )),
    }
}

async fn stock(floor: &Floor, terminal: usize, code: &str) -> Option<i64> {
    let supervisor = &floor.registers.supervisor;
    let address = supervisor.till(terminal).await.ok()?;
    let path = format!("/counters?product={}", percent(code));
    let counters: Vec<SeenCounter> = supervisor.client.get(address, &path).await.ok()?;
    counters.first().map(|counter| counter.value)
}

/// Two tills that are cut off from everybody. Mended when it is dropped, but for what somebody had cut before.
struct Cut<'a> {
    floor: &'a Floor,
    tills: [usize; 2],
    cut: Vec<usize>,
}

impl<'a> Cut<'a> {
    fn of(floor: &'a Floor, first: usize, second: usize) -> Result<Self, ActError> {
        usable(floor, first)?;
        usable(floor, second)?;
        let supervisor = &floor.registers.supervisor;
        let cut: Vec<usize> =
            [first, second].into_iter().filter(|terminal| !supervisor.is_cut_off(*terminal)).collect();
        cut.iter().for_each(|terminal| supervisor.cut_off(*terminal));
        Ok(Self { floor, tills: [first, second], cut })
    }

    fn said(&self) -> String {
        let [first, second] = self.tills;
        format!("Terminals {} and {} were cut off, from each other too.", first + 1, second + 1)
    }
}

impl Drop for Cut<'_> {
    fn drop(&mut self) {
        self.cut.iter().for_each(|terminal| self.floor.registers.supervisor.heal(*terminal));
    }
}
