//! Stock moves in the direction that its reason says.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::Now;
use edgepos::model::{CounterRow, StockLine, StockMoved, StockReason};
use edgepos::{Record, Refusal};
use support::{Till, WALL};

const NOW: Now = Now::new(0, WALL);

fn moved(reason: StockReason, quantity: i64) -> Record {
    let lines = vec![StockLine { product: "milk".into(), quantity }];
    Record::stock_moved(&StockMoved { reason, from: None, to: None, lines }, 0)
}

#[test]
fn what_leaves_does_not_raise_the_stock_and_what_comes_does_not_lower_it() {
    let mut till = Till::new(1, 1, NOW);
    let mut stock = 0;
    for (reason, quantity) in [
        (StockReason::Receipt, 20),
        (StockReason::TransferOut, -5),
        (StockReason::TransferIn, 3),
        (StockReason::Damage, -1),
        (StockReason::Adjust, -2),
        (StockReason::Adjust, 4),
        (StockReason::Receipt, -6),
        (StockReason::Damage, 0),
    ] {
        till.record(NOW, moved(reason, quantity)).unwrap();
        stock += quantity;
        assert_eq!(
            till.terminal.counter(&CounterRow::stock("milk", 0)),
            Some(stock),
            "{reason:?} {quantity}"
        );
    }
    for (reason, quantity) in
        [(StockReason::TransferOut, 5), (StockReason::TransferIn, -3), (StockReason::Damage, 1)]
    {
        let refused = till.record(NOW, moved(reason, quantity));
        assert!(
            matches!(refused, Err(Refusal::BadField { field: "quantity", .. })),
            "{reason:?} {quantity}: {refused:?}"
        );
    }
    assert_eq!(till.terminal.counter(&CounterRow::stock("milk", 0)), Some(stock), "nothing was booked");
}
