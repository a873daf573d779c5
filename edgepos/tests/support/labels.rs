//! A till whose scale prints labels, as in Sweden.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "a module of tests, of which each uses its own part"
)]

use edgepos::core::{Gtin, Now};
use edgepos::model::{
    Currency, DocType, Line, OriginalLine, PriceSet, ProductSet, StockLine, StockMoved, StockReason,
};
use edgepos::{Config, Draft, LabelCountry, Labels, MemoryStore, Record, Refusal, Reply};

use crate::support::{self, Till, WALL, draft, price};

pub const NOW: Now = Now::new(0, WALL);

pub fn received(product: &str, quantity: i64, location: u32) -> Record {
    let lines = vec![StockLine { product: product.into(), quantity }];
    Record::stock_moved(&StockMoved { reason: StockReason::Receipt, from: None, to: None, lines }, location)
}

/// The products of the stock rows, with what is left.
pub fn stock(till: &Till) -> Vec<(String, i64)> {
    let rows = till.terminal.counters().into_iter().filter(|value| value.row.counter.0 == 0);
    rows.map(|value| (String::from_utf8(value.row.key).unwrap(), value.value)).collect()
}

/// 13 digits from twelve.
pub fn number(twelve: &str) -> String {
    item(twelve)[1..].to_owned()
}

pub fn item(twelve: &str) -> String {
    Gtin::from_twelve(twelve).unwrap().to_string()
}

/// A till in Sweden, with cheese that is counted in `unit` at `amount` of a unit.
pub fn labelled(scale: u8, unit: &str, amount: i64) -> Till {
    let config = Config { labels: Labels::of(LabelCountry::Se), ..support::config(1, 1) };
    let mut till = Till::open(config, MemoryStore::new(), NOW);
    let cheese = ProductSet { base_unit: unit.into(), scale, ..product(&item("230012340000")) };
    till.record(NOW, Record::product(&cheese)).unwrap();
    till.record(NOW, Record::price(&price_in_sek(&item("230012340000"), amount))).unwrap();
    till
}

/// A till that reads no labels.
pub fn unlabelled() -> Till {
    Till::open(support::config(1, 1), MemoryStore::new(), NOW)
}

/// The same till, started again with another setting.
pub fn with_labels(mut till: Till, labels: Labels) -> Till {
    till.config.labels = labels;
    till.crash(NOW)
}

pub fn sek() -> Currency {
    "SEK".parse().unwrap()
}

pub fn product(code: &str) -> ProductSet {
    ProductSet {
        product: code.into(),
        name: "cheese".into(),
        base_unit: "kg".into(),
        scale: 3,
        tax_code: None,
        counted: None,
        floor: None,
        valid_from: None,
        valid_to: None,
        version: None,
    }
}

pub fn price_in_sek(product: &str, amount: i64) -> PriceSet {
    PriceSet { currency: sek(), ..price(product, amount) }
}

pub fn in_sek(basket: u8, lines: Vec<Line>) -> Draft {
    Draft { currency: sek(), ..draft(basket, lines) }
}

/// What comes back of the first line of a receipt.
pub fn as_return(basket: u8, sold: u8, line: Line) -> Draft {
    let original = Some(OriginalLine { basket: draft(sold, Vec::new()).basket, line: 1 });
    Draft { doc_type: DocType::Return, ..in_sek(basket, vec![Line { original, ..line }]) }
}

/// The line that a basket of one line has.
pub fn only_line(till: &Till, basket: u8) -> Line {
    let open = till.terminal.unresolved();
    let id = draft(basket, Vec::new()).basket;
    open.into_iter().find(|open| open.basket == id).unwrap().lines.remove(0)
}

pub fn sold(till: &mut Till, draft: Draft) {
    let basket = draft.basket.0[0];
    till.begin(NOW, draft).unwrap();
    till.commit(NOW, basket, basket).unwrap();
}

pub fn updated(till: &mut Till, draft: Draft) -> Result<Reply, Refusal> {
    let request = till.request();
    till.terminal.update(NOW, request, draft)?;
    till.run(NOW);
    till.replies.remove(&request).unwrap()
}

pub fn abandoned(till: &mut Till, basket: u8) {
    let request = till.request();
    till.terminal.abandon(NOW, request, draft(basket, Vec::new()).basket).unwrap();
    till.run(NOW);
    till.replies.remove(&request).unwrap().unwrap();
}
