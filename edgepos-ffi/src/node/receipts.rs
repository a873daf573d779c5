//! What was sold, and by which names it is found.

use std::collections::BTreeMap;
use std::ffi::c_char;

use edgepos::core::{Chain, EventId, Seq};
use edgepos::crdt::VersionVector;
use edgepos::model::BookedName;
use edgepos::{DayQuery, Durability, TransactionQuery};

use super::{NodeHandle, asks, asks_for, with};
use crate::argument::{Input, Output};
use crate::status::Failure;
use crate::text::TextHandle;

/// How safe an event is: on this terminal's disk.
pub const EDGEPOS_HERE: i32 = 1;
/// How safe an event is: also on the disk of the terminal that leads.
pub const EDGEPOS_AT_LEADER: i32 = 2;
/// How safe an event is: also in the cloud.
pub const EDGEPOS_IN_CLOUD: i32 = 3;

/// Positions of chains, as they are shown: an object of chains and numbers.
pub(crate) fn vector(input: Input<'_>) -> Result<Option<VersionVector>, Failure> {
    let shown: Option<BTreeMap<String, u64>> = input.optional_json()?;
    let Some(shown) = shown else { return Ok(None) };
    let position = |(chain, seq): (String, u64)| {
        let wrong = |error| Failure::bad_request(format!("{chain:?}: {error}"));
        Ok((chain.parse::<Chain>().map_err(wrong)?, Seq(seq)))
    };
    shown.into_iter().map(position).collect::<Result<VersionVector, _>>().map(Some)
}

/// The same the other way round.
pub(crate) fn shown(vector: &VersionVector) -> BTreeMap<String, u64> {
    vector.iter().map(|(chain, seq)| (chain.to_string(), seq.0)).collect()
}

/// How safe an event is, as a number.
pub(crate) fn level_of(durability: Durability) -> i32 {
    match durability {
        Durability::Here => EDGEPOS_HERE,
        Durability::AtLeader => EDGEPOS_AT_LEADER,
        Durability::InCloud => EDGEPOS_IN_CLOUD,
    }
}

/// The receipts of a basket: a list in JSON, each with `event`, `basket`, `series`, `number` and `total`,
/// how often it was `printed`, and `fiscal` where a fiscal device signs it. More than one is an exception.
///
/// Threads: any, at any time.
///
/// # Safety
/// `basket` points to `basket_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_receipts_of_basket(
    node: *const NodeHandle,
    basket: *const c_char,
    basket_length: usize,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (basket, out) = unsafe { (Input::new("basket", basket, basket_length), Output::new("out", out)) };
    asks(node, out, |till| Ok(till.wait(till.node.receipt_states(BookedName::Basket(basket.id()?)))?))
}

/// The receipts that were booked under a till's key: a list in JSON, each with `event`, `basket`, `series`, `number` and
/// `total`, how often it was `printed`, and `fiscal` where a fiscal device signs it.
///
/// Threads: any, at any time.
///
/// # Safety
/// `key` points to `key_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_receipts_of_key(
    node: *const NodeHandle,
    key: *const c_char,
    key_length: usize,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (key, out) = unsafe { (Input::new("key", key, key_length), Output::new("out", out)) };
    asks(node, out, |till| Ok(till.wait(till.node.receipt_states(BookedName::Key(key.id()?)))?))
}

/// Transactions that this terminal holds, its own and others', the newest first, at most `limit` and never more than 200.
///
/// `query` is JSON with any of `from_ms`, `before_ms`, `business_day`, `series`, `number`, `customer` and `terminal`, or of length 0 for all;
/// `after` is `next` of the page before, or of length 0 for the first. On success `*out` is JSON with `transactions` and `next`, which is
/// null when everything was looked at. A page may be short, or empty, and have a next one.
///
/// Threads: any, at any time.
///
/// # Safety
/// `query` points to `query_length` bytes, `after` to `after_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_transactions(
    node: *const NodeHandle,
    query: *const c_char,
    query_length: usize,
    after: *const c_char,
    after_length: usize,
    limit: u32,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (query, after) =
        unsafe { (Input::new("query", query, query_length), Input::new("after", after, after_length)) };
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("out", out) };
    asks(node, out, |till| {
        let query: TransactionQuery = query.optional_json()?.unwrap_or_default();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(till.wait(till.node.transactions(&query, vector(after)?, limit))?)
    })
}

/// The transaction that an event booked, with its lines and payments, as JSON: what a receipt is printed from. `EDGEPOS_NOTHING` where
/// the event is not here, or is no transaction.
///
/// Threads: any, at any time.
///
/// # Safety
/// `event` points to `event_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_transaction(
    node: *const NodeHandle,
    event: *const c_char,
    event_length: usize,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (event, out) = unsafe { (Input::new("event", event, event_length), Output::new("out", out)) };
    asks_for(node, out, |till| Ok(till.wait(till.node.transaction(event.id::<EventId>()?))?))
}

/// One event as it is stored, as JSON; `EDGEPOS_NOTHING` where it is not here.
///
/// Threads: any, at any time.
///
/// # Safety
/// `event` points to `event_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_event(
    node: *const NodeHandle,
    event: *const c_char,
    event_length: usize,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (event, out) = unsafe { (Input::new("event", event, event_length), Output::new("out", out)) };
    asks_for(node, out, |till| Ok(till.wait(till.node.event(event.id::<EventId>()?))?))
}

/// How safe an event is, as far as this terminal knows: `*out` is `EDGEPOS_HERE`, `EDGEPOS_AT_LEADER` or `EDGEPOS_IN_CLOUD`.
/// `EDGEPOS_NOTHING` where it is not durable here.
///
/// Threads: any, at any time.
///
/// # Safety
/// `event` points to `event_length` bytes, and `out` to where a number may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_durability(
    node: *const NodeHandle,
    event: *const c_char,
    event_length: usize,
    out: *mut i32,
) -> i32 {
    // SAFETY: as the caller promises.
    let (event, out) = unsafe { (Input::new("event", event, event_length), Output::new("out", out)) };
    with(node, |till| {
        out.check()?;
        let durability = till.wait(till.node.durability(event.id::<EventId>()?))?;
        out.write_some(durability.map(level_of))
    })
}

/// What a business day comes to, as JSON: the X figures of an open day, the Z figures of a closed one, by currency and there by tender, tax,
/// operator and drawer, and what came late. `day` is yyyymmdd; `terminal` is a terminal's number, or 0 for the whole store. `closed` says
/// which of the two they are, and `complete` whether this terminal holds all that the close had seen.
///
/// Threads: any, at any time.
///
/// # Safety
/// `out` points to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_day_figures(
    node: *const NodeHandle,
    day: u32,
    terminal: u16,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("out", out) };
    let asked = DayQuery { day, terminal: Some(terminal).filter(|terminal| *terminal != 0) };
    asks(node, out, |till| Ok(till.wait(till.node.day_figures(asked))?))
}
