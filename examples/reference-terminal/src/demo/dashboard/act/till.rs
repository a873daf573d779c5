//! What a cashier does.

use std::time::{Duration, Instant};

use edgepos::Begun;
use hyper::body::Bytes;
use serde::Deserialize;

use super::follow;
use super::told::{ActError, Told};
use crate::api::{BeginLine, Claimed, Done, Park, Recognised};
use crate::demo::dashboard::floor::{Floor, line_of};
use crate::demo::dashboard::shelf;
use crate::demo::ledger::Entry;
use crate::demo::plan::Mishap;
use crate::demo::register::{self, Sold, percent};

/// Most pieces of one button.
const MOST: i64 = 50;
/// How long a parked basket may take to another till.
const PARK_TIME: Duration = Duration::from_secs(15);
/// How long a busy machine may take to recognise a picture.
const RECOGNITION_TIME: Duration = Duration::from_secs(30);

/// Of `GET /price`.
#[derive(Deserialize)]
struct SeenPrice {
    amount: i64,
}

pub(super) async fn sell(
    floor: &Floor,
    terminal: usize,
    product: &str,
    quantity: i64,
) -> Result<Told, ActError> {
    if !(1..=MOST).contains(&quantity) {
        return Err(ActError::Ask(format!("The quantity must be between 1 and {MOST}.")));
    }
    usable(floor, terminal)?;
    let price = price(floor, terminal, product).await?;
    let lines = vec![line_of(product, quantity, price)];
    let (entry, sold) = floor.sell(terminal, lines, "the dashboard", None).await?;
    Ok(receipt(floor, terminal, &entry, sold, &format!("{quantity} × {}", name(floor, product))).await)
}

pub(super) async fn picture(floor: &Floor, terminal: usize) -> Result<Told, ActError> {
    usable(floor, terminal)?;
    let supervisor = &floor.registers.supervisor;
    let until = Instant::now() + RECOGNITION_TIME;
    let (label, confidence, took) = loop {
        let address = supervisor.till(terminal).await?;
        match supervisor
            .client
            .post_bytes(address, "/recognise", Bytes::from_static(super::super::PICTURE))
            .await?
        {
            Recognised::Answer { label, confidence, total_us, .. } => {
                break (label, confidence, total_us / 1_000);
            }
            Recognised::Fallback { reason } if Instant::now() > until => {
                return Err(ActError::NotNow(format!(
                    "The model gave no answer in time, so the cashier keys it in: {reason}"
                )));
            }
            Recognised::Fallback { .. } => {}
        }
    };
    let saw = format!(
        "Terminal {} sees {label:?} on the picture ({:.0} %, {took} ms).",
        terminal + 1,
        confidence * 100.0
    );
    let Some(code) = shelf::code_of(&label) else {
        return Ok(Told::one(format!("{saw} No product of this shop is called so: the cashier keys it in.")));
    };
    let price = price(floor, terminal, code).await?;
    let (entry, sold) = floor.sell(terminal, vec![line_of(code, 1, price)], "a picture", None).await?;
    let told = receipt(floor, terminal, &entry, sold, name(floor, code)).await;
    let mut seen = Told::one(saw);
    seen.add(told);
    Ok(seen)
}

pub(super) async fn take_back(floor: &Floor, terminal: usize) -> Result<Told, ActError> {
    usable(floor, terminal)?;
    let sale = floor.returnable_at(terminal).into_iter().next();
    let sale = sale.ok_or_else(|| {
        ActError::NotNow(format!(
            "Terminal {} knows of no sale of this session yet: ring one up.",
            terminal + 1
        ))
    })?;
    let original =
        floor.registers.ledger.of_basket(&sale.basket).map(|entry| entry.number).unwrap_or_default();
    let back = sale.return_of(1).map_err(|error| ActError::NotNow(error.to_string()))?;
    let back = back.ok_or_else(|| ActError::NotNow("That sale has no line to bring back.".into()))?;
    floor.forget(&sale.basket);
    let (entry, sold) = floor.book(terminal, &back, None).await?;
    let what = format!("line 1 of receipt {original} ({}), taken back,", name(floor, &back.lines[0].product));
    Ok(receipt(floor, terminal, &entry, sold, &what).await)
}

pub(super) async fn park(floor: &Floor, (first, second): (usize, usize)) -> Result<Told, ActError> {
    usable(floor, first)?;
    usable(floor, second)?;
    let supervisor = &floor.registers.supervisor;
    let product = &floor.products[0];
    let price = price(floor, first, &product.code).await?;
    let sale = floor.sale(vec![line_of(&product.code, 2, price)], "a parked basket")?;
    floor.open_day(first).await?;
    floor.open_day(second).await?;
    let body = Park { basket: sale.basket.clone() };
    let mut told = Told::default();
    {
        let _one_at_a_time = supervisor.register(first).await;
        let address = supervisor.till(first).await?;
        let begun: Begun = supervisor.client.post(address, "/begin", &register::begin(&sale)).await?;
        let Done {} = supervisor.client.post(address, "/park", &body).await?;
        told.say(format!("Terminal {} began a basket of {} and parked it.", first + 1, money(begun.total)));
    }
    let _one_at_a_time = supervisor.register(second).await;
    let address = supervisor.till(second).await?;
    let mut claimed: Option<Claimed> = None;
    let mut why = None;
    let took = floor
        .until(PARK_TIME, async || {
            match supervisor.client.post::<Claimed>(address, "/claim", &body).await {
                Ok(answer) => claimed = Some(answer),
                Err(error) => why = Some(error),
            }
            claimed.is_some()
        })
        .await;
    let (Some(claimed), Some(took)) = (claimed, took) else {
        let why = why.map_or_else(String::new, |error| error.to_string());
        return Err(ActError::NotNow(format!("Terminal {} has not heard of the basket: {why}", second + 1)));
    };
    told.say(format!(
        "Terminal {} had it {} ms later with {} line(s) and {} to pay, and gave it a number of its own.",
        second + 1,
        took.as_millis(),
        claimed.lines.len(),
        money(claimed.total)
    ));
    let sold = floor.registers.pay(second, &sale, claimed.total, None).await?;
    let entry = floor.booked(&sale);
    let paid = receipt(floor, second, &entry, sold, "the parked basket").await;
    told.add(paid);
    Ok(told)
}

pub(super) async fn mishap(floor: &Floor, terminal: usize) -> Result<Told, ActError> {
    usable(floor, terminal)?;
    let product = &floor.products[0];
    let price = price(floor, terminal, &product.code).await?;
    let lines = vec![line_of(&product.code, 1, price)];
    let (entry, sold) = floor.sell(terminal, lines, "a mishap", Some(Mishap::KilledAfterBooking)).await?;
    let number = terminal + 1;
    let mut told = Told::one(format!(
        "Terminal {number} was killed (SIGKILL) when its answer to the commit was on its way and before anybody read it: the till did \
         not know whether the sale is booked."
    ));
    told.say(if entry.repeated {
        format!("It started again, and the same call with the same key got the first receipt, number {}: booked once.", entry.number)
    } else {
        format!("It started again, and the same call with the same key booked the sale, number {}: booked once.", entry.number)
    });
    told.add(receipt(floor, terminal, &entry, sold, &product.name).await);
    Ok(told)
}

/// What the customer reads, and how safe it is.
pub(super) async fn receipt(floor: &Floor, terminal: usize, entry: &Entry, sold: Sold, what: &str) -> Told {
    let booked = Instant::now();
    let mut told = Told::one(format!(
        "Terminal {} booked {what} as receipt {} {}, {}: on its own disk after {:.1} ms.",
        terminal + 1,
        entry.series,
        entry.number,
        money(entry.total),
        sold.took.as_secs_f64() * 1e3
    ));
    told.say(follow::durability(floor, terminal, &entry.event, booked).await);
    told.event(entry.event.clone());
    told.about(&entry.basket);
    told
}

/// Says so where no cashier could work there.
pub(super) fn usable(floor: &Floor, terminal: usize) -> Result<(), ActError> {
    let number = terminal + 1;
    match () {
        () if floor.faults.is_frozen(terminal) => {
            Err(ActError::NotNow(format!("Terminal {number} is frozen: thaw it first.")))
        }
        () if !floor.is_usable(terminal) => {
            Err(ActError::NotNow(format!("Terminal {number} is down: start it first.")))
        }
        () => Ok(()),
    }
}

pub(super) async fn price(floor: &Floor, terminal: usize, product: &str) -> Result<i64, ActError> {
    let supervisor = &floor.registers.supervisor;
    let address = supervisor.till(terminal).await?;
    let path = format!("/price?product={}", percent(product));
    let SeenPrice { amount } = supervisor.client.get(address, &path).await?;
    Ok(amount)
}

fn name<'a>(floor: &'a Floor, code: &'a str) -> &'a str {
    floor.products.iter().find(|product| product.code == code).map_or(code, |product| product.name.as_str())
}

/// Cents as a receipt has them.
pub(super) fn money(cents: i64) -> String {
    let (sign, cents) = (if cents < 0 { "−" } else { "" }, cents.unsigned_abs());
    format!("{sign}${}.{:02}", cents / 100, cents % 100)
}

/// A line for a customer of a button.
pub(super) fn piece(product: &str, price: i64) -> Vec<BeginLine> {
    vec![line_of(product, 1, price)]
}
