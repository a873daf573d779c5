//! Counters, products and prices.

use std::ffi::c_char;

use edgepos::model::{Counter, CounterRow, StockState};
use edgepos::{CounterValue, MAX_PAGE};
use serde::Serialize;

use super::{NodeHandle, asks, asks_for, with};
use crate::argument::{EDGEPOS_MAX_NAME, Input, Output};
use crate::hexadecimal::hexadecimal;
use crate::status::Failure;
use crate::text::TextHandle;

/// What is counted: pieces, grams or millilitres of a product; the key is the product's code.
pub const EDGEPOS_STOCK: u32 = 0;
/// What is counted: loyalty points; the key is the customer.
pub const EDGEPOS_POINTS: u32 = 1;
/// What is counted: the quantity that may still be returned of one line; the key is the basket's 16 bytes and the line's number in 2.
pub const EDGEPOS_RETURNABLE: u32 = 2;
/// What is counted: money on a gift card, in minor units; the key is the card.
pub const EDGEPOS_STORED_VALUE: u32 = 3;
/// What is counted: uses left of a coupon; the key is the coupon.
pub const EDGEPOS_COUPON_USE: u32 = 4;
/// What is counted: cash in a drawer, in minor units; the key is the drawer, a slash and the currency.
pub const EDGEPOS_CASH: u32 = 5;
/// What is counted: by how much the payments of a sale did not come to its total, in minor units below zero; the key is the basket's 16 bytes.
pub const EDGEPOS_DIFFERENCE: u32 = 6;
/// What is counted: money that was paid back on one line, in minor units below zero; the key is the basket's 16 bytes and the line's number in 2.
pub const EDGEPOS_REFUNDABLE: u32 = 7;
/// What is counted: the first number that a vendor may use as it likes.
pub const EDGEPOS_VENDOR: u32 = 32768;
/// In place of a counter: any of them.
pub const EDGEPOS_ANY_COUNTER: u32 = 65536;

/// Stock is on the shelf or in the store room. Other counters have this one.
pub const EDGEPOS_ON_HAND: u32 = 0;
/// Stock is promised to a customer.
pub const EDGEPOS_RESERVED: u32 = 1;
/// Stock is on its way between locations.
pub const EDGEPOS_IN_TRANSIT: u32 = 2;
/// Stock is not fit for sale.
pub const EDGEPOS_DAMAGED_STOCK: u32 = 3;

/// A page of counters.
#[derive(Serialize)]
pub(crate) struct Page {
    counters: Vec<CounterValue>,
    /// The row that it ended with, in hexadecimal.
    next: Option<String>,
}

impl Page {
    /// One that is full may have a next one.
    pub(crate) fn of(counters: Vec<CounterValue>) -> Self {
        let last = counters.last().filter(|_| counters.len() >= MAX_PAGE);
        let next = last.map(|last| hexadecimal(&last.row.to_key()));
        Self { counters, next }
    }
}

fn counter(number: u32) -> Result<Counter, Failure> {
    u16::try_from(number)
        .map(Counter)
        .map_err(|_| Failure::invalid(format!("counter: {number} is over 65535")))
}

fn state(number: u32) -> Result<StockState, Failure> {
    Ok(match number {
        EDGEPOS_ON_HAND => StockState::OnHand,
        EDGEPOS_RESERVED => StockState::Reserved,
        EDGEPOS_IN_TRANSIT => StockState::InTransit,
        EDGEPOS_DAMAGED_STOCK => StockState::Damaged,
        other => return Err(Failure::invalid(format!("state: {other} is not a state of stock"))),
    })
}

/// The row that counts this.
pub(crate) fn row(counter: u32, location: u32, state: u32, key: Input<'_>) -> Result<CounterRow, Failure> {
    let (counter, state) = (self::counter(counter)?, self::state(state)?);
    let key = key.bytes(EDGEPOS_MAX_NAME)?;
    Ok(match std::str::from_utf8(key) {
        // Every form of one GTIN is one row.
        Ok(product) if counter == Counter::STOCK => {
            CounterRow { state, ..CounterRow::stock(product, location) }
        }
        _ => CounterRow { counter, location, state, key: key.to_vec() },
    })
}

/// Which counters a page is of, and behind which row.
pub(crate) fn page_of(
    counter: u32,
    after: Input<'_>,
) -> Result<(Option<Counter>, Option<CounterRow>), Failure> {
    let kind = if counter == EDGEPOS_ANY_COUNTER { None } else { Some(self::counter(counter)?) };
    let row = |key: Vec<u8>| {
        CounterRow::from_key(&key).ok_or_else(|| Failure::bad_request("after: no row of a counter"))
    };
    Ok((kind, after.optional_hexadecimal()?.map(row).transpose()?))
}

/// One counter; `EDGEPOS_NOTHING` when nothing ever moved it.
///
/// `counter` is one of `EDGEPOS_STOCK` and the like, `state` one of `EDGEPOS_ON_HAND` and the like, `location` the place in the store, 0
/// where there is one.
///
/// Threads: any, at any time.
///
/// # Safety
/// `key` points to `key_length` bytes, and `out` to where a number may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_counter(
    node: *const NodeHandle,
    counter: u32,
    location: u32,
    state: u32,
    key: *const u8,
    key_length: usize,
    out: *mut i64,
) -> i32 {
    // SAFETY: as the caller promises.
    let (key, out) = unsafe { (Input::new("key", key, key_length), Output::new("out", out)) };
    with(node, |till| {
        out.check()?;
        let row = row(counter, location, state, key)?;
        out.write_some(till.wait(till.node.counter(row))?)
    })
}

/// A page of counters by rising key, at most 1,000. `counter` is one of `EDGEPOS_STOCK` and the like, or `EDGEPOS_ANY_COUNTER`; `after` is
/// `next` of the page before, or of length 0 for the first. On success `*out` is JSON with `counters` and `next`, which is null behind
/// the last page. Sales go on between two pages.
///
/// Threads: any, at any time.
///
/// # Safety
/// `after` points to `after_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_counters_after(
    node: *const NodeHandle,
    counter: u32,
    after: *const c_char,
    after_length: usize,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (after, out) = unsafe { (Input::new("after", after, after_length), Output::new("out", out)) };
    asks(node, out, |till| {
        let (kind, after) = page_of(counter, after)?;
        Ok(Page::of(till.wait(till.node.counters_after(kind, after))?))
    })
}

/// What was last said of a product as JSON, also where it is not in force yet; `EDGEPOS_NOTHING` where nothing was.
///
/// Threads: any, at any time.
///
/// # Safety
/// `product` points to `product_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_product(
    node: *const NodeHandle,
    product: *const c_char,
    product_length: usize,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (product, out) = unsafe { (Input::new("product", product, product_length), Output::new("out", out)) };
    asks_for(node, out, |till| Ok(till.wait(till.node.product(product.name()?.to_owned()))?))
}

/// A product's master data that is in force at `at_ms`, in ms since 1970 UTC, as JSON; `EDGEPOS_NOTHING` where none is.
///
/// Threads: any, at any time.
///
/// # Safety
/// `product` points to `product_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_product_at(
    node: *const NodeHandle,
    product: *const c_char,
    product_length: usize,
    at_ms: u64,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (product, out) = unsafe { (Input::new("product", product, product_length), Output::new("out", out)) };
    asks_for(node, out, |till| Ok(till.wait(till.node.product_at(product.name()?.to_owned(), at_ms))?))
}

/// The price of a product on a list that is in force at `at_ms`, in ms since 1970 UTC, as JSON; `EDGEPOS_NOTHING` where none is. List 0 is
/// everybody's.
///
/// Threads: any, at any time.
///
/// # Safety
/// `product` points to `product_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_price(
    node: *const NodeHandle,
    product: *const c_char,
    product_length: usize,
    list: u16,
    at_ms: u64,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (product, out) = unsafe { (Input::new("product", product, product_length), Output::new("out", out)) };
    asks_for(node, out, |till| Ok(till.wait(till.node.price(product.name()?.to_owned(), list, at_ms))?))
}
