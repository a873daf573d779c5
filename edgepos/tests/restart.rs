//! A restart finds what was written: rows, heads, and the few events that the counter rows lack.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::{Now, Persist, PersistId, Space, StoreId, Write};
use edgepos::model::{PriceSet, ProductSet, StockLine, StockMoved, StockReason};
use edgepos::{Config, ConfigError, Record, Refusal, Restored, Store, Terminal};
use support::{Till, WALL, config, line};

const NOW: Now = Now::new(0, WALL);

fn price(amount: i64) -> PriceSet {
    PriceSet { valid_to: Some(WALL + 10), ..support::price("milk", amount) }
}

#[test]
fn counters_prices_and_the_day_are_restored() {
    let mut till = Till::new(1, 1, NOW);
    till.record(NOW, Record::day_opened(20_231_114, 5_000)).unwrap();
    let lines = vec![StockLine { product: "milk".into(), quantity: 10 }];
    let moved = StockMoved { reason: StockReason::Receipt, from: None, to: None, lines };
    till.record(NOW, Record::stock_moved(&moved, 0)).unwrap();
    let product = ProductSet {
        product: "milk".into(),
        name: "Milk".into(),
        base_unit: "piece".into(),
        scale: 0,
        tax_code: None,
        counted: None,
        floor: None,
        valid_from: None,
        valid_to: None,
        version: None,
    };
    till.record(NOW, Record::product(&product)).unwrap();
    till.record(NOW, Record::price(&price(99))).unwrap();
    till.record(NOW, Record::price(&price(129))).unwrap();
    till.sell(NOW, 1, vec![line(1, "milk", 4, 400)]);
    let (counters, status) = (till.terminal.counters(), till.terminal.status());
    assert_eq!(status.business_day, Some(20_231_114));

    let till = till.crash(NOW);
    assert_eq!(till.terminal.counters(), counters);
    assert_eq!(till.terminal.status().durable, status.durable);
    assert_eq!(till.terminal.status().business_day, Some(20_231_114));
    // What names no version of its own has the time at which it was recorded.
    let version = Some(WALL);
    assert_eq!(till.terminal.price("milk", 0, WALL), Some(&PriceSet { version, ..price(129) }));
    assert_eq!(till.terminal.price("milk", 0, WALL + 10), None, "no longer valid");
    assert_eq!(till.terminal.product("milk"), Some(&ProductSet { version, ..product }));
    let spaces = Restored::spaces();
    assert!(!spaces.contains(&Space::Event) && !spaces.contains(&Space::IdempotencyKey));
}

#[test]
fn days_open_and_close_once() {
    let mut till = Till::new(1, 1, NOW);
    assert!(matches!(till.record(NOW, Record::day_closed(0)), Err(Refusal::Day(_))));
    till.record(NOW, Record::day_opened(20_231_114, 0)).unwrap();
    assert!(matches!(till.record(NOW, Record::day_opened(20_231_115, 0)), Err(Refusal::Day(_))));
    till.record(NOW, Record::day_closed(0)).unwrap();
    let mut till = till.crash(NOW);
    assert_eq!(till.terminal.status().business_day, None);
    till.record(NOW, Record::day_opened(20_231_115, 0)).unwrap();
}

#[test]
fn another_terminals_disk_is_refused_and_left_alone() {
    let till = Till::new(1, 2, NOW);
    let other = Terminal::new(NOW, config(2, 2), Restored::from_store(&till.disk).unwrap());
    assert!(matches!(other, Err(ConfigError::OtherIdentity { .. })));
    let mut moved = config(1, 2);
    moved.genesis.store = StoreId([8; 16]);
    let other = Terminal::new(NOW, moved, Restored::from_store(&till.disk).unwrap());
    assert!(matches!(other, Err(ConfigError::OtherIdentity { .. })));
}

#[test]
fn a_damaged_row_names_its_place() {
    let mut till = Till::new(1, 1, NOW);
    till.sell(NOW, 1, vec![line(1, "milk", 4, 400)]);
    let damaged = Write::put(Space::Series, "S", [1, 2, 3]);
    till.disk.commit(&[Persist { id: PersistId(1), writes: vec![damaged] }]).unwrap();
    let error = Restored::from_store(&till.disk).unwrap_err().to_string();
    assert!(error.contains("Series") && error.contains("53"), "{error}");
}

#[test]
fn bounds_of_the_configuration_are_checked() {
    let bad = |change: fn(&mut Config)| {
        let mut config = config(1, 1);
        change(&mut config);
        Terminal::new(NOW, config, Restored::new()).unwrap_err().to_string()
    };
    assert!(bad(|config| config.flush_interval = std::time::Duration::ZERO).contains("flush_interval"));
    assert!(bad(|config| config.max_commits = 0).contains("max_commits"));
    let crowd = Terminal::new(NOW, config(1, 16), Restored::new()).unwrap_err();
    let cause = std::error::Error::source(&crowd).unwrap().to_string();
    assert!(cause.contains("15"), "{cause}");
}

#[test]
fn a_stopped_terminal_answers_everybody_and_does_nothing_more() {
    let mut till = Till::new(1, 1, NOW);
    till.begin(NOW, support::draft(1, vec![line(1, "milk", 1, 1)])).unwrap();
    till.writing = false;
    let committing = till.ask_commit(NOW, 1, 1).unwrap();
    let beginning = till.request();
    till.terminal.begin(NOW, beginning, support::draft(2, vec![line(1, "milk", 1, 1)])).unwrap();
    till.terminal.stop("the disk failed".into());
    till.unwritten.clear();
    till.run(NOW);
    for request in [committing, beginning] {
        let reply = till.replies.remove(&request);
        assert_eq!(reply, Some(Err(Refusal::Stopped("the disk failed".into()))), "{request:?}");
    }
    assert!(till.unwritten.is_empty());
    assert_eq!(till.terminal.poll_timeout(), None);
    assert_eq!(till.ask_commit(NOW, 1, 1), Err(Refusal::Stopped("the disk failed".into())));
}
