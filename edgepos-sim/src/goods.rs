//! What the store sells, and what is recorded about it.

use std::collections::VecDeque;

use edgepos::Record;
use edgepos::model::{
    CashCount, CashMoved, CashReason, CountLine, Currency, PriceSet, ProductSet, ShiftId, StockLine,
    StockMoved, StockReason,
};
use edgepos_core::Jitter;

use crate::plan::TillStyle;

/// How many products there are.
const PRODUCTS: u64 = 12;

/// The products' codes.
pub(crate) fn products() -> impl Iterator<Item = String> {
    (0..PRODUCTS).map(product)
}

/// One of them.
pub(crate) fn some_product(rng: &mut Jitter) -> String {
    product(rng.range(0, PRODUCTS))
}

fn product(number: u64) -> String {
    format!("P{number:02}")
}

/// The business day of this number, as yyyymmdd: each is after the one before.
pub(crate) fn date(number: u32) -> u32 {
    // The first 28 days are in every month.
    let (year, month, day) = (2_026 + number / 336, 1 + number / 28 % 12, 1 + number % 28);
    year * 10_000 + month * 100 + day
}

/// Master data, first prices and first goods.
pub(crate) fn opening(rng: &mut Jitter, day: u32) -> VecDeque<Record> {
    let cash = vec![CashCount::new(Currency::EUR, 10_000)];
    let mut records = VecDeque::from([Record::day_opened_with(day, 10_000, cash)]);
    for code in products() {
        records.push_back(Record::product(&ProductSet {
            product: code.clone(),
            name: format!("Product {code}"),
            base_unit: "piece".into(),
            scale: 0,
            tax_code: None,
            counted: None,
            floor: None,
            valid_from: None,
            valid_to: None,
            version: None,
        }));
    }
    // Some run out, and some do not.
    let lines =
        products().map(|product| StockLine { product, quantity: rng.range(10, 400) as i64 }).collect();
    records.push_back(Record::stock_moved(
        &StockMoved { reason: StockReason::Receipt, from: None, to: None, lines },
        0,
    ));
    records
}

/// Something that is recorded beside receipts by the till at terminal `place`, which has come to the business day of this number.
pub(crate) fn some_record(rng: &mut Jitter, style: &TillStyle, (place, number): (usize, u32)) -> Record {
    let (code, day) = (some_product(rng), date(number));
    match rng.range(0, 16) {
        0..=2 => {
            let line = StockLine { product: code, quantity: rng.range(0, 60) as i64 - 10 };
            let moved = StockMoved { reason: StockReason::Adjust, from: None, to: None, lines: vec![line] };
            Record::stock_moved(&moved, 0)
        }
        3..=6 => Record::price(&some_price(rng, code, style.moment_ms)),
        7 => {
            // Bytes that do not compress.
            let length = rng.range(1, style.bulk_bytes.max(2));
            Record::custom((0..length).map(|_| rng.next_u64() as u8).collect(), Vec::new())
        }
        8 => Record::day_opened(day, 0),
        9 => {
            let counted = rng.range(0, 100_000) as i64;
            Record::day_closed_with(counted, vec![CashCount::new(Currency::EUR, counted)])
        }
        14 | 15 => Record::stock_counted(vec![CountLine::new(code, rng.range(0, 60) as i64)], 0),
        10 | 11 => Record::cash_moved(some_move(rng), None),
        // A shift opens and closes a few times under one name, or is closed before it opens: the till is refused then.
        12 => Record::shift_opened(shift(place, number), None, vec![CashCount::new(Currency::EUR, 5_000)]),
        _ => {
            let counted = rng.range(0, 100_000) as i64;
            Record::shift_closed(shift(place, number), vec![CashCount::new(Currency::EUR, counted)])
        }
    }
}

/// The name of the shift at a terminal around the business day of this number.
fn shift(place: usize, number: u32) -> ShiftId {
    let mut name = [0; 16];
    name[..4].copy_from_slice(&(number / 16).to_be_bytes());
    name[15] = place as u8;
    ShiftId(name)
}

fn some_move(rng: &mut Jitter) -> CashMoved {
    let reason = CashReason::ALL[rng.range(0, CashReason::ALL.len() as u64) as usize];
    let moved = CashMoved::new(reason, Currency::EUR, rng.range(1, 20_000) as i64);
    match reason {
        CashReason::TRANSFER => moved.into_drawer("front"),
        CashReason::SKIM if rng.range(0, 2) == 0 => moved.into_drawer("safe"),
        _ => moved,
    }
}

/// A price for ever, one that begins at the moment, a campaign of a few seconds from it on, or one that it ends.
pub(crate) fn some_price(rng: &mut Jitter, product: String, moment_ms: u64) -> PriceSet {
    let (valid_from, valid_to) = match rng.range(0, 6) {
        0..=2 => (None, None),
        3 => (Some(moment_ms), None),
        4 => (Some(moment_ms), Some(moment_ms + 1_000 * rng.range(1, 60))),
        _ => (None, Some(moment_ms)),
    };
    let version = (rng.range(0, 2) == 0).then(|| rng.range(1, 1_000));
    PriceSet {
        product,
        list: 0,
        amount: rng.range(50, 2_000) as i64,
        currency: Currency::EUR,
        tax_included: true,
        valid_from,
        valid_to,
        version,
    }
}
