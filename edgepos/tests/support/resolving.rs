//! Calls that resolve exceptions of milk, in a shop of several tills.

use edgepos::core::{EventId, IdempotencyKey};
use edgepos::model::{CounterRow, Envelope, Kind, StockLine, StockMoved, StockReason, StockState};
use edgepos::{Action, Record, Refusal, Resolve};

use super::{Shop, Till, envelopes};

pub fn goods(quantity: i64) -> Record {
    let lines = vec![StockLine { product: "milk".into(), quantity }];
    let moved = StockMoved { reason: StockReason::Receipt, from: None, to: None, lines };
    Record::stock_moved(&moved, 0)
}

pub fn milk() -> CounterRow {
    CounterRow::stock("milk", 0)
}

pub fn reserved() -> CounterRow {
    CounterRow { state: StockState::Reserved, ..milk() }
}

/// On hand, and owed to customers.
pub fn stock(till: &Till) -> (i64, i64) {
    let value = |row| till.terminal.counter(&row).unwrap_or(0);
    (value(milk()), value(reserved()))
}

/// What a manager wants done about the exception of milk.
pub fn call(key: u8, episode: u32, action: Action) -> Resolve {
    let (actor, reason) = ("Ada".to_owned(), "it is on the shelf".to_owned());
    let exception = milk().to_key();
    Resolve { exception, episode, action, actor, reason, base: None, key: IdempotencyKey([key; 16]) }
}

pub fn record(shop: &mut Shop, record: Record) {
    let now = shop.now;
    shop.tills[0].record(now, record).unwrap();
    shop.pass(2_000);
}

/// Asks at a till and waits for what the store decides; its event.
pub fn resolve(shop: &mut Shop, till: usize, call: &Resolve) -> Result<EventId, Refusal> {
    let now = shop.now;
    let request = shop.tills[till].resolve(now, call)?;
    shop.pass(2_000);
    shop.tills[till].resolved(request).map(|resolution| resolution.event)
}

/// Episode and value of what is open.
pub fn open(till: &Till) -> Vec<(u32, i64)> {
    till.terminal.status().exceptions.iter().map(|raised| (raised.episode, raised.value)).collect()
}

pub fn of_kind(till: &Till, kind: Kind) -> Vec<Envelope> {
    envelopes(&till.disk).into_iter().map(|(_, envelope)| envelope).filter(|e| e.kind == kind).collect()
}
