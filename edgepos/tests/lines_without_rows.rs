//! A line that was sold has no counter row until something of it comes back; what is left of it is known all the same.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::{Now, Space};
use edgepos::model::{BasketId, CounterRow, Effect};
use edgepos::{MemoryStore, Record, Refusal, Reply, RequestId};
use support::{Shop, Till, WALL, back, config, draft, line};

const NOW: Now = Now::new(0, WALL);

fn row(basket: u8, line: u16) -> CounterRow {
    CounterRow::returnable(BasketId([basket; 16]), line)
}

fn till(max_rows_behind: u32) -> Till {
    let mut config = config(1, 1);
    config.max_rows_behind = max_rows_behind;
    Till::open(config, MemoryStore::new(), NOW)
}

#[test]
fn sales_leave_no_row_in_memory_or_on_disk() {
    let mut till = till(1);
    for basket in 1..=20 {
        till.sell(NOW, basket, vec![line(1, "milk", 1, 100), line(2, "bread", 2, 50)]);
    }
    // Two products and the drawer.
    assert_eq!((till.terminal.counters().len(), till.rows(Space::Counter)), (3, 3));
    assert_eq!(till.counter(NOW, &row(7, 2)), Some(2));
    assert_eq!(till.counter(NOW, &row(7, 3)), None, "a line that was not sold");
    assert_eq!(till.counter(NOW, &row(99, 1)), None, "a basket that nobody sold");
    assert_eq!(till.terminal.counters().len(), 3, "asking makes no row");
}

#[test]
fn what_is_left_survives_a_crash_at_each_step() {
    for max_rows_behind in [1, 3, 2_000] {
        let mut till = till(max_rows_behind);
        till.sell(NOW, 1, vec![line(1, "milk", 5, 500)]);
        let mut till = till.crash(NOW);
        till.sell(NOW, 2, vec![back(1, 1, "milk", 2)]);
        assert_eq!(till.counter(NOW, &row(1, 1)), Some(3));
        let mut till = till.crash(NOW);
        assert_eq!(till.terminal.counter(&row(1, 1)), Some(3), "at once, behind {max_rows_behind}");
        let refused = till.begin(NOW, draft(3, vec![back(1, 1, "milk", 4)]));
        assert_eq!(refused, Err(Refusal::NotReturnable { line: 1, remaining: 3 }));
        till.sell(NOW, 4, vec![back(1, 1, "milk", 3)]);
        let till = till.crash(NOW);
        assert_eq!(till.terminal.counter(&row(1, 1)), Some(0));
    }
}

/// A return and its sale in the same write: the sale cannot be read yet.
#[test]
fn a_return_that_overtakes_the_write_of_its_sale_knows_it() {
    let mut till = till(2_000);
    till.writing = false;
    let begun = till.request();
    till.terminal.begin(NOW, begun, draft(1, vec![line(1, "milk", 2, 100)])).unwrap();
    till.run(NOW);
    while till.write_one(NOW) {
        till.run(NOW);
    }
    till.ask_commit(NOW, 1, 1).unwrap();
    till.run(NOW);
    // The sale has its place and is not on disk.
    let taking_back = till.request();
    till.terminal
        .begin(NOW, taking_back, draft(2, vec![back(1, 1, "milk", 3)]))
        .unwrap_or_else(|refusal| panic!("{refusal}"));
    till.run(NOW);
    assert_eq!(
        till.replies.remove(&taking_back),
        Some(Err(Refusal::NotReturnable { line: 1, remaining: 2 }))
    );
}

#[test]
fn a_vendors_event_on_a_line_counts_beside_the_sale() {
    let mut till = till(2_000);
    till.sell(NOW, 1, vec![line(1, "milk", 5, 500)]);
    let more = Effect::new(row(1, 1), 2, None);
    till.record(NOW, Record::custom(vec![1], vec![more])).unwrap();
    assert_eq!(till.counter(NOW, &row(1, 1)), Some(7));
    let till = till.crash(NOW);
    assert_eq!(till.terminal.counter(&row(1, 1)), Some(7));
}

/// At every terminal the same, whatever came first.
#[test]
fn a_return_that_arrives_before_its_sale_counts_once_both_are_here() {
    let mut shop = Shop::new(3);
    shop.elect();
    shop.cut(0);
    let now = shop.now;
    shop.tills[0].sell(now, 1, vec![line(1, "milk", 3, 300)]);
    // The receipt is taken to a till that has never heard of it.
    shop.tills[1].sell(now, 2, vec![back(1, 1, "milk", 1)]);
    shop.pass(2_000);
    assert_eq!(shop.tills[2].terminal.counter(&row(1, 1)), Some(-1));
    shop.heal();
    shop.pass(10_000);
    for till in &shop.tills {
        assert_eq!(till.terminal.counter(&row(1, 1)), Some(2));
    }
    for till in 0..3 {
        shop.crash(till);
        assert_eq!(shop.tills[till].terminal.counter(&row(1, 1)), Some(2));
    }
}

/// Nobody reads for the questions meanwhile: the disk is not asked, and no memory is taken for one more.
#[test]
fn questions_that_wait_have_a_limit() {
    let mut till = till(1);
    till.sell(NOW, 1, vec![line(1, "milk", 1, 100)]);
    let first = 1_000;
    for request in first..first + 1_025 {
        till.terminal.ask_counter(NOW, RequestId(request), row(1, 1)).unwrap();
    }
    till.run(NOW);
    let answers: Vec<_> =
        (first..first + 1_025).map(|request| till.replies[&RequestId(request)].clone()).collect();
    assert!(answers[..1_024].iter().all(|answer| *answer == Ok(Reply::Counter(Some(1)))));
    let full = Refusal::Full { what: "questions about sold lines", limit: 1_024 };
    assert_eq!(answers[1_024], Err(full));
    assert_eq!(till.counter(NOW, &row(1, 1)), Some(1), "and is asked again afterwards");
}
